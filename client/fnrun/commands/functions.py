"""`fnrun functions`: the Lambda functions of the workspace."""

from typing import Annotated

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands("Lambda functions that the workspace has registered.")

_Function = Annotated[
    str, typer.Argument(metavar="FUNCTION", help="Its name or id.", autocompletion=completion.function_names)
]


@app.command("list")
def list_() -> None:
    """List functions, newest first."""
    from fnrun.connection.session import open_client
    from fnrun.output.console import note, print_json_list
    from fnrun.registry.listing import remembered
    from fnrun.registry.shown import print_functions
    from fnrun.shared import invocation

    with open_client() as client:
        functions = remembered("functions", client.list_functions())
        if invocation().as_json:
            print_json_list(functions)
        elif not print_functions(functions):
            note("No function is registered. Next: fnrun functions add NAME ARN")


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What this workspace calls it.")],
    arn: Annotated[str, typer.Argument(metavar="ARN", help="Of the Lambda function, or of an alias of it.")],
    *,
    ignore_differences: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore-differences",
            metavar="POINTER",
            help="What does not count when results are compared: /requestId, /items/*/createdAt.",
        ),
    ] = None,
) -> None:
    """Register a Lambda function, so that triggers can start runs of it."""
    from fnrun.connection.session import open_client
    from fnrun.output.console import print_json
    from fnrun.registry.shown import print_function
    from fnrun.shared import in_flight, invocation

    with open_client() as client, in_flight(f"{name} was registered", check="fnrun functions list"):
        function = client.register_function(name=name, function_arn=arn, ignore_differences=ignore_differences or None)
    if invocation().as_json:
        print_json(function)
    else:
        print_function(function, {})


@app.command()
def show(function: _Function) -> None:
    """Show a function."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.output.console import print_json
    from fnrun.registry.shown import print_function
    from fnrun.shared import invocation

    with open_client() as client:
        found = client.get_function(lookup.function_id(client, function))
        if invocation().as_json:
            print_json(found)
        else:
            print_function(found, lookup.trigger_names(client) if found.get("captureFailures") else {})


@app.command()
def edit(
    function: _Function,
    *,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help="Take the document from there instead; - reads standard input."),
    ] = None,
) -> None:
    """Change a function in $VISUAL or $EDITOR: name, alias, what does not count in comparisons, capturing of failures.

    What a document leaves out stays as it is. With its `version`, nothing that another has changed is overwritten.
    """
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.output.console import print_json
    from fnrun.registry.documents import FUNCTION
    from fnrun.registry.editing import Edit
    from fnrun.registry.shown import print_function
    from fnrun.shared import invocation

    with open_client() as client:
        its_edit = Edit(client, FUNCTION, lookup.function_id(client, function), function)
        changed = its_edit.in_editor() if file is None else its_edit.by_file(file)
    if invocation().as_json:
        print_json(changed)
    else:
        print_function(changed, {})


@app.command()
def remove(
    function: _Function, *, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Remove a function from the workspace. Lambda keeps it; its runs stay, but can no longer be re-run."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.output.ask import confirm
    from fnrun.output.console import note, print_json
    from fnrun.shared import in_flight, invocation

    with open_client() as client:
        function_id = lookup.function_id(client, function)
        if not yes:
            triggers = [each["name"] for each in client.list_triggers() if each["functionId"] == function_id]
            if triggers:
                note(f"Its triggers start nothing any more, so remove them first: {', '.join(triggers)}")
            note("Its runs can no longer be re-run.")
        confirm(f"Remove the function {function}?", yes=yes)
        with in_flight(f"{function} was removed", check="fnrun functions list"):
            removed = client.delete_function(function_id)
    if invocation().as_json:
        print_json(removed)
    else:
        note(f"{function} is removed.")

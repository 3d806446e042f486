"""`fnrun local`: the stack on this machine, and your own functions on it."""

from pathlib import Path
from typing import Annotated

import typer

from fnrun.shared import Commands

app = Commands(help="The stack on this machine: start it, put your function on it, follow it, stop it.")


@app.command()
def up() -> None:
    """Start the local stack, or update it. It runs until `fnrun local down`."""
    _run("up")


@app.command()
def down() -> None:
    """Stop the local stack; what was recorded on it is gone."""
    _run("down")


@app.command()
def demo() -> None:
    """Show what the product does, on a stack of its own that is stopped again."""
    _run("demo")


@app.command()
def logs(
    once: Annotated[bool, typer.Option("--once", help="Print what there is and return.")] = False,
) -> None:
    """Follow what the Lambda functions log, yours and the service's."""
    _need_stack()
    _run("logs", *(["--once"] if once else []))


@app.command()
def token(
    grant: Annotated[
        list[str] | None,
        typer.Option("--grant", metavar="GRANT", help="workspace/resource:action; may be repeated. [acme/*:*]"),
    ] = None,
    subject: Annotated[str, typer.Option("--subject", metavar="NAME", help="Who the token is for.")] = "alice",
) -> None:
    """Print an access token for the local API, for programs other than fnrun. It is valid for 12 hours."""
    from fnrun.connection.identity import is_grant
    from fnrun.errors import UsageFault

    for each in grant or []:
        if not is_grant(each):
            raise UsageFault(f"{each!r} is not a grant", "WORKSPACE/RESOURCE:ACTION, as acme/function-runs:read")
    _need_stack()
    _run("token", "--subject", subject, *(argument for each in grant or [] for argument in ("--grant", each)))


@app.command()
def deploy(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that has the function's code.")],
    *,
    handler: Annotated[str, typer.Option("--handler", metavar="MODULE.FUNCTION", help="As in Lambda: app.handler.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the function and its trigger. [the folder's name]")
    ] = None,
    runtime: Annotated[
        str | None, typer.Option("--runtime", metavar="python3.X", help="[that of the local stack]")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable; may be repeated.")
    ] = None,
    env_file: Annotated[
        Path | None,
        typer.Option("--env-file", metavar="FILE", help="Lines NAME=VALUE, as Docker reads them."),
    ] = None,
    timeout: Annotated[
        int | None, typer.Option("--timeout", metavar="SECONDS", min=1, max=900, help="[at first: 30]")
    ] = None,
    memory: Annotated[
        int | None, typer.Option("--memory", metavar="MB", min=128, max=10240, help="[at first: 128]")
    ] = None,
) -> None:
    """Put your own Python function on the local stack, or update it there; register it, with a trigger of that name.

    What DIR/requirements.txt names is installed into the package. Options that are left out keep what the function has.
    Nothing reaches an AWS account.
    """
    from fnrun.deploying.command import deploy_function

    deploy_function(
        directory,
        handler=handler,
        named=name,
        runtime=runtime,
        variables=env or [],
        env_file=env_file,
        timeout=timeout,
        memory=memory,
    )


def _need_stack() -> None:
    from fnrun.connection.local_stack import NEXT_STEP, checkout
    from fnrun.errors import CommandError, Exit

    found = checkout()
    if not (found / ".local" / "stack.json").is_file():
        raise CommandError(f"No local stack is up in {found}", NEXT_STEP, Exit.NOT_REACHED)


def _run(command: str, *arguments: str) -> None:
    """Become the checkout's own program: its exit code is this one's, and Ctrl-C reaches it alone."""
    import os

    from fnrun.connection.local_stack import checkout, python_of

    found = checkout(is_to_be_started=command == "up")
    python = str(python_of(found))
    os.chdir(found)
    os.execv(python, [python, "-m", "infra.local", command, *arguments])  # noqa: S606 - the checkout's own interpreter

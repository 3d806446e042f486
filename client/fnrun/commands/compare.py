"""`fnrun compare`: two runs side by side."""

from typing import Annotated

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()


@app.command()
def compare(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="Its id, or the beginning of it.", autocompletion=completion.run_ids),
    ],
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="OTHER",
            help="Compared with this run instead of the one that RUN repeats.",
            autocompletion=completion.run_ids,
        ),
    ] = None,
    *,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 if outcome or content differ, as `git diff` does.")
    ] = False,
) -> None:
    """Show how two runs differ: code, configuration, outcome, and with the grant to reveal it their content.

    Who is shown content leaves an act in the audit.
    """
    from function_rerun import Refused

    from fnrun import lookup
    from fnrun.comparing.runs import differ, print_comparison
    from fnrun.connection.session import open_client
    from fnrun.errors import CommandError, Exit
    from fnrun.output.console import print_json
    from fnrun.shared import invocation

    run_id, other_id = lookup.run_id(run), other and lookup.run_id(other)
    with open_client() as client:
        try:
            comparison = client.compare_runs(run_id, with_=other_id)
        except Refused as error:
            if error.field != "with" or other_id:
                raise
            next_step = f"name another run: fnrun compare {run_id} OTHER"
            raise CommandError("This run repeats none that it could be compared with", next_step) from None
    if invocation().as_json:
        print_json(comparison)
    else:
        print_comparison(comparison)
    if exit_code and differ(comparison):
        raise typer.Exit(Exit.NOT_WELL)

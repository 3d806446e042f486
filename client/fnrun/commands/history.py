"""`fnrun history`: a lineage as a tree."""

from typing import Annotated

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()


@app.command()
def history(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Any run of the lineage: its id, or the beginning.", autocompletion=completion.run_ids
        ),
    ],
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="All re-runs, and what each changed; not the newest only.")
    ] = False,
    changes: Annotated[
        bool,
        typer.Option("--changes/--no-changes", help="Show what the newest changed in the parameters. Audited."),
    ] = True,
) -> None:
    """Show the original run and its re-runs: what each has changed, and how it has ended."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.lineage.command import print_history

    run_id = lookup.run_id(run)
    with open_client() as client:
        print_history(client, run_id, everything=everything, with_changes=changes)

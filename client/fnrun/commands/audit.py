"""`fnrun audit`: who did what."""

from typing import Annotated, Any

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()

ACTIONS = (
    "execute",
    "rerun",
    "cancel",
    "reveal",
    "reveal-override-paths",
    "compare",
    "experiment",
    "experiment-verdict",
    "start-batch",
    "pause-batch",
    "resume-batch",
    "cancel-batch",
    "erase",
    "register-function",
    "change-function",
    "delete-function",
    "create-trigger",
    "change-trigger",
    "delete-trigger",
    "rotate-secret",
    "change-error-group",
)
"""Those that a shell offers. A newer service may know more, which may be typed, too."""


def _actions(incomplete: str) -> list[str]:
    return [each for each in ACTIONS if each.startswith(incomplete)]


@app.command()
def audit(
    *,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Since then: 2h (ago), yesterday, or a timestamp.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until then.")] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="WHO", help="Of this person or machine, as the list shows it.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="On this run, and the act that started it.",
            autocompletion=completion.run_ids,
        ),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(
            "--trigger",
            "-t",
            metavar="TRIGGER",
            help="On this trigger or a run of it.",
            autocompletion=completion.trigger_names,
        ),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option("--experiment", metavar="ID", help="Who started it, and who saw its verdict."),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch",
            metavar="BATCH",
            help="Who started, paused, resumed or cancelled it.",
            autocompletion=completion.batch_ids,
        ),
    ] = None,
    action: Annotated[
        str | None,
        typer.Option(
            "--action",
            metavar="ACTION",
            help="Such as rerun, reveal, erase, change-trigger.",
            autocompletion=_actions,
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000_000_000, help="At most so many.")] = 50,
    all_: Annotated[bool, typer.Option("--all", "-a", help="All that match, whatever --limit says.")] = False,
) -> None:
    """List who did what, newest first. What the service does by itself is not in it.

    Callers with the grant function-runs:reveal also see which parameters a re-run has overridden; that is audited, too.
    """
    from itertools import islice

    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.inputs.instants import past_moment
    from fnrun.output.acts import print_acts
    from fnrun.output.console import note, print_json_list
    from fnrun.shared import invocation

    filters: dict[str, Any] = {
        "from_": from_ and past_moment(from_, option="--from"),
        "to": to and past_moment(to, option="--to"),
        "by": by,
        "run_id": run and lookup.run_id(run),
        "experiment_id": experiment,
        "batch_id": batch and lookup.batch_id(batch),
        "action": action,
    }
    with open_client() as client:
        if trigger is not None:
            filters["trigger_id"] = lookup.trigger_id(client, trigger)
        acts = client.list_acts(
            **{name: value for name, value in filters.items() if value}, limit=_PAGE if all_ else min(limit, _PAGE)
        )
        shown = acts if all_ else islice(acts, limit)
        if invocation().as_json:
            count = print_json_list(shown)
        else:
            count = print_acts(shown, lookup.trigger_names(client) | lookup.function_names(client))
    if count == 0 and not invocation().as_json:
        note("No act matches.")
    if count == limit and not all_:
        note(f"These are the newest {limit}: add --limit or --all.")


_PAGE = 100
"""Acts that are asked for at once: as many as the API gives."""

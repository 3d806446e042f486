"""`fnrun runs`: which runs there are, what one of them is, and how they come and go."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands("List, show and watch runs.")

DEFAULT_LIMIT = 50
PAGE = 100
"""The API's largest."""


class Status(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class Source(StrEnum):
    TRIGGER = "trigger"
    MANUAL = "manual"
    SCHEDULED = "scheduled"
    WEBHOOK = "webhook"
    EVENT = "event"
    RERUN = "rerun"
    RETRY = "retry"
    CAPTURED = "captured"
    ORCHESTRATION = "orchestration"
    EXPERIMENT = "experiment"


class Part(StrEnum):
    PARAMETERS = "parameters"
    OVERRIDES = "overrides"
    RESULT = "result"
    ERROR = "error"
    LOGS = "logs"


_Status = Annotated[Status | None, typer.Option("--status", "-s", help="Only those in this status.")]
_Function = Annotated[
    str | None,
    typer.Option(
        "--function", "-f", metavar="NAME", help="Only of this function.", autocompletion=completion.function_names
    ),
]
_Trigger = Annotated[
    str | None,
    typer.Option(
        "--trigger", "-t", metavar="NAME", help="Only of this trigger.", autocompletion=completion.trigger_names
    ),
]
_Recovered = Annotated[
    bool | None,
    typer.Option("--recovered/--not-recovered", help="Only originals that failed and are, or are not, recovered."),
]
_IsRerun = Annotated[bool | None, typer.Option("--reruns/--originals", help="Only re-runs, or none.")]
_By = Annotated[str | None, typer.Option("--by", metavar="USER", help="Only re-runs that this user asked for.")]
_Source = Annotated[Source | None, typer.Option("--source", help="Only those that this started.")]
_Error = Annotated[str | None, typer.Option("--error", metavar="CODE", help="Only with this error code.")]
_Version = Annotated[
    str | None, typer.Option("--version", metavar="VERSION", help="Only of this version of the function.")
]
_Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="GROUP",
        help="Only of this error group: fnrun errors.",
        autocompletion=completion.group_ids,
    ),
]
_Batch = Annotated[
    str | None,
    typer.Option("--batch", metavar="BATCH", help="Only re-runs of this batch.", autocompletion=completion.batch_ids),
]
_TIMES = "2h (ago), 3d, yesterday, 18:00, 2026-11-26 or a timestamp."
_From = Annotated[str | None, typer.Option("--from", metavar="TIME", help=f"Not created before {_TIMES}")]
_To = Annotated[str | None, typer.Option("--to", metavar="TIME", help=f"Not created after {_TIMES}")]


@app.command("list")
def list_(
    *,
    status: _Status = None,
    function: _Function = None,
    trigger: _Trigger = None,
    recovered: _Recovered = None,
    is_rerun: _IsRerun = None,
    by: _By = None,
    source: _Source = None,
    error: _Error = None,
    version: _Version = None,
    group: _Group = None,
    batch: _Batch = None,
    from_: _From = None,
    to: _To = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1_000_000_000, metavar="N", help="So many of the newest.")
    ] = DEFAULT_LIMIT,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All of them, however many.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only ids, one a line: for fnrun rerun -.")] = False,
) -> None:
    """List runs, newest first. Runs match all filters that are given."""
    from itertools import islice

    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.output.console import note, print_json_list
    from fnrun.output.runs import print_runs
    from fnrun.shared import invocation

    with open_client() as client:
        typed = _Typed(
            status, function, trigger, recovered, is_rerun, by, source, error, version, group, batch, from_, to
        )
        # One more than is shown, to know whether there are more.
        found = client.list_runs(**typed.filters(client), limit=PAGE if everything else min(limit + 1, PAGE))
        runs = lookup.remembered(found if everything else islice(found, limit))
        if invocation().as_json:
            print_json_list(runs)
        elif quiet:
            for run in runs:
                typer.echo(run["id"])
        elif not print_runs(runs, lookup.function_names(client)):
            note("No run matches." if typed.any() else "There are no runs yet: fnrun execute TRIGGER")
        elif not everything and next(found, None) is not None:
            note(f"There are more than these {limit}: --limit N, or --all")


@app.command()
def show(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Its id, or the beginning of it.", autocompletion=completion.run_ids)
    ],
    *,
    include: Annotated[
        str,
        typer.Option(metavar="PART,…", help="Open these parts: parameters, overrides, result, error, logs. Audited."),
    ] = "",
    reveal: Annotated[bool, typer.Option("--reveal", help="Open all parts. Audited.")] = False,
) -> None:
    """Show one run. Its content only if you ask for it, and with the grant function-runs:reveal."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.output.console import print_json
    from fnrun.output.runs import print_run
    from fnrun.shared import invocation

    parts = _parts(include, reveal=reveal)
    run_id = lookup.run_id(run)
    with open_client() as client:
        shown = client.get_run(run_id, include=parts)
        if invocation().as_json:
            print_json(shown)
        else:
            print_run(shown, lookup.function_names(client), lookup.trigger_names(client), parts)


@app.command()
def watch(
    *,
    status: _Status = None,
    function: _Function = None,
    trigger: _Trigger = None,
    recovered: _Recovered = None,
    is_rerun: _IsRerun = None,
    by: _By = None,
    source: _Source = None,
    error: _Error = None,
    version: _Version = None,
    group: _Group = None,
    batch: _Batch = None,
    from_: _From = None,
    to: _To = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100, metavar="N", help="So many of the newest.")
    ] = 20,
    every: Annotated[float, typer.Option("--every", min=0.1, metavar="SECONDS", help="Look again so often.")] = 2.0,
) -> None:
    """Watch the newest runs until Ctrl-C: a live table, or a line for each change where there is no terminal."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.following.watching import watch_runs

    with open_client() as client:
        typed = _Typed(
            status, function, trigger, recovered, is_rerun, by, source, error, version, group, batch, from_, to
        )
        filters = typed.filters(client)
        watch_runs(client, filters, lookup.function_names(client), limit=limit, every_seconds=every)


class _Typed:
    """The filters, as they were typed."""

    def __init__(self, *values: Any) -> None:
        names = "status function trigger recovered is_rerun by source error version group batch from to"
        self._values: Mapping[str, Any] = dict(zip(names.split(), values, strict=True))

    def any(self) -> bool:
        return any(value is not None for value in self._values.values())

    def filters(self, client: Any) -> dict[str, Any]:
        """As the client takes them. Asks the API for the ids of names."""
        from fnrun import lookup
        from fnrun.inputs.instants import past_moment

        typed = self._values
        given = {
            "status": typed["status"],
            "function_id": typed["function"] and lookup.function_id(client, typed["function"]),
            "trigger_id": typed["trigger"] and lookup.trigger_id(client, typed["trigger"]),
            "recovered": typed["recovered"],
            "is_rerun": typed["is_rerun"],
            "rerun_by": typed["by"],
            "execution_source": typed["source"],
            "error_code": typed["error"],
            "function_version": typed["version"],
            "error_group_id": typed["group"] and lookup.group_id(typed["group"]),
            "batch_id": typed["batch"] and lookup.batch_id(typed["batch"]),
            "from_": typed["from"] and past_moment(typed["from"], option="--from"),
            "to": typed["to"] and past_moment(typed["to"], option="--to"),
        }
        return {name: value for name, value in given.items() if value is not None}


def _parts(include: str, *, reveal: bool) -> list[str]:
    """Raises UsageFault for a part that there is not."""
    from fnrun.errors import UsageFault

    if reveal:
        return [*Part]
    wanted: Iterable[str] = filter(None, (part.strip() for part in include.split(",")))
    parts = list(dict.fromkeys(wanted))
    if unknown := [part for part in parts if part not in set(Part)]:
        raise UsageFault(f"--include {unknown[0]!r} is no part of a run", f"choose among {', '.join(Part)}")
    return parts

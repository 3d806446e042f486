"""`fnrun batch`: many re-runs as one, which begin with a few, go faster and faster, and stop themselves."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fnrun import completion
from fnrun.shared import Commands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from function_rerun import Client

app = Commands("Re-run many runs as one batch: plan, start, watch, pause, resume and cancel it.")

DEFAULT_LIMIT = 50
PAGE = 100
"""The API's largest."""
MOST_NAMED = 500
"""Runs that a batch takes by their ids."""
_FEWER = "choose by options, such as --group GROUP, or head -n 500"


class Effects(StrEnum):
    NEW = "new"
    SAME = "same"


class OpenReruns(StrEnum):
    LEAVE = "leave"
    CANCEL = "cancel"


def _rules(incomplete: str) -> list[str]:
    return [rule for rule in ("same-error", "same-error=no", "rate=", "failures=") if rule.startswith(incomplete)]


_Batch = Annotated[
    str,
    typer.Argument(metavar="BATCH", help="Its id, or the beginning of it.", autocompletion=completion.batch_ids),
]
_StartPerSecond = Annotated[
    float | None, typer.Option("--start-per-second", metavar="N", help="Start so many a second at first.")
]
_MaxPerSecond = Annotated[
    float | None, typer.Option("--max-per-second", metavar="N", help="Start no more than so many a second.")
]
_DoubleEvery = Annotated[
    str | None, typer.Option("--double-every", metavar="TIME", help="Start twice as many a second each 30s, 2m, …")
]
_StopOn = Annotated[
    list[str] | None,
    typer.Option(
        "--stop-on",
        metavar="RULE",
        help="Stop on same-error (same-error=no: go on), rate=0.2, failures=10. What is not named stays as it is.",
        autocompletion=_rules,
    ),
]
_Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_Timeout = Annotated[str | None, typer.Option("--timeout", metavar="TIME", help="Wait no longer than 90s, 5m, …")]


@app.command()
def start(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN…",
            help="Ids, or beginnings of them; - reads one a line. Or choose by the options below.",
            autocompletion=completion.run_ids,
        ),
    ] = None,
    *,
    group: Annotated[
        str | None,
        typer.Option(
            "--group", metavar="GROUP", help="What failed with this error.", autocompletion=completion.group_ids
        ),
    ] = None,
    function: Annotated[
        str | None,
        typer.Option(
            "--function", "-f", metavar="NAME", help="Only of this function.", autocompletion=completion.function_names
        ),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(
            "--trigger", "-t", metavar="NAME", help="Only of this trigger.", autocompletion=completion.trigger_names
        ),
    ] = None,
    error: Annotated[str | None, typer.Option("--error", metavar="CODE", help="Only with this error code.")] = None,
    failed_on: Annotated[
        str | None, typer.Option("--failed-on", metavar="VERSION", help="Only what failed on this version.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Not created before 2h (ago), yesterday, 18:00, …")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Not created after then.")] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit. Only --plan needs none.")
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Execute today's code, not the runs' versions.")] = False,
    version: Annotated[
        str | None, typer.Option("--version", metavar="VERSION", help="Execute this version of the function.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override one parameter of all: see fnrun rerun --help."),
    ] = None,
    params: Annotated[
        str | None, typer.Option("--params", metavar="JSON", help="Override with a JSON object; or @FILE, or -.")
    ] = None,
    effects: Annotated[
        Effects, typer.Option("--effects", help="same: what the runs have done is not done again.")
    ] = Effects.NEW,
    canary: Annotated[
        int | None, typer.Option("--canary", min=0, metavar="N", help="Try so many first; 0: none.")
    ] = None,
    start_per_second: _StartPerSecond = None,
    max_per_second: _MaxPerSecond = None,
    double_every: _DoubleEvery = None,
    stop_on: _StopOn = None,
    not_before: Annotated[
        str | None, typer.Option("--not-before", metavar="TIME", help="Start it then: +2h, 18:00, or a timestamp.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what it would do, and do nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Watch it until it has ended.")] = False,
    timeout: _Timeout = None,
    yes: _Yes = False,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar="KEY", help="Sent again, it starts no second batch.")
    ] = None,
) -> None:
    """Start a batch: re-run what has failed and is not recovered, or the runs that you name. Shows the plan, and asks.

    A few first, the canary; if these end well, the others, faster and faster. It stops itself if the same error comes
    back, or too many fail. A run that has recovered meanwhile, or of which a re-run is open, is skipped.
    """
    from fnrun.batching import options as typed
    from fnrun.batching.starting import Options, start_planned
    from fnrun.connection.session import open_client
    from fnrun.errors import UsageFault
    from fnrun.inputs.instants import coming_moment, parse_timeout
    from fnrun.inputs.json_values import read_object
    from fnrun.inputs.overrides import read_overrides
    from fnrun.inputs.several_runs import check_key, check_stdin
    from fnrun.inputs.versions import check_version
    from fnrun.output.console import note

    if not plan and not (reason or "").strip():
        raise UsageFault("Nothing says why", "add --reason WHY")
    check_version(failed_on, option="--failed-on")
    check_key(idempotency_key)
    check_stdin(runs or [], params=params, yes=yes or plan, key=None)
    request: dict[str, Any] = {
        "use_latest_code": latest or None,
        "function_version": version,
        "reason": reason or None,
        "override_params": read_overrides(settings or [], read_object(params, option="--params")),
        "effects": None if effects is Effects.NEW else effects.value,
        "canary": None if canary is None else {"count": canary},
        "pace": typed.pace(start_per_second, max_per_second, double_every),
        "stop_when": typed.stop_rules(stop_on or []),
        "not_before": not_before and coming_moment(not_before, option="--not-before"),
    }
    options = Options(plan, yes, wait, parse_timeout(timeout, waits=wait), idempotency_key)
    by = {"errorCode": error, "functionVersion": failed_on, "group": group, "function": function, "trigger": trigger}
    by |= {"from": from_, "to": to}
    with open_client() as client:
        chosen = _sources(client, runs or [], {name: each for name, each in by.items() if each is not None})
        if not any(chosen.values()):
            note("No run was named.")
            return
        given = {name: each for name, each in request.items() if each not in (None, {})}
        start_planned(client, chosen | given, options)


@app.command()
def watch(
    batch: _Batch,
    *,
    every: Annotated[float, typer.Option("--every", min=0.1, metavar="SECONDS", help="Look again so often.")] = 2.0,
    timeout: _Timeout = None,
) -> None:
    """Watch a batch until it ends or stops itself: live, or a line for each change where there is no terminal."""
    from fnrun import lookup
    from fnrun.batching.watching import watch_batch
    from fnrun.connection.session import open_client
    from fnrun.inputs.instants import parse_timeout

    seconds = parse_timeout(timeout, waits=True)
    batch_id = lookup.batch_id(batch)
    with open_client() as client:
        client.get_rerun_batch(batch_id)  # what is wrong from the start is said at once
    watch_batch(batch_id, timeout_seconds=seconds, every_seconds=every)


@app.command()
def pause(batch: _Batch, *, reason: _Reason = None) -> None:
    """Start no more of a batch until it is resumed. What is started goes on."""
    from fnrun import lookup

    batch_id = lookup.batch_id(batch)
    _change(batch_id, "paused", lambda client: client.pause_rerun_batch(batch_id, reason=reason))


@app.command()
def resume(
    batch: _Batch,
    *,
    start_per_second: _StartPerSecond = None,
    max_per_second: _MaxPerSecond = None,
    double_every: _DoubleEvery = None,
    stop_on: _StopOn = None,
    reason: _Reason = None,
    wait: Annotated[bool, typer.Option("--wait", help="Watch it until it has ended.")] = False,
    timeout: _Timeout = None,
) -> None:
    """Let a batch go on that was paused or has stopped itself, also at another pace or with other rules.

    After a stop, what has failed until then does not count any more.
    """
    from fnrun import lookup
    from fnrun.batching import options as typed
    from fnrun.batching.watching import watch_batch
    from fnrun.inputs.instants import parse_timeout

    seconds = parse_timeout(timeout, waits=wait)
    changes = {
        "pace": typed.pace(start_per_second, max_per_second, double_every),
        "stop_when": typed.stop_rules(stop_on or []),
        "reason": reason,
    }
    batch_id = lookup.batch_id(batch)
    given = {name: each for name, each in changes.items() if each}
    _change(batch_id, "resumed", lambda client: client.resume_rerun_batch(batch_id, **given), is_last=not wait)
    if wait:
        watch_batch(batch_id, timeout_seconds=seconds)


@app.command()
def cancel(
    batch: _Batch,
    *,
    open_reruns: Annotated[
        OpenReruns, typer.Option("--open-reruns", help="What was started and has not ended: leave it, or cancel it.")
    ] = OpenReruns.LEAVE,
    reason: _Reason = None,
    yes: _Yes = False,
) -> None:
    """End a batch for good: it starts no more, and cannot be resumed. `fnrun batch pause` only holds it."""
    from fnrun import lookup
    from fnrun.output.ask import confirm
    from fnrun.output.console import note

    batch_id = lookup.batch_id(batch)
    what = "its open re-runs too" if open_reruns is OpenReruns.CANCEL else "but not its open re-runs"
    confirm(f"Cancel the batch {batch_id} for good, {what}?", yes=yes)
    given = {"open_reruns": open_reruns.value, "reason": reason}
    cancelled = _change(batch_id, "cancelled", lambda client: client.cancel_rerun_batch(batch_id, **given))
    if running := cancelled["progress"]["running"]:
        which = "those of them that are being executed" if open_reruns is OpenReruns.CANCEL else "they"
        note(f"{running:,} of its re-runs have not ended, and {which} go on: fnrun batch show {batch_id}")


@app.command("list")
def list_(
    *,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1_000_000_000, metavar="N", help="So many of the newest.")
    ] = DEFAULT_LIMIT,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All of them, however many.")] = False,
) -> None:
    """List batches, newest first."""
    from itertools import islice

    from fnrun import lookup
    from fnrun.batching.batches import print_batches
    from fnrun.connection.session import open_client
    from fnrun.output.console import note, print_json_list
    from fnrun.shared import invocation

    with open_client() as client:
        # One more than is shown, to know whether there are more.
        found = client.list_rerun_batches(limit=PAGE if everything else min(limit + 1, PAGE))
        batches = lookup.remembered_batches(found if everything else islice(found, limit))
        if invocation().as_json:
            print_json_list(batches)
        elif not print_batches(batches):
            note("There are no batches yet: fnrun batch start")
        elif not everything and next(found, None) is not None:
            note(f"There are more than these {limit}: --limit N, or --all")


@app.command()
def show(batch: _Batch) -> None:
    """Show a batch: what it re-runs and how, and how far it is. Its re-runs: `fnrun runs list --batch BATCH`."""
    from fnrun import lookup
    from fnrun.batching.batches import print_batch
    from fnrun.connection.session import open_client
    from fnrun.output.console import print_json
    from fnrun.shared import invocation

    batch_id = lookup.batch_id(batch)
    with open_client() as client:
        shown = client.get_rerun_batch(batch_id)
        [*_] = lookup.remembered_batches([shown])
        if invocation().as_json:
            print_json(shown)
        else:
            print_batch(shown, lookup.function_names(client), lookup.group_names())


def _sources(client: "Client", runs: list[str], by: "Mapping[str, str]") -> dict[str, Any]:
    """`run_ids`, or a `filter`. Raises UsageFault."""
    from fnrun import lookup
    from fnrun.errors import UsageFault
    from fnrun.inputs.instants import past_moment
    from fnrun.inputs.json_values import STDIN
    from fnrun.inputs.several_runs import named_runs

    choose = "name runs, or choose what failed: --group, --function, --trigger, --error, --failed-on, --from, --to"
    if runs and by:
        raise UsageFault("Runs are named, and others are chosen by options", choose.replace("name", "either name", 1))
    if by:
        read: dict[str, Any] = {
            "group": ("errorGroupId", lookup.group_id),
            "function": ("functionId", lambda name: lookup.function_id(client, name)),
            "trigger": ("triggerId", lambda name: lookup.trigger_id(client, name)),
            "from": ("from", lambda text: past_moment(text, option="--from")),
            "to": ("to", lambda text: past_moment(text, option="--to")),
        }
        pairs = ((*read.get(name, (name, str)), typed) for name, typed in by.items())
        return {"filter": {field: of(typed) for field, of, typed in pairs}}
    try:
        named = list(dict.fromkeys(lookup.run_id(name) for name in named_runs(runs)))
    except UsageFault as fault:
        if runs == [STDIN] and "is not the id of" in fault.message:
            fault.next_step = "send one id a line: fnrun runs list -q"
        raise
    if not named and not runs:
        raise UsageFault("Nothing says which runs to re-run", choose)
    if len(named) > MOST_NAMED:
        raise UsageFault(f"{len(named)} runs are named, and a batch takes {MOST_NAMED}", _FEWER)
    return {"run_ids": named}


def _change(batch_id: str, done: str, change: Any, *, is_last: bool = True) -> Any:
    """The batch as it is then."""
    from fnrun.connection.session import open_client
    from fnrun.output.console import print_json
    from fnrun.shared import in_flight, invocation

    with open_client() as client, in_flight(f"{batch_id} was {done}", check=f"fnrun batch show {batch_id}"):
        changed = change(client)
    if not invocation().as_json:
        typer.echo(f"{batch_id}  {changed['state']}")
    elif is_last:
        print_json(changed)
    return changed

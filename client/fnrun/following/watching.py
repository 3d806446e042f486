"""The newest runs, looked at again and again until Ctrl-C."""

import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from time import sleep, strftime
from typing import TYPE_CHECKING, Any

from fnrun.output.console import note, stdout
from fnrun.output.runs import COLUMNS, run_row
from fnrun.output.tables import table_lines
from fnrun.output.text import as_json, printable
from fnrun.output.times import moment
from fnrun.shared import invocation

if TYPE_CHECKING:
    from function_rerun import Client

Runs = list[Mapping[str, Any]]


def watch_runs(
    client: "Client", filters: Mapping[str, Any], names: Mapping[str, str], *, limit: int, every_seconds: float
) -> None:
    """Ends with Ctrl-C, or with what is no passing trouble."""
    looks = _looks(client, filters, limit, every_seconds)
    try:
        if sys.stdout.isatty() and not invocation().as_json:
            _show_table(looks, names)
        else:
            _print_changes(looks, names)
    except KeyboardInterrupt:
        note("")


def _looks(client: "Client", filters: Mapping[str, Any], limit: int, every_seconds: float) -> Iterator[Runs | None]:
    """The newest runs, time after time; None where the service was not reached."""
    from function_rerun import ConnectionFailed, Unavailable

    while True:
        try:
            yield [*islice(client.list_runs(**filters, limit=min(limit, _PAGE)), limit)]
        except (ConnectionFailed, Unavailable):
            yield None
        sleep(every_seconds)


_PAGE = 100


def _show_table(looks: Iterator[Runs | None], names: Mapping[str, str]) -> None:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    lines: list[Text] = []
    with Live(console=stdout(), auto_refresh=False, screen=False) as live:
        for runs in looks:
            now = f"{strftime('%H:%M:%S')}, Ctrl-C ends"
            if runs is None:
                now = f"{now}; the service was not reached, this is how it was before"
            else:
                lines = table_lines(COLUMNS, [run_row(run, names) for run in runs])
            for line in lines:
                line.truncate(live.console.width, overflow="ellipsis")
            live.update(Group(*lines, Text(now, "dim")), refresh=True)


def _print_changes(looks: Iterator[Runs | None], names: Mapping[str, str]) -> None:
    """A line for each run that is new or has another status; with --output json the API's document in one line."""
    known: dict[str, tuple[Any, ...]] = {}
    was_reached = True
    for runs in looks:
        if runs is None:
            if was_reached:
                note("The service was not reached; trying on.")
            was_reached = False
            continue
        was_reached = True
        states = {run["id"]: (run["status"], run["errorCode"], run["recovered"]) for run in runs}
        for run in reversed(runs):
            if known.get(run["id"]) != states[run["id"]]:
                sys.stdout.write((as_json(run, indent=None) if invocation().as_json else _line(run, names)) + "\n")
        sys.stdout.flush()
        known = states


def _line(run: Mapping[str, Any], names: Mapping[str, str]) -> str:
    at = moment(run["endedAt"] or run["startedAt"] or run["createdAt"])
    function = names.get(run["functionId"], run["functionId"])
    return printable(f"{at}  {run['id']}  {run['status']:<9}  {function}  {run['errorCode'] or ''}".rstrip())

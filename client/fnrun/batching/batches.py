"""How batches look: a row each, or one of them with all that is known of it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fnrun.batching import described
from fnrun.output.console import stdout
from fnrun.output.fields import print_fields
from fnrun.output.tables import print_table
from fnrun.output.times import moment

Batch = Mapping[str, Any]
Names = Mapping[str, str]
_COLUMNS = ("ID", "STATE", "STARTED", "BY", "DONE", "OF", "FAILED", "REASON")


def print_batches(batches: Iterable[Batch]) -> int:
    """Gives how many there were."""
    return print_table(_COLUMNS, map(_row, batches))


def _row(batch: Batch) -> list[str]:
    progress = batch["progress"]
    return [
        batch["batchId"],
        batch["state"],
        moment(batch["createdAt"]),
        batch["startedBy"],
        f"{described.done(progress):,}",
        described.total(progress),
        f"{progress['failed']:,}",
        batch["reason"] or "",
    ]


def print_batch(batch: Batch, function_names: Names, group_names: Names) -> None:
    console = stdout()
    print_fields(console, _fields(batch, function_names, group_names))
    if by_group := batch["progress"]["failedByGroup"]:
        console.print()
        print_table(("FAILED", "ERROR GROUP"), failed_rows(by_group, group_names))


def failed_rows(by_group: Iterable[Mapping[str, Any]], group_names: Names) -> list[tuple[str, str]]:
    return [(f"{each['count']:,}", described.group(each["errorGroupId"], group_names)) for each in by_group]


def _fields(batch: Batch, function_names: Names, group_names: Names) -> Iterator[tuple[str, object]]:
    progress = batch["progress"]
    yield "id", batch["batchId"]
    yield "state", batch["state"]
    yield "because", described.why_stopped(batch, group_names) if batch["state"] == "stopped" else None
    yield "started", f"{moment(batch['createdAt'])} by {batch['startedBy']}"
    yield "reason", batch["reason"]
    yield "re-runs", described.selection(batch, function_names)
    yield "code", described.code(batch["useLatestCode"], batch["functionVersion"])
    yield "overrides", "yes, the same for all" if batch["hasOverrides"] else None
    yield from described.settings(batch)
    yield "effects", described.EFFECTS.get(batch["effects"], batch["effects"])
    yield "done", described.so_far(progress)
    yield "skipped", described.counted(progress["skipped"], described.SKIPPED)
    yield "refused", described.counted(progress["refused"])
    yield "ended", moment(batch["endedAt"])
    yield "ends about", moment(batch["estimatedEndAt"]) if batch["endedAt"] is None else None

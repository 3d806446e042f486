"""A batch until it has ended: looked at again and again, also while the service is not there."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fnrun import lookup
from fnrun.batching import described
from fnrun.batching.batches import failed_rows
from fnrun.errors import CommandError, Exit
from fnrun.lookup import SHORT
from fnrun.output.console import note, stdout
from fnrun.output.tables import STATUS_STYLES
from fnrun.output.text import as_json, printable
from fnrun.output.times import moment
from fnrun.shared import invocation

if TYPE_CHECKING:
    from function_rerun import Client
    from rich.text import Text

Batch = Mapping[str, Any]
Show = Callable[[Batch | None], None]
"""Of what was seen; None where the service was not reached."""
EVERY_SECONDS = 2.0
_ENDED = frozenset({"completed", "cancelled", "stopped"})
_LONGEST_RETRY_AFTER = 60.0
_BAR = 40


def watch_batch(batch_id: str, *, timeout_seconds: float | None, every_seconds: float = EVERY_SECONDS) -> None:
    """Returns if the batch has completed, and all of its re-runs have. Raises CommandError for any other end."""
    from fnrun.connection.session import open_client

    until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    try:
        # What it does not reach it tries again by itself, and says so where the batch is shown.
        with open_client(retries=False) as client, _shown() as show:
            batch = _until_ended(client, batch_id, show, until, every_seconds)
    except KeyboardInterrupt:
        step = f"fnrun batch watch {batch_id}, or fnrun batch pause {batch_id}"
        raise CommandError("Interrupted: the batch goes on", step, Exit.INTERRUPTED) from None
    check_end(batch)


def check_end(batch: Batch) -> None:
    """Raises CommandError if it has not completed with all of its re-runs."""
    batch_id, state, progress = batch["batchId"], batch["state"], batch["progress"]
    so_far = f"{described.done(progress):,} of {described.total(progress)}: {described.summary(progress)}"
    if state == "stopped":
        reason = batch["stopReason"] or {}
        group = reason.get("errorGroupId")
        look = f"fnrun errors show {group[:SHORT]} --frames" if group else f"fnrun runs list --batch {batch_id}"
        resumed = f"fnrun batch resume {batch_id}" if batch["useLatestCode"] else "another batch with --latest"
        step = f"{look}; once it is fixed {resumed}"
        raise CommandError(
            f"The batch has stopped itself: {described.why_stopped(batch['stopReason'])}", step, Exit.STOPPED
        )
    if state == "cancelled":
        raise CommandError(f"The batch was cancelled, {so_far}", f"fnrun batch show {batch_id}", Exit.NOT_WELL)
    if progress["failed"] or progress["cancelled"] or progress["refused"] or progress["skipped"].get("limit"):
        step = f"fnrun batch show {batch_id}, fnrun runs list --batch {batch_id} --status failure"
        raise CommandError(f"Not all have recovered, {so_far}", step, Exit.NOT_WELL)


def _until_ended(client: "Client", batch_id: str, show: Show, until: float | None, every_seconds: float) -> Batch:
    from function_rerun import ApiError, FunctionRerunError
    from function_rerun.errors import may_pass

    while True:
        pause = every_seconds
        try:
            batch = client.get_rerun_batch(batch_id)
        except FunctionRerunError as trouble:
            if not may_pass(trouble):
                raise
            show(None)
            if isinstance(trouble, ApiError) and trouble.retry_after:
                pause = max(pause, min(trouble.retry_after, _LONGEST_RETRY_AFTER))
        else:
            show(batch)
            if batch["state"] in _ENDED:
                return batch
        left = float("inf") if until is None else until - time.monotonic()
        if left <= 0:
            raise CommandError(
                "The batch has not ended in that time, and goes on", f"fnrun batch watch {batch_id}", Exit.UNKNOWN
            )
        time.sleep(min(left, pause))


@contextmanager
def _shown() -> Iterator[Show]:
    """A picture that changes in place, or where there is no terminal a line for each change."""
    if not sys.stdout.isatty() or invocation().as_json:
        yield _Lines().show
        return
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    names = lookup.group_names()
    picture: list[Text] = []
    with Live(console=stdout(), auto_refresh=False, screen=False) as live:

        def show(batch: Batch | None) -> None:
            now = f"{time.strftime('%H:%M:%S')}, Ctrl-C ends watching: the batch goes on"
            if batch is None:
                now = f"{now}; the service was not reached, this is how it was before"
            else:
                picture[:] = [*_picture(batch, names)]
                now = "" if batch["state"] in _ENDED else now
            for line in picture:
                line.truncate(live.console.width, overflow="ellipsis")
            live.update(Group(*picture, *([Text(now, "dim")] if now else [])), refresh=True)

        yield show


class _Lines:
    """With --output json the API's document in one line."""

    def __init__(self) -> None:
        self._known: Any = None
        self._was_reached = True

    def show(self, batch: Batch | None) -> None:
        if batch is None:
            if self._was_reached and not invocation().as_json:
                note("The service was not reached; trying on.")
            self._was_reached = False
            return
        self._was_reached = True
        seen = (batch["state"], batch["progress"])
        if seen != self._known:
            sys.stdout.write((as_json(batch, indent=None) if invocation().as_json else _line(batch)) + "\n")
            sys.stdout.flush()
        self._known = seen


def _line(batch: Batch) -> str:
    progress = batch["progress"]
    of = f"{described.done(progress):,} of {described.total(progress)}"
    return printable(f"{time.strftime('%H:%M:%S')}  {batch['state']:<9}  {of}: {described.summary(progress)}")


def _picture(batch: Batch, names: Mapping[str, str]) -> "Iterator[Text]":
    from rich.text import Text

    progress, state = batch["progress"], printable(batch["state"])
    heading = Text.assemble((batch["batchId"], "bold"), "  ", (state, STATUS_STYLES.get(state, "")))
    if batch["estimatedEndAt"] and state not in _ENDED:
        heading.append(f"  ends about {moment(batch['estimatedEndAt'])}", "dim")
    yield heading
    yield _bar(described.share(progress)).append(f"  {described.done(progress):,} of {described.total(progress)}")
    yield Text(described.summary(progress))
    for count, group in failed_rows(progress["failedByGroup"], names):
        yield Text.assemble((f"  {count} failed", "red"), f"  {printable(group)}")


def _bar(share: float) -> "Text":
    from rich.text import Text

    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    full, empty = ("━", "─") if encoding.startswith("utf") else ("=", ".")
    filled = round(share * _BAR)
    return Text.assemble((full * filled, "green"), (empty * (_BAR - filled), "dim"))

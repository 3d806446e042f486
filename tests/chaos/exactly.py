"""As many runs as there must be, and not one more: failures retried while every event is delivered twice."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx

from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS
from tests.chaos.books import Books, audited, read_executions, read_table
from tests.chaos.bus import Listener, delivered_twice
from tests.chaos.load import RETRIES, Load
from tests.chaos.watchdog import WatchdogDeps
from tests.stack.driver import Workspace, until

# Of ten runs.
FAILING = 3


class Exact(NamedTuple):
    findings: list[str]
    expected: int
    recorded: int
    executions: int


class StartsOnly(Load):
    """Three of ten runs fail, with all their retries; nothing is re-run by hand."""

    def _start(self, during: str) -> None:
        fails = next(self._starts) % 10 < FAILING
        accepted = self._ask(
            "POST", f"/function-triggers/{self._trigger}/execute", lambda: {"payload": {"fail": fails}}
        )
        assert accepted is not None
        ends, retries = ("failure", RETRIES) if fails else ("completed", 0)
        self._note(accepted, ends, during, retries=retries)


def run_exactly(local_stack: LocalStack, starts: int, *, callers: int) -> Exact:
    """`starts` runs, in tens."""
    expected = starts + starts // 10 * FAILING * RETRIES
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workspace = Workspace(local_stack, stack.enter_context(httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False)))
        stack.enter_context(delivered_twice(local_stack))
        listener = stack.enter_context(Listener(local_stack))
        load = StartsOnly(workspace, directory / "executions", 0, callers)
        load.run(starts, "every event delivered twice")
        watchdog = WatchdogDeps(local_stack, workspace.name, local_stack.emulator.url)
        # Without faults everything comes to its end without a watchdog.
        until(lambda: not watchdog.open(), seconds=PATIENCE_SECONDS + starts)
        executions = read_executions(load.executions)
        table = read_table(local_stack, workspace.name)
        books = Books(load.promises, load.unanswered, executions, table, listener.heard())
        found = [*books.findings(), *audited(local_stack, set(table.runs), executions, at=watchdog.now())]
    if len(table.runs) != expected:
        found.append(f"not exactly: {len(table.runs)} runs where there must be {expected}")
    return Exact(found, expected, len(table.runs), executions.total())

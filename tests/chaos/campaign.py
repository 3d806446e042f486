"""The fault suite: a load on the service while faults are injected into its calls to AWS and its processes are killed, then the books."""

import random
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS
from tests.chaos.books import Account, Books, audited, read_executions, read_table
from tests.chaos.bus import Listener, delivered_twice
from tests.chaos.load import Load
from tests.chaos.processes import LambdaProcesses
from tests.chaos.watchdog import NotSettled, WatchdogDeps
from tests.faults.kinds import Kind
from tests.faults.proxy import Proxy
from tests.faults.wire import Operation, mixed, rule
from tests.stack.driver import Workspace

SECONDS_OF_A_RUN = 0.05
# Of an operation's calls, while faults are injected into it: few enough that some come through the SDK's retries.
SHARE = 0.6
MOST_PASSES = 12
# A killed Lambda is back after a second, if the machine is not busy: kill faster, and nothing is ever at work.
SECONDS_BETWEEN_KILLS = (0.7, 2.0)


@dataclass
class Campaign:
    """One workspace under load. Used with `with`: the Lambdas speak through the proxy for as long."""

    local_stack: LocalStack
    callers: int
    report: Callable[[str], None] = lambda _: None
    _killed: Counter[str] = field(default_factory=Counter)
    _passes: Counter[str] = field(default_factory=Counter)
    _unsettled: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            connection = stack.enter_context(httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False))
            workspace = Workspace(self.local_stack, connection)
            self.processes = LambdaProcesses(self.local_stack)
            # The twins of the service's own rules only: the listener wants to hear how often it told.
            stack.enter_context(delivered_twice(self.local_stack))
            self.listener = stack.enter_context(Listener(self.local_stack))
            self.proxy = stack.enter_context(Proxy(self.local_stack.emulator, directory / "proxy.log"))
            stack.enter_context(self.processes.speaking_through(self.proxy.url))
            self.load = Load(workspace, directory / "executions", SECONDS_OF_A_RUN, self.callers)
            self.watchdog = WatchdogDeps(self.local_stack, workspace.name, self.proxy.url)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def calm(self, starts: int) -> list[Operation]:
        """A load without any fault, and a pass of the watchdog, give the operations that the service uses."""
        self._under([], "calm", starts)
        self.mark_published("calm")
        return self.proxy.seen().operations

    def inject(self, operation: Operation, kind: Kind, starts: int) -> None:
        if operation.service == "kms":
            # Data keys are kept for minutes: only new processes ask for some.
            for name in self.processes.names:
                self.processes.kill(name)
        # Of some operations there is one call in a load: the first meets the fault for certain.
        first = rule(operation, kind, 1.0) | {"times": 1}
        self._under([first, rule(operation, kind, SHARE)], f"{operation}: {kind.value}", starts)

    def inject_mixed(self, operations: Sequence[Operation], starts: int, share: float) -> None:
        during = f"all operations, {share:.0%} mixed"
        self._under(mixed(operations, share), during, starts)
        self.mark_published(during)

    def kill_processes(
        self, starts: int, operations: Sequence[Operation] = (), share: float = 0.0, *, most: int = 1000
    ) -> None:
        """Processes of the service are killed while they work: one Lambda's at a time, `most` times in all."""
        during = "processes killed" + (f", all operations {share:.0%} mixed" if share else "")
        with self._killing(most):
            self._under(mixed(operations, share), during, starts)
        self.mark_published(during)

    def _under(self, rules: Sequence[dict[str, Any]], during: str, starts: int) -> None:
        """A load and a pass of the watchdog under these faults."""
        before = self.proxy.seen().injected.total()
        self.proxy.inject(rules)
        try:
            self.load.run(starts, during)
            # A pass is an hour later by its clock: to it, whatever is still at work would have been lost.
            self.watchdog.still()
            self.watchdog.sweep()
        finally:
            self.proxy.inject([])
        self.report(f"{during}: {self.proxy.seen().injected.total() - before} faults injected")

    @contextmanager
    def _killing(self, most: int) -> Iterator[None]:
        over = threading.Event()
        killer = threading.Thread(target=self._kill_until, args=(over, most))
        killer.start()
        try:
            yield
        finally:
            over.set()
            killer.join()

    def _kill_until(self, over: threading.Event, most: int) -> None:
        while self._killed.total() < most and not over.wait(random.uniform(*SECONDS_BETWEEN_KILLS)):
            alive = self.processes.alive()
            if alive:
                name = random.choice(alive)
                self._killed[name] += self.processes.kill(name)

    def mark_published(self, after: str) -> None:
        """The watchdog's passes without faults, until nothing is left open."""
        try:
            self._passes[after] += self.watchdog.mark_published(at_most=MOST_PASSES)
        except NotSettled as left:
            self._unsettled.append(f"unsettled after {after}: {left}")

    def account(self) -> Account:
        self.watchdog.delete_expired()
        executions = read_executions(self.load.executions)
        table = read_table(self.local_stack, self.load.workspace.name)
        books = Books(self.load.promises, self.load.unanswered, executions, table, self.listener.heard())
        found = audited(self.local_stack, set(table.runs), executions, at=self.watchdog.now())
        request = {"requests that callers repeated": self.load.tried_again}
        return Account(
            findings=[*books.findings(), *self.load.complaints, *self._unsettled, *found],
            figures=books.figures() | request,
            seen=self.proxy.seen(),
            killed=self._killed,
            passes=self._passes,
        )

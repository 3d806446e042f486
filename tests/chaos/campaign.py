"""The fault suite: a load on the service while its calls to AWS are struck and its processes killed, then the books."""

import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from infra.local.laptop import Laptop
from tests.chaos.books import Books, audited, read_executions, read_table
from tests.chaos.bus import Listener
from tests.chaos.doors import Doors
from tests.chaos.faults import Kind, Operation, mixed, rule
from tests.chaos.load import Load
from tests.chaos.proxy import Proxy, Seen
from tests.chaos.watchdog import NotSettled, Watchdog
from tests.stack.driver import Workspace

SECONDS_OF_A_RUN = 0.05
# Of an operation's calls, while it is the one that is struck: few enough that some come through the SDK's retries.
SHARE = 0.8
MOST_PASSES = 12


@dataclass
class Account:
    """What came of it."""

    findings: list[str]
    figures: dict[str, int]
    seen: Seen
    killed: Counter[str]
    passes: Counter[str]


@dataclass
class Campaign:
    """One workspace under fire. Use it with `with`: the doors speak through the proxy for as long."""

    laptop: Laptop
    report: Callable[[str], None] = lambda _: None
    killed: Counter[str] = field(default_factory=Counter)
    passes: Counter[str] = field(default_factory=Counter)
    """Of the watchdog, until nothing was left open, by the part of the campaign before."""
    _stack: ExitStack = field(default_factory=ExitStack)
    _unsettled: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            connection = stack.enter_context(httpx.Client(timeout=60, trust_env=False))
            workspace = Workspace(self.laptop, connection)
            self.doors = Doors(self.laptop)
            self.listener = stack.enter_context(Listener(self.laptop))
            self.proxy = stack.enter_context(Proxy(self.laptop.emulator, directory / "proxy.log"))
            stack.enter_context(self.doors.speaking_through(self.proxy.url))
            self.load = Load(workspace, directory / "executions")
            self.watchdog = Watchdog(self.laptop, workspace.name, self.proxy.url)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def calm(self, starts: int) -> list[Operation]:
        """A load without any fault, one run of it forgotten, gives the operations that the service uses."""
        self.load.prepare(seconds=SECONDS_OF_A_RUN)
        self.load.run(starts, "calm")
        with self._struck([rule(Operation("sqs", "SendMessage"), Kind.THROTTLED, 1.0)]):
            self.load.run(1, "calm")
        self.settle("calm")
        return self.proxy.seen().operations

    def strike_each(self, operations: Sequence[Operation], starts: int) -> None:
        """One operation at a time, by one kind of fault after the other, and a pass of the watchdog under each."""
        for operation in operations:
            for kind in Kind:
                during = f"{operation}: {kind.value}"
                self.report(during)
                with self._struck([rule(operation, kind, SHARE)]):
                    self.load.run(starts, during)
                    self.watchdog.sweep()
            self.settle(str(operation))

    def strike_all(self, operations: Sequence[Operation], starts: int, share: float) -> None:
        during = f"all operations: {share:.0%} mixed"
        self.report(during)
        with self._struck(mixed(operations, share)):
            self.load.run(starts, during)
            self.watchdog.sweep()
        self.settle(during)

    def kill_processes(self, starts: int, operations: Sequence[Operation] = (), share: float = 0.0) -> None:
        """Processes of the service are killed, one door's after the other's, while they work."""
        during = "processes killed" + (f", and {share:.0%} mixed" if share else "")
        self.report(during)
        over = threading.Event()
        killer = threading.Thread(target=self._kill_until, args=(over,))
        with self._struck(mixed(operations, share)):
            killer.start()
            try:
                self.load.run(starts, during)
            finally:
                over.set()
                killer.join()
        self.settle(during)

    def _kill_until(self, over: threading.Event) -> None:
        while not over.wait(random.uniform(0.05, 0.4)):
            door = random.choice(self.doors.names)
            self.killed[door] += self.doors.kill(door)

    @contextmanager
    def _struck(self, rules: Sequence[dict[str, object]]) -> Iterator[None]:
        self.proxy.strike(rules)
        try:
            yield
        finally:
            self.proxy.strike([])

    def settle(self, after: str) -> None:
        """The watchdog's passes in good weather, until nothing is left open."""
        try:
            self.passes[after] += self.watchdog.settle(at_most=MOST_PASSES)
        except NotSettled as left:
            self._unsettled.append(f"after {after}: {left}")

    def account(self) -> Account:
        books = Books(
            self.load.promises,
            read_executions(self.load.executions),
            read_table(self.laptop, self.load.workspace.name),
            self.listener.heard(),
        )
        refused = [f"refused without reason: {refusal}" for refusal in self.load.refusals]
        findings = [*books.findings(), *refused, *self._unsettled, *audited(self.laptop)]
        asked = {"requests repeated by callers": self.load.tried_again, "requests given up": self.load.given_up}
        seen = self.proxy.seen()
        return Account(findings, books.figures() | asked, seen, self.killed, self.passes)


def seconds_since(started: float) -> str:
    return f"{time.monotonic() - started:5.0f} s"

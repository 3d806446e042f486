"""All that is no store: the clock, the cipher, the queue, the bus, and functions with their code."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from handlers.domain.error_groups.group import ErrorGroup
from handlers.domain.errors import BusMissing, Unavailable
from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.trigger_metadata import AwsService
from handlers.domain.runs.outcome import VERSION_NOT_FOUND, Outcome, PermanentFailure
from handlers.domain.runs.run import FunctionRun, Pin, Status
from handlers.domain.seal import KeyRefused, SealBroken, SealContext
from handlers.domain.upkeep.recovery import DeadLetter
from tests.builders import FUNCTION_ARN, NOW, a_pin
from tests.faults.ports import PortFaults


class FakeClock:
    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


class FakeCipher:
    """Not secret, but not in clear either; what is damaged or of another context does not open."""

    def __init__(self) -> None:
        self.cannot_seal = False
        self.cannot_open = False
        self.refused = False
        """KMS will not use its key: it is disabled."""
        self.broken = False
        """Every seal is as one under a key that is gone."""

    def seal(self, content: bytes, seal_context: SealContext) -> bytes:
        if self.cannot_seal:
            raise Unavailable
        return _seal_of(seal_context, content) + base64.b64encode(content)

    def open(self, sealed: bytes, seal_context: SealContext) -> bytes:
        if self.refused:
            raise KeyRefused
        if self.cannot_open:
            raise Unavailable
        try:
            content = base64.b64decode(sealed[_SEAL_BYTES:], validate=True)
        except ValueError as error:
            raise SealBroken from error
        if self.broken or sealed != _seal_of(seal_context, content) + base64.b64encode(content):
            raise SealBroken
        return content


_SEAL_BYTES = hashlib.sha256().digest_size


def _seal_of(seal_context: SealContext, content: bytes) -> bytes:
    return hashlib.sha256(json.dumps(seal_context).encode() + content).digest()


class Pushed(NamedTuple):
    run_id: str
    delay_seconds: int


class FakeQueue:
    def __init__(self) -> None:
        self.pushed: list[Pushed] = []
        self.backlog = 0
        """Messages that wait, besides those that were pushed: nobody receives those."""
        self.fails = False

    def push(self, run: FunctionRun, *, delay_seconds: int = 0) -> None:
        if not self.fails:
            self.pushed.append(Pushed(run.id, delay_seconds))

    def push_all(self, delayed: Sequence[tuple[FunctionRun, int]]) -> None:
        for run, delay_seconds in delayed:
            self.push(run, delay_seconds=delay_seconds)

    def waiting(self) -> int:
        if self.fails:
            raise Unavailable
        return self.backlog + sum(pushed.delay_seconds == 0 for pushed in self.pushed)


class FakeDeadLetters:
    def __init__(self) -> None:
        self.dead_letters: list[DeadLetter] = []
        self.fails = False

    def parseable(self) -> Iterator[DeadLetter]:
        if self.fails:
            raise Unavailable
        yield from list(self.dead_letters)

    def delete(self, dead_letter: DeadLetter) -> None:
        if self.fails:
            raise Unavailable
        self.dead_letters = [each for each in self.dead_letters if each != dead_letter]


class FakeBus:
    def __init__(self) -> None:
        self.published: list[FunctionRun] = []
        self.groups: list[tuple[ErrorGroup, str]] = []
        """Those that were opened or reopened, and the runs that did it."""
        self.fails = False

    def publish_group(self, group: ErrorGroup, run: FunctionRun) -> bool:
        if not self.fails:
            self.groups.append((group, run.id))
        return not self.fails

    def publish(self, runs: Sequence[FunctionRun]) -> list[FunctionRun]:
        assert 0 < len(runs) <= 10, "what PutEvents takes"
        if self.fails:
            return []
        self.published += runs
        return list(runs)


def nothing() -> None:
    """What happens meanwhile, unless a test says so."""


GONE = PermanentFailure(VERSION_NOT_FOUND, "It does not exist.")


class FakeCode:
    """The code that functions have now, or the reason why nobody knows it."""

    def __init__(self) -> None:
        self.now: dict[str, Pin | Exception] = {FUNCTION_ARN: a_pin()}
        self.request: list[tuple[str, bool]] = []
        """ARN, and whether to ask AWS again."""
        self.forgotten: list[Pin] = []
        self.deleted: set[str] = set()
        """ARNs of versions."""
        self.published: Pin | Exception = a_pin(8)
        """What is found in place of a version that was forgotten."""
        self.failed: Exception | None = None
        """Why versions will not be ready; None if they will be."""
        self.meanwhile: Callable[[], object] = nothing

    def current(self, function_arn: str, *, refresh: bool) -> Pin:
        self.request.append((function_arn, refresh))
        self.meanwhile()
        code = self.now.get(function_arn, GONE)
        if isinstance(code, Exception):
            raise code
        return code

    def read(self, function_arn: str) -> Pin:
        """What is there now, or any version that nobody has deleted."""
        base, _, version = function_arn.rpartition(":")
        is_there = base == FUNCTION_ARN and version.isdigit() and function_arn not in self.deleted
        code = self.now.get(function_arn, a_pin(int(version)) if is_there else GONE)
        if isinstance(code, Exception):
            raise code
        return code

    def evict(self, pin: Pin) -> None:
        self.forgotten.append(pin)
        self.now = {arn: self.published if code == pin else code for arn, code in self.now.items()}

    def check_state(self, pin: Pin) -> None:
        if self.failed is not None:
            raise self.failed


class Invocation(NamedTuple):
    pin: Pin
    parameters: bytes
    run: FunctionRun


class FakeInvoker:
    """Answers with the scripted outcomes, one an invocation, then with `{"ok":true}`."""

    def __init__(self, *script: Outcome | Exception) -> None:
        self.script = list(script)
        self.invocations: list[Invocation] = []
        self.meanwhile: Callable[[], object] = nothing

    def invoke(self, pin: Pin, parameters: bytes, run: FunctionRun) -> Outcome:
        self.invocations.append(Invocation(pin, parameters, run))
        self.meanwhile()
        answer = self.script.pop(0) if self.script else Outcome(Status.COMPLETED, result=b'{"ok":true}', logs=b"END")
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeCatalogue:
    def __init__(self) -> None:
        self.timeouts: dict[str, int] = {FUNCTION_ARN: 30}

    def timeout_seconds(self, function_arn: str) -> int | None:
        return self.timeouts.get(function_arn)


class FakeSources:
    """Both kinds of sources: what AWS knows of triggers."""

    def __init__(self) -> None:
        self.synced: dict[str, FunctionTrigger] = {}
        self.refuses: Exception | None = None
        self.missing_buses: set[str] = set()
        """Those that somebody has deleted, with all rules on them."""
        self.fails = False
        self.faults = PortFaults()
        self.actual = 0
        """How often AWS was spoken to."""

    def check(self, trigger: FunctionTrigger) -> None:
        if trigger.metadata.aws_service is AwsService.SCHEDULER:
            return  # it has no call that only checks
        with self._call():
            if self.refuses is not None:
                raise self.refuses

    def put(self, trigger: FunctionTrigger) -> None:
        with self._call():
            if self.refuses is not None:
                raise self.refuses
            if trigger.metadata.other_bus in self.missing_buses:
                self.synced.pop(trigger.id, None)
                if trigger.enabled:
                    raise BusMissing("triggerMetadata.eventBusName")
                return
            self.synced[trigger.id] = trigger

    def remove(self, trigger: FunctionTrigger) -> None:
        with self._call():
            self.synced.pop(trigger.id, None)

    @contextmanager
    def _call(self) -> Iterator[None]:
        self.actual += 1
        if self.fails:
            raise Unavailable
        with self.faults.call():
            yield

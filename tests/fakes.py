"""The ports of handlers/domain, in memory. Each keeps what it was given, and can be told to fail as AWS does."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from handlers.domain import clock
from handlers.domain.clock import iso
from handlers.domain.errors import NameTaken, RerunLimitReached, RunNotFound, Stale, Unavailable
from handlers.domain.execution import Executor
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.history import EdgePage
from handlers.domain.outcome import Outcome
from handlers.domain.paging import Page
from handlers.domain.recording import RecordedRun, Retention, SealedParts, label
from handlers.domain.recovery import Watchdog
from handlers.domain.registry import ComputeFunction, FunctionTrigger, Kind, Registrar, StoredTrigger
from handlers.domain.rerun import Rerunner
from handlers.domain.run import FunctionRun, Part, Pin, Status
from handlers.domain.seal import KeyRefused, Label, SealBroken
from handlers.domain.start import Starter
from tests.builders import FUNCTION_ARN, NOW, a_function, a_pin, a_trigger


class FakeClock:
    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


class StoredPart(NamedTuple):
    sealed: bytes
    expires_at: datetime


class InMemoryRuns:
    """The run store. What has expired is there still, but is not read: DynamoDB deletes it in its own time."""

    def __init__(self, *, max_reruns: int = 1000) -> None:
        self.runs: dict[str, FunctionRun] = {}
        self.parts: dict[tuple[str, Part], StoredPart] = {}
        self.lineages: dict[str, list[tuple[str, str]]] = {}
        self.max_reruns = max_reruns
        self.writes = 0

    def read(self, run_id: str, part: Part) -> RecordedRun | None:
        run = self.read_run(run_id)
        return None if run is None else RecordedRun(run, self.read_parts(run_id, [part]).get(part))

    def read_run(self, run_id: str) -> FunctionRun | None:
        run = self.runs.get(run_id)
        return run if run is not None and _is_alive(run.expires_at) else None

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]:
        return [run for run_id in run_ids if (run := self.read_run(run_id)) is not None]

    def read_parts(self, run_id: str, parts: list[Part]) -> dict[Part, bytes]:
        found = {part: self.parts[run_id, part] for part in parts if (run_id, part) in self.parts}
        return {part: stored.sealed for part, stored in found.items() if _is_alive(stored.expires_at)}

    def record(self, run: FunctionRun, parts: SealedParts) -> None:
        self.writes += 1
        self.runs[run.id] = run
        self._store(run, parts)

    def record_rerun(self, run: FunctionRun, parts: SealedParts) -> None:
        original = self.read_run(run.lineage_id)
        if original is None:
            raise RunNotFound
        if original.rerun_count >= self.max_reruns:
            raise RerunLimitReached(self.max_reruns)
        self.record(run, parts)
        self.runs[original.id] = original.evolve(rerun_count=original.rerun_count + 1, expires_at=run.expires_at)
        self.lineages.setdefault(original.id, []).append((f"{iso(run.created_at)}#{run.id}", run.id))

    def transition(self, before: FunctionRun, after: FunctionRun, parts: SealedParts | None = None) -> bool:
        stored = self.runs.get(after.id)
        if stored is None or _position(stored) != _position(before):
            return False
        self.writes += 1
        changed = {name for name in FunctionRun.model_fields if getattr(before, name) != getattr(after, name)}
        # These two are moved by re-runs, at any time.
        changed -= {"rerun_count", "expires_at"}
        self.runs[after.id] = stored.evolve(**{name: getattr(after, name) for name in changed})
        self._store(after, parts or {})
        return True

    def edges(self, original_run_id: str, page: Page) -> EdgePage:
        ahead = sorted(
            edge for edge in self.lineages.get(original_run_id, []) if page.after is None or edge[0] > page.after
        )
        kept = ahead[: page.size]
        return EdgePage([run_id for _, run_id in kept], kept[-1][0] if len(ahead) > page.size else None)

    def overdue(self) -> Iterator[FunctionRun]:
        overdue = [run for run in self.runs.values() if run.deadline is not None and run.deadline <= clock.now()]
        yield from sorted(overdue, key=lambda run: (run.deadline, run.id))

    def _store(self, run: FunctionRun, parts: SealedParts) -> None:
        self.parts |= {(run.id, part): StoredPart(sealed, run.expires_at) for part, sealed in parts.items()}


def _is_alive(expires_at: datetime) -> bool:
    return expires_at > clock.now()


def _position(run: FunctionRun) -> tuple[Status, str | None, datetime | None]:
    """What must not have moved since a run was read."""
    return run.status, run.claim_token, run.deadline


class InMemoryRegistry:
    def __init__(self) -> None:
        self.functions: dict[str, ComputeFunction] = {}
        self.triggers: dict[str, StoredTrigger] = {}

    def read_function(self, function_id: str) -> ComputeFunction | None:
        return self.functions.get(function_id)

    def read_trigger(self, trigger_id: str) -> StoredTrigger | None:
        return self.triggers.get(trigger_id)

    def read_trigger_and_function(
        self, trigger_id: str, function_id: str
    ) -> tuple[FunctionTrigger | None, ComputeFunction | None]:
        stored = self.triggers.get(trigger_id)
        return stored.trigger if stored else None, self.functions.get(function_id)

    def add_function(self, function: ComputeFunction) -> None:
        if any(_same_name(function, other) for other in self.functions.values()):
            raise NameTaken("function")
        self.functions[function.id] = function

    def add_trigger(self, trigger: FunctionTrigger, sealed_params: bytes) -> None:
        if any(_same_name(trigger, other.trigger) for other in self.triggers.values()):
            raise NameTaken("trigger")
        self.triggers[trigger.id] = StoredTrigger(trigger, sealed_params)

    def change_function(self, before: ComputeFunction, after: ComputeFunction) -> None:
        if self.functions.get(before.id) != before:
            raise Stale
        if any(_same_name(after, other) for other in self.functions.values() if other.id != after.id):
            raise NameTaken("function")
        self.functions[after.id] = after

    def change_trigger(self, before: FunctionTrigger, after: FunctionTrigger, sealed_params: bytes) -> None:
        stored = self.triggers.get(before.id)
        if stored is None or stored.trigger != before:
            raise Stale
        if any(_same_name(after, other.trigger) for other in self.triggers.values() if other.trigger.id != after.id):
            raise NameTaken("trigger")
        self.triggers[after.id] = StoredTrigger(after, sealed_params)

    def list_functions(self, workspace: str, page: Page) -> tuple[list[ComputeFunction], str | None]:
        return _page([each for each in self.functions.values() if each.workspace == workspace], page)

    def list_triggers(self, workspace: str, page: Page) -> tuple[list[FunctionTrigger], str | None]:
        return _page([each.trigger for each in self.triggers.values() if each.trigger.workspace == workspace], page)

    def delete(self, kind: Kind, found: ComputeFunction | FunctionTrigger) -> None:
        if kind == "function":
            self.functions.pop(found.id, None)
        else:
            self.triggers.pop(found.id, None)


Named = TypeVar("Named", ComputeFunction, FunctionTrigger)


def _page(found: list[Named], page: Page) -> tuple[list[Named], str | None]:
    def position(each: Named) -> str:
        return f"{iso(each.created_at)}#{each.id}"

    left = sorted((each for each in found if not page.after or position(each) < page.after), key=position, reverse=True)
    kept = left[: page.size]
    return kept, position(kept[-1]) if len(left) > page.size else None


def _same_name(one: ComputeFunction | FunctionTrigger, other: ComputeFunction | FunctionTrigger) -> bool:
    return (one.workspace, one.name) == (other.workspace, other.name)


class FakeCipher:
    """Not secret, but not in clear either, and particular about labels."""

    def __init__(self) -> None:
        self.cannot_seal = False
        self.cannot_open = False
        self.refused = False
        """KMS will not use its key: it is disabled."""
        self.broken = False
        """Every seal is as one under a key that is gone."""

    def seal(self, content: bytes, label: Label) -> bytes:
        if self.cannot_seal:
            raise Unavailable
        return json.dumps(label).encode() + b"\n" + base64.b85encode(content)

    def open(self, sealed: bytes, label: Label) -> bytes:
        if self.refused:
            raise KeyRefused
        if self.cannot_open:
            raise Unavailable
        sealed_under, _, content = sealed.partition(b"\n")
        if self.broken or sealed_under != json.dumps(label).encode():
            raise SealBroken
        return base64.b85decode(content)


class Pushed(NamedTuple):
    run_id: str
    delay_seconds: int


class FakeQueue:
    def __init__(self) -> None:
        self.pushed: list[Pushed] = []
        self.fails = False

    def push(self, run: FunctionRun, *, delay_seconds: int = 0) -> bool:
        if self.fails:
            return False
        self.pushed.append(Pushed(run.id, delay_seconds))
        return True


class FakeBus:
    def __init__(self) -> None:
        self.announced: list[FunctionRun] = []
        self.fails = False

    def announce(self, run: FunctionRun) -> bool:
        if self.fails:
            return False
        self.announced.append(run)
        return True


def nothing() -> None:
    """What happens meanwhile, unless a test says so."""


class FakeCode:
    """The code that functions have now, or the reason why it cannot be told."""

    def __init__(self) -> None:
        self.now: dict[str, Pin | Exception] = {FUNCTION_ARN: a_pin()}
        self.asked: list[tuple[str, bool]] = []
        """ARN and whether to look afresh."""
        self.forgotten: list[Pin] = []
        self.published: Pin | Exception = a_pin(8)
        """What is found in place of a version that was forgotten."""
        self.meanwhile: Callable[[], object] = nothing

    def current(self, function_arn: str, *, afresh: bool) -> Pin:
        self.asked.append((function_arn, afresh))
        self.meanwhile()
        code = self.now[function_arn]
        if isinstance(code, Exception):
            raise code
        return code

    def forget(self, pin: Pin) -> None:
        self.forgotten.append(pin)
        self.now = {arn: self.published if code == pin else code for arn, code in self.now.items()}


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


@dataclass
class World:
    """An installation in memory: all ports, and the tools of each story made of them."""

    runs: InMemoryRuns = field(default_factory=InMemoryRuns)
    registry: InMemoryRegistry = field(default_factory=InMemoryRegistry)
    cipher: FakeCipher = field(default_factory=FakeCipher)
    queue: FakeQueue = field(default_factory=FakeQueue)
    bus: FakeBus = field(default_factory=FakeBus)
    code: FakeCode = field(default_factory=FakeCode)
    invoker: FakeInvoker = field(default_factory=FakeInvoker)
    catalogue: FakeCatalogue = field(default_factory=FakeCatalogue)
    invokable: InvokablePatterns = field(
        default_factory=lambda: InvokablePatterns(
            {"acme": ["arn:aws:lambda:eu-west-1:*:function:orders-*"]},
            own_functions="arn:aws:lambda:eu-west-1:123456789012:function:FunctionRerun-*",
        )
    )
    retention: Retention = field(default_factory=lambda: Retention(90))

    @property
    def rerunner(self) -> Rerunner:
        return Rerunner(self.runs, self.registry, self.cipher, self.queue, self.retention)

    @property
    def starter(self) -> Starter:
        return Starter(self.runs, self.registry, self.cipher, self.queue, self.retention)

    @property
    def registrar(self) -> Registrar:
        return Registrar(self.registry, self.cipher, self.catalogue, self.invokable)

    @property
    def executor(self) -> Executor:
        return Executor(self.runs, self.cipher, self.invokable, self.code, self.invoker, self.queue, self.bus)

    @property
    def watchdog(self) -> Watchdog:
        return Watchdog(self.runs, self.cipher, self.queue, self.bus)

    def has_registered(self, trigger: FunctionTrigger | None = None, *, params: bytes = b"{}") -> None:
        """The function, and a trigger of it."""
        trigger = trigger or a_trigger()
        self.registry.functions = {each.id: each for each in [a_function()]}
        self.registry.triggers[trigger.id] = StoredTrigger(trigger, self.cipher.seal(params, trigger.params_label))

    def has_run(self, run: FunctionRun, parameters: bytes = b"{}") -> FunctionRun:
        """The run, recorded as it once was: with its lineage, if it is a re-run."""
        parts = {Part.PARAMETERS: self.cipher.seal(parameters, label(run, Part.PARAMETERS))}
        if run.is_rerun:
            self.runs.record_rerun(run, parts)
        else:
            self.runs.record(run, parts)
        self.runs.writes = 0
        return run

    def run(self, run_id: str) -> FunctionRun:
        """The run as it stands in the store."""
        return self.runs.runs[run_id]

    def opened(self, run: FunctionRun, part: Part) -> bytes | None:
        """The part as it stands in the store, opened."""
        stored = self.runs.parts.get((run.id, part))
        return None if stored is None else self.cipher.open(stored.sealed, label(run, part))

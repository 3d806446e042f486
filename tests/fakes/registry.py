"""Functions and triggers, in memory."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from handlers.domain import clock
from handlers.domain.audit.act import Act, SealedAct
from handlers.domain.clock import iso
from handlers.domain.errors import NameTaken, PathTaken, Stale, Unavailable
from handlers.domain.function_arns import base_arn
from handlers.domain.paging import Page
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, StoredTrigger
from handlers.domain.registry.trigger_kinds import HttpTrigger
from handlers.domain.starting.captures import CapturingFunction, Registration
from handlers.domain.starting.idempotency import IdempotencyKey, KeptRequest
from tests.faults.ports import PortFaults


class InMemoryRegistry:
    def __init__(self) -> None:
        self.functions: dict[str, ComputeFunction] = {}
        self.triggers: dict[str, StoredTrigger] = {}
        self.acts: list[SealedAct] = []
        self.fails = False
        """No trigger can be written."""
        self.loses_answers = False
        """Triggers are written, but the answer is lost."""
        self.faults = PortFaults()
        self.kept_under: Callable[[IdempotencyKey | None], KeptRequest | None] = lambda _: None
        """What the run store keeps of requests: both are one table."""

    def read_function(self, function_id: str) -> ComputeFunction | None:
        return self.functions.get(function_id)

    def read_trigger(self, trigger_id: str) -> StoredTrigger | None:
        with self.faults.call():
            return self.triggers.get(trigger_id)

    def read_trigger_with_key(
        self, trigger_id: str, key: IdempotencyKey | None
    ) -> tuple[StoredTrigger | None, KeptRequest | None]:
        return self.read_trigger(trigger_id), self.kept_under(key)

    def read_trigger_and_function(
        self, trigger_id: str, function_id: str
    ) -> tuple[FunctionTrigger | None, ComputeFunction | None]:
        stored = self.triggers.get(trigger_id)
        return stored.trigger if stored else None, self.functions.get(function_id)

    def read_pairs(self, ids: Sequence[tuple[str, str]]) -> list[tuple[FunctionTrigger | None, ComputeFunction | None]]:
        return [self.read_trigger_and_function(*pair) for pair in ids]

    def add_function(self, function: ComputeFunction, act: Act | None = None) -> None:
        if any(_same_name(function, other) for other in self.functions.values()):
            raise NameTaken("function")
        self.functions[function.id] = function
        self._keep(act)

    def read_trigger_with_function(self, trigger_id: str) -> tuple[StoredTrigger, ComputeFunction | None] | None:
        stored = self.triggers.get(trigger_id)
        return None if stored is None else (stored, self.functions.get(stored.trigger.function_id))

    def read_webhook(self, workspace: str, path: str) -> tuple[StoredTrigger, ComputeFunction | None] | None:
        for stored in self.triggers.values():
            if _path(stored.trigger) == (workspace, path):
                return stored, self.functions.get(stored.trigger.function_id)
        return None

    def registrations(self, base_function_arn: str) -> list[Registration]:
        return [
            Registration(
                workspace=function.workspace,
                function_id=function.id,
                function_arn=function.function_arn,
                trigger_id=function.capture_failures.trigger_id,
                created_at=function.created_at,
            )
            for function in self.functions.values()
            if base_arn(function.function_arn) == base_function_arn and function.capture_failures is not None
        ]

    def read_capturing(self, registrations: Sequence[Registration]) -> CapturingFunction | None:
        pairs = ((self.functions.get(each.function_id), self.triggers.get(each.trigger_id)) for each in registrations)
        found = (
            CapturingFunction(function, stored.trigger)
            for function, stored in pairs
            if function is not None and stored is not None and stored.trigger.confirmed
        )
        return next(found, None)

    def add_trigger(self, trigger: StoredTrigger, act: Act | None = None) -> None:
        with self.faults.call():
            self._check_claims(trigger.trigger)
            self._write(trigger, act)

    def change_function(self, before: ComputeFunction, after: ComputeFunction, act: Act | None = None) -> None:
        if self.functions.get(before.id) != before:
            raise Stale
        if any(_same_name(after, other) for other in self.functions.values() if other.id != after.id):
            raise NameTaken("function")
        self.functions[after.id] = after
        self._keep(act)

    def change_trigger(self, before: FunctionTrigger, after: StoredTrigger, act: Act | None = None) -> None:
        with self.faults.call():
            self._check_unmoved(before)
            self._check_claims(after.trigger)
            self._write(after, act)

    def lock_trigger(self, before: FunctionTrigger, until: datetime) -> FunctionTrigger:
        with self.faults.call():
            self._check_unmoved(before)
            locked = before.evolve(locked_until=until)
            self._write(self.triggers[before.id]._replace(trigger=locked))
            return locked

    def unfinished_triggers(self) -> Iterator[StoredTrigger]:
        for stored in list(self.triggers.values()):
            if stored.trigger.locked_until is not None and stored.trigger.locked_until < clock.now():
                yield stored

    def _keep(self, act: Act | None) -> None:
        if act is not None:
            self.acts.append(SealedAct(act))

    def _write(self, stored: StoredTrigger, act: Act | None = None) -> None:
        if self.fails:
            raise Unavailable
        self.triggers[stored.trigger.id] = stored
        self._keep(act)
        if self.loses_answers:
            raise Unavailable

    def _check_unmoved(self, before: FunctionTrigger) -> None:
        stored = self.triggers.get(before.id)
        moving = (before.version, before.locked_until)
        if stored is None or (stored.trigger.version, stored.trigger.locked_until) != moving:
            raise Stale

    def _check_claims(self, trigger: FunctionTrigger) -> None:
        others = [other.trigger for other in self.triggers.values() if other.trigger.id != trigger.id]
        if any(_same_name(trigger, other) for other in others):
            raise NameTaken("trigger")
        if isinstance(trigger.metadata, HttpTrigger) and any(_path(trigger) == _path(other) for other in others):
            raise PathTaken

    def list_functions(self, workspace: str, page: Page) -> tuple[list[ComputeFunction], str | None]:
        return _page([each for each in self.functions.values() if each.workspace == workspace], page)

    def list_triggers(self, workspace: str, page: Page) -> tuple[list[FunctionTrigger], str | None]:
        return _page([each.trigger for each in self.triggers.values() if each.trigger.workspace == workspace], page)

    def delete(self, found: ComputeFunction | FunctionTrigger, act: Act | None = None) -> None:
        if self.fails:
            raise Unavailable
        with self.faults.call():
            stored = self.functions.get(found.id) if found.kind == "function" else self.triggers.get(found.id)
            if stored is not None and found != (stored.trigger if isinstance(stored, StoredTrigger) else stored):
                raise Stale
            if stored is not None:
                self._keep(act)
            self.functions.pop(found.id, None)
            self.triggers.pop(found.id, None)


Named = TypeVar("Named", ComputeFunction, FunctionTrigger)


def _page(found: list[Named], page: Page) -> tuple[list[Named], str | None]:
    def position(each: Named) -> str:
        return f"{iso(each.created_at)}#{each.id}"

    left = sorted((each for each in found if not page.after or position(each) < page.after), key=position, reverse=True)
    kept = left[: page.size]
    return kept, position(kept[-1]) if len(left) > page.size else None


def _path(trigger: FunctionTrigger) -> tuple[str, str | None]:
    return trigger.workspace, trigger.metadata.path if isinstance(trigger.metadata, HttpTrigger) else None


def _same_name(one: ComputeFunction | FunctionTrigger, other: ComputeFunction | FunctionTrigger) -> bool:
    return (one.workspace, one.name) == (other.workspace, other.name)

"""Functions and triggers as tests of the registry store write them, and how they look for them."""

from datetime import datetime
from typing import Any, Protocol
from uuid import uuid4

from handlers.domain import clock
from handlers.domain.registry.entities import CaptureFailures, ComputeFunction, FunctionTrigger, StoredTrigger
from handlers.domain.registry.ports import Registry
from handlers.domain.registry.trigger_kinds import HttpTrigger
from handlers.domain.registry.trigger_sync import LOCK_TIME
from handlers.domain.starting.captures import CapturingReader
from handlers.domain.starting.deliveries import TriggerWithFunctionReader
from handlers.domain.starting.execute_trigger import KeyedTriggerReader
from handlers.domain.starting.rerun import TriggerAndFunctionReader
from handlers.domain.starting.webhooks import WebhookReader
from infra.local.waiting import wait_for
from tests.builders import FUNCTION_ARN, a_function, a_trigger


class RegistryPorts(
    Registry,
    KeyedTriggerReader,
    TriggerAndFunctionReader,
    TriggerWithFunctionReader,
    WebhookReader,
    CapturingReader,
    Protocol,
):
    """All that is kept of functions and triggers."""


def a_new_function(name: str = "") -> ComputeFunction:
    return a_function(id=str(uuid4()), name=name or f"orders {uuid4()}")


def stored(registry: RegistryPorts, **changes: Any) -> FunctionTrigger:
    new = a_new_trigger(**changes)
    registry.add_trigger(new)
    return new.trigger


def a_new_trigger(**changes: Any) -> StoredTrigger:
    literals: dict[str, Any] = {"id": str(uuid4()), "name": f"nightly {uuid4()}", "function_id": str(uuid4())}
    return StoredTrigger(a_trigger(**literals | changes), b"sealed")


def a_webhook(path: str, **changes: Any) -> dict[str, Any]:
    return {"metadata": HttpTrigger(path=path)} | changes


def a_path() -> str:
    return f"orders/{uuid4()}"


def an_arn() -> str:
    return f"{FUNCTION_ARN}-{uuid4().hex[:12]}"


def changed(registry: RegistryPorts, before: FunctionTrigger, **changes: Any) -> FunctionTrigger:
    after = before.evolve(version=before.version + 1, **changes)
    registry.change_trigger(before, StoredTrigger(after, b"sealed"))
    return after


def found_at(registry: RegistryPorts, path: str, workspace: str = "acme") -> str | None:
    found = registry.read_webhook(workspace, path)
    return None if found is None else found[0].trigger.id


def soon() -> datetime:
    return clock.now() + LOCK_TIME


def unfinished_after_a_while(registry: RegistryPorts, expected: set[str]) -> list[StoredTrigger]:
    """The index is eventually consistent."""
    return wait_for(
        lambda: list(registry.unfinished_triggers()), lambda found: expected <= {each.trigger.id for each in found}
    )


def capturing(registry: RegistryPorts, arn: str, *, workspace: str = "acme", **of_trigger: Any) -> tuple[str, str]:
    """The ids of a function and of the trigger that its failures are captured for."""
    id_ = str(uuid4())
    trigger = stored(registry, workspace=workspace, function_id=id_, **of_trigger)
    capture_failures = CaptureFailures(trigger_id=trigger.id)
    registry.add_function(
        a_function(id=id_, name=id_, function_arn=arn, workspace=workspace, capture_failures=capture_failures)
    )
    return id_, trigger.id


def found_capturing(registry: RegistryPorts, arn: str) -> set[tuple[str, str]]:
    """The ids of the functions that capture failures of this Lambda, each with its trigger's."""
    found = (registry.read_capturing([each]) for each in registry.registrations(arn))
    return {(each.function.id, each.trigger.id) for each in found if each is not None}

"""What the context permits is checked again at each change, because it may have been narrowed since the registration.

Refused is what could start more runs: creating or enabling a trigger, new metadata for an enabled one, capturing.
Disabling, deleting and ending capture are always allowed. A trigger that was enabled before the context was narrowed
starts nothing either: events of a bus that is no longer permitted are dropped, and a run of a function that is no
longer permitted fails before the function is invoked.
"""

from handlers.domain.errors import FunctionNotPermitted, InvalidRequest
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.registry.event_driven import BUS_FIELD
from handlers.domain.registry.ports import RegistryDeps
from handlers.domain.registry.trigger_sources import PermittedBuses


def check_invokable(function: ComputeFunction, invokable: InvokablePatterns) -> None:
    """Raises FunctionNotPermitted for what the context no longer names.

    The stack's own functions cannot be registered, and the executor refuses them too.
    """
    if not invokable.includes(function.workspace, function.function_arn):
        raise FunctionNotPermitted


def check_bus(workspace: str, bus: str | None, buses: PermittedBuses) -> None:
    """Raises InvalidRequest if a new trigger may not listen to the bus."""
    if not buses.include(workspace, bus):
        raise InvalidRequest(BUS_FIELD, "is not a bus that this workspace may listen to (the setting otherBuses).")


def check_changed_trigger(before: FunctionTrigger, after: FunctionTrigger, deps: RegistryDeps) -> None:
    """Raises InvalidRequest naming the bus, or FunctionNotPermitted, for a change that could start more runs."""
    if not after.enabled or (before.enabled and before.metadata == after.metadata):
        return
    if not deps.sources.buses.permit(after):
        problem = "is not a bus that this workspace may listen to any more (the setting otherBuses): "
        raise InvalidRequest(BUS_FIELD, problem + "the trigger can be disabled or deleted, and its params changed.")
    function = deps.registry.read_function(after.function_id)
    if function is not None:
        check_invokable(function, deps.invokable)

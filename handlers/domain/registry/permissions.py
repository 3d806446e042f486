"""What the context permits can be narrowed after something was registered: so it is checked again at each change.

Refused is what would open a way in: creating and enabling a trigger, another source for an enabled one, capturing. What
closes one is always allowed: disabling, deleting, ending capture. What is open already starts nothing by itself: the
event of a bus that is no longer permitted is dropped, a run of such a function fails before its function is invoked.
"""

from handlers.domain.errors import FunctionNotPermitted, InvalidRequest
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.registry.event_driven import BUS_FIELD
from handlers.domain.registry.ports import RegistryDeps
from handlers.domain.registry.trigger_sources import PermittedBuses


def check_invokable(function: ComputeFunction, invokable: InvokablePatterns) -> None:
    """Raises FunctionNotPermitted for what the context no longer names.

    The stack's own functions cannot be registered; should one have got there all the same, the executor refuses it.
    """
    if not invokable.includes(function.workspace, function.function_arn):
        raise FunctionNotPermitted


def check_bus(trigger: FunctionTrigger, buses: PermittedBuses) -> None:
    """Raises InvalidRequest naming the bus if a new trigger may not listen to it."""
    if not buses.permit(trigger):
        raise InvalidRequest(BUS_FIELD, "is not a bus that this workspace may listen to (the setting otherBuses).")


def check_changed_trigger(before: FunctionTrigger, after: FunctionTrigger, deps: RegistryDeps) -> None:
    """Raises InvalidRequest naming the bus, or FunctionNotPermitted, if it starts more than before and may not."""
    if not after.enabled or (before.enabled and before.metadata == after.metadata):
        return
    if not deps.sources.buses.permit(after):
        raise InvalidRequest(
            BUS_FIELD,
            "is not a bus that this workspace may listen to any more (the setting otherBuses): "
            "the trigger can be disabled or deleted, and its params changed.",
        )
    function = deps.registry.read_function(after.function_id)
    if function is not None:
        check_invokable(function, deps.invokable)

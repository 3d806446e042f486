"""The AWS services that start a trigger's runs: kept in step with what the trigger says."""

from typing import NamedTuple, Protocol

from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.event_patterns import scoped_to
from handlers.domain.registry.trigger_kinds import EventSource


class Schedules(Protocol):
    """EventBridge Scheduler. Each method may be repeated; each raises Unavailable when AWS does not answer."""

    def put(self, trigger: FunctionTrigger) -> None:
        """The schedule is as the trigger says. An interval begins anew; a moment that has passed does not come again.

        Raises InvalidRequest or SourceLimitReached.
        """

    def remove(self, trigger: FunctionTrigger) -> None: ...


class EventRules(Protocol):
    """EventBridge. Each method may be repeated; each raises Unavailable when AWS does not answer."""

    def check(self, pattern: str) -> None:
        """Raises InvalidRequest if EventBridge would not take the pattern."""

    def put(self, trigger: FunctionTrigger, pattern: str) -> None:
        """The rule is as the trigger says. Raises InvalidRequest, BusMissing or SourceLimitReached."""

    def remove(self, trigger: FunctionTrigger) -> None:
        """From whichever bus, permitted or not, there or not."""


class PermittedBuses:
    """Which event buses a workspace's triggers may listen to, besides the stack's own trigger bus.

    Names by workspace: `otherBuses` of the context, as it is now.
    """

    def __init__(self, by_workspace: dict[str, list[str]]) -> None:
        self.by_workspace = by_workspace

    def permit(self, trigger: FunctionTrigger) -> bool:
        """Whether the trigger may listen to its bus. What listens to none, or to the trigger bus, always may."""
        bus = trigger.events.event_bus_name if trigger.events else None
        return bus is None or bus in self.by_workspace.get(trigger.workspace, [])

    def nameable(self, trigger: FunctionTrigger) -> dict[str, list[str]]:
        """Those that a change of the trigger may name: its own too, which is put back as it was read."""
        own = trigger.events.event_bus_name if trigger.events else None
        named = [*self.by_workspace.get(trigger.workspace, []), *([own] if own else [])]
        return {trigger.workspace: named}


class TriggerSources(NamedTuple):
    schedules: Schedules
    rules: EventRules
    buses: PermittedBuses

    def check(self, trigger: FunctionTrigger) -> None:
        """Ask AWS whether it would take it, changing nothing. Raises InvalidRequest or Unavailable."""
        if trigger.events is not None:
            self.rules.check(_pattern(trigger.workspace, trigger.events))

    def sync(self, trigger: FunctionTrigger) -> None:
        """Raises InvalidRequest, BusMissing, SourceLimitReached or Unavailable.

        On a bus that the workspace may no longer listen to there is no rule, whatever the trigger says.
        """
        if trigger.schedule is not None:
            self.schedules.put(trigger)
        if trigger.events is not None:
            if self.buses.permit(trigger):
                self.rules.put(trigger, _pattern(trigger.workspace, trigger.events))
            else:
                self.rules.remove(trigger)

    def remove(self, trigger: FunctionTrigger) -> None:
        """Nothing is left of it. Raises Unavailable."""
        if trigger.schedule is not None:
            self.schedules.remove(trigger)
        if trigger.events is not None:
            self.rules.remove(trigger)


def _pattern(workspace: str, events: EventSource) -> str:
    return scoped_to(events.event_pattern, workspace) if events.is_on_trigger_bus else events.event_pattern

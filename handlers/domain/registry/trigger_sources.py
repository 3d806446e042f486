"""The AWS services that start a trigger's runs: kept in step with what the trigger says."""

from typing import NamedTuple, Protocol

from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.event_buses import PermittedBuses
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

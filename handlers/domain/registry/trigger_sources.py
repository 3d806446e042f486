"""The AWS services that start a trigger's runs: kept in step with what the trigger says."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.trigger_metadata import AwsService


class TriggerSource(Protocol):
    """One AWS service. Each method may be repeated; each raises Unavailable when AWS does not answer."""

    def check(self, trigger: FunctionTrigger) -> None:
        """Ask AWS whether it would accept the trigger, changing nothing. Raises InvalidRequest."""

    def put(self, trigger: FunctionTrigger) -> None:
        """Schedule or rule is as the trigger says. An interval begins again; a moment that has passed is not repeated.

        Raises InvalidRequest, BusMissing or SourceLimitReached.
        """

    def remove(self, trigger: FunctionTrigger) -> None:
        """Schedule or rule is gone, whether it was there or not, from a bus that is permitted or not."""


class PermittedBuses(NamedTuple):
    """Which event buses a workspace's triggers may listen to, besides the stack's own trigger bus.

    Names by workspace: `otherBuses` of the context, as it is now.
    """

    by_workspace: dict[str, list[str]]

    def permit(self, trigger: FunctionTrigger) -> bool:
        """Whether the trigger may listen to its bus. One that listens to none, or to the trigger bus, always may."""
        return self.include(trigger.workspace, trigger.metadata.other_bus)

    def include(self, workspace: str, bus: str | None) -> bool:
        return bus is None or bus in self.by_workspace.get(workspace, [])


class TriggerSources(NamedTuple):
    by_service: Mapping[AwsService, TriggerSource]
    buses: PermittedBuses

    def check(self, trigger: FunctionTrigger) -> None:
        """Raises InvalidRequest or Unavailable."""
        if source := self._source_of(trigger):
            source.check(trigger)

    def sync(self, trigger: FunctionTrigger) -> None:
        """Raises InvalidRequest, BusMissing, SourceLimitReached or Unavailable.

        On a bus that the workspace may no longer listen to there is no rule, whatever the trigger says.
        """
        if source := self._source_of(trigger):
            bring = source.put if self.buses.permit(trigger) else source.remove
            bring(trigger)

    def remove(self, trigger: FunctionTrigger) -> None:
        """Raises Unavailable."""
        if source := self._source_of(trigger):
            source.remove(trigger)

    def _source_of(self, trigger: FunctionTrigger) -> TriggerSource | None:
        service = trigger.metadata.aws_service
        return None if service is None else self.by_service[service]

"""Which event buses a workspace's triggers may listen to, besides the stack's own trigger bus."""

from handlers.domain.registry.entities import FunctionTrigger


class PermittedBuses:
    """Names of event buses by workspace: `otherBuses` of the context, as it is now."""

    def __init__(self, by_workspace: dict[str, list[str]]) -> None:
        self._by_workspace = by_workspace

    def permit(self, trigger: FunctionTrigger) -> bool:
        """Whether the trigger may listen to its bus. One that listens to none, or to the trigger bus, always may."""
        bus = trigger.metadata.other_bus
        return bus is None or bus in self._by_workspace.get(trigger.workspace, [])

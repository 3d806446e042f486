"""Which event buses a workspace's triggers may listen to, besides the stack's own trigger bus."""

from handlers.domain.registry.entities import FunctionTrigger


class PermittedBuses:
    """Names of event buses by workspace: `otherBuses` of the context, as it is now."""

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

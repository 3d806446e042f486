"""The slots of workspaces, in memory."""

from collections.abc import Callable

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.runs.workspace_limit import Slot
from tests.fakes.services import nothing


class InMemorySlots:
    def __init__(self) -> None:
        self.taken: dict[tuple[str, int], Slot] = {}
        self.request = 0
        self.fails = False
        self.meanwhile: Callable[[], object] = nothing
        """Happens between a look at the slots and what is done about it."""

    def held(self, workspace: str) -> set[int]:
        self._ask()
        found = {slot.number for slot in self.taken.values() if slot.workspace == workspace and _is_leased(slot)}
        self.meanwhile()
        return found

    def take(self, slot: Slot) -> bool:
        self._ask()
        key = slot.workspace, slot.number
        before = self.taken.get(key)
        if before is not None and _is_leased(before) and before.holder != slot.holder:
            return False
        self.taken[key] = slot
        return True

    def release(self, slot: Slot) -> None:
        key = slot.workspace, slot.number
        if not self.fails and key in self.taken and self.taken[key].holder == slot.holder:
            del self.taken[key]

    def _ask(self) -> None:
        self.request += 1
        if self.fails:
            raise Unavailable


def _is_leased(slot: Slot) -> bool:
    return slot.until > clock.now()

"""How many runs of one workspace are executed at once, where the installation limits it.

A run holds one of its workspace's slots from before it is claimed until its outcome is stored. A slot is leased for as
long as the claim: what a crash leaves behind is free again when that lease ends, and not before, because the function
may be at work until then. A slot is taken by a condition on the slot alone, and not in the claim's transaction: a slot
that is held without a run costs a wait, but there is never a run too many.
"""

import random
from datetime import datetime
from typing import NamedTuple, Protocol

from handlers.domain.runs.outcome import RetryLater
from handlers.domain.runs.run import FunctionRun

WORKSPACE_LIMIT = "WorkspaceConcurrencyLimit"
# A run that waits for a slot is tried again within half a minute; the difference is for the delivery of its message.
LONGEST_WAIT_SECONDS = 24
# Another executor may take a slot after it was seen to be free. After so many tries there is a crowd: the run waits.
_TRIES = 3


class WorkspaceFull(RetryLater):
    """As many runs of the workspace are being executed as may be."""

    def __init__(self) -> None:
        super().__init__(WORKSPACE_LIMIT)


class Slot(NamedTuple):
    """A place to execute one run of a workspace, until the lease ends."""

    workspace: str
    number: int
    holder: str
    """The token of the claim that it was taken for."""
    until: datetime


class Slots(Protocol):
    def held(self, workspace: str) -> set[int]:
        """The numbers of the slots whose leases have not ended, read consistently. Raises Unavailable."""

    def take(self, slot: Slot) -> bool:
        """False if another holds it. Raises Unavailable."""

    def release(self, slot: Slot) -> None:
        """Unless another holds it by now. Never fails: a lease ends by itself."""


class WorkspaceLimit(NamedTuple):
    slots: Slots
    most: int | None
    """None if there is no limit: then no slots are read or written."""

    def free(self, workspace: str) -> list[int]:
        """The slots that may be taken, if any are needed. Raises WorkspaceFull or Unavailable."""
        if self.most is None:
            return []
        free = free_slots(self.slots.held(workspace), self.most)
        if not free:
            raise WorkspaceFull
        return free

    def take(self, claimed: FunctionRun, free: list[int]) -> Slot | None:
        """A slot for a run that is about to be claimed so; None if none is needed. Raises WorkspaceFull or Unavailable.

        `free` is what there was a moment ago.
        """
        if self.most is None or claimed.claim_token is None or claimed.deadline is None:
            return None
        for _ in range(_TRIES):
            slot = Slot(claimed.workspace, random.choice(free), claimed.claim_token, claimed.deadline)
            if self.slots.take(slot):
                return slot
            free = self.free(claimed.workspace)
        raise WorkspaceFull

    def release(self, slot: Slot | None) -> None:
        if slot is not None:
            self.slots.release(slot)


def free_slots(held: set[int], most: int) -> list[int]:
    """Which slots may be taken while these are held, so that at most `most` are, whatever others take meanwhile.

    Where the limit was lowered, slots beyond it may be held still. For each of them the last of those that nobody holds
    stays empty.
    """
    free = sorted(set(range(most)) - held)
    return free[: max(most - len(held), 0)]

"""List the acts of a workspace, newest first."""

from datetime import datetime
from typing import NamedTuple, Protocol

from handlers.domain.audit.act import Action, SealedAct
from handlers.domain.paging import Page, position_of
from handlers.domain.query import Query, Reader, a_group_id, an_id, moment, one_of, read_filters, short_text

# Where few acts match, a page is cut short rather than read on: so many reads it takes at most, of so many acts each.
MAX_READS = 20
ACTS_PER_READ = 500
# After every position.
_NEWEST = "~"
_READERS: dict[str, Reader] = {
    "from": moment,
    "to": moment,
    "by": short_text,
    "action": one_of(Action),
    "runId": an_id,
    "triggerId": an_id,
    "experimentId": an_id,
    "errorGroupId": a_group_id,
    "batchId": an_id,
}


class Filters(NamedTuple):
    since: datetime | None = None
    until: datetime | None = None
    by: str | None = None
    action: Action | None = None
    run_id: str | None = None
    """Acts on this run, and the act that started it."""
    trigger_id: str | None = None
    experiment_id: str | None = None
    error_group_id: str | None = None
    batch_id: str | None = None

    @classmethod
    def from_query(cls, query: Query) -> "Filters":
        """Raises InvalidRequest naming the parameter."""
        return cls(**read_filters(query, _READERS))

    @property
    def may_skip(self) -> bool:
        """Whether some acts of the time asked for may not match."""
        of_things = (self.run_id, self.trigger_id, self.experiment_id, self.batch_id, self.error_group_id)
        return any((self.by, self.action, *of_things))


class Read(NamedTuple):
    """Some of the acts of one shard, newest first."""

    acts: list[SealedAct]
    """Those that match."""
    down_to: str | None
    """The position of the last act that was looked at; None where the shard ends."""


class AuditLog(Protocol):
    shards: int
    """Over so many lists the acts of a workspace are spread, each in order."""

    def read(self, workspace: str, shard: int, filters: Filters, *, before: str, size: int) -> Read:
        """The acts of a shard before this position that match, looking at so many. Raises Unavailable."""


def list_acts(workspace: str, filters: Filters, page: Page, log: AuditLog) -> tuple[list[SealedAct], str | None]:
    """A page of acts, and the position to go on from.

    Where few acts match, the page may be short, or empty, and still have a next one.
    """
    found: list[SealedAct] = []
    # Each shard's last position that was looked at. Above the highest of them nothing is missing any more.
    reached = dict.fromkeys(range(log.shards), page.after or _NEWEST)
    size = ACTS_PER_READ if filters.may_skip else page.size
    for _ in range(MAX_READS):
        shard = max(reached, key=reached.__getitem__)
        read = log.read(workspace, shard, filters, before=reached.pop(shard), size=size)
        found += read.acts
        if read.down_to is not None:
            reached[shard] = read.down_to
        if not reached or len(_complete(found, reached)) >= page.size:
            break
    complete = sorted(_complete(found, reached), key=position, reverse=True)
    kept = complete[: page.size]
    if len(kept) == page.size and (reached or len(complete) > page.size):
        return kept, position(kept[-1])
    return kept, max(reached.values(), default=None)


def _complete(found: list[SealedAct], reached: dict[int, str]) -> list[SealedAct]:
    """Those newer than which no act can be found any more."""
    down_to = max(reached.values(), default="")
    return [each for each in found if position(each) >= down_to]


def position(sealed: SealedAct) -> str:
    return position_of(sealed.act.at, sealed.act.id)

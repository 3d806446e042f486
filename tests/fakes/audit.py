"""Acts, in memory."""

from handlers.domain.audit.act import Act, SealedAct
from handlers.domain.audit.listing import Filters, Read, position


def matches(filters: Filters, act: Act) -> bool:
    return (
        (filters.since is None or act.at >= filters.since)
        and (filters.until is None or act.at <= filters.until)
        and (filters.by is None or act.by == filters.by)
        and (filters.action is None or act.action is filters.action)
        and (filters.run_id is None or filters.run_id in (act.run_id, act.job_id, act.with_run_id))
        and (filters.trigger_id is None or act.trigger_id == filters.trigger_id)
        and (filters.experiment_id is None or act.experiment_id == filters.experiment_id)
        and (filters.error_group_id is None or act.error_group_id == filters.error_group_id)
        and (filters.batch_id is None or act.batch_id == filters.batch_id)
    )


class InMemoryAuditLog:
    shards = 2

    def __init__(self) -> None:
        self.sealed: list[SealedAct] = []
        """In the order in which they were written."""
        self.reads = 0
        self._ids: set[str] = set()

    @property
    def acts(self) -> list[Act]:
        return [sealed.act for sealed in self.sealed]

    def write(self, act: Act) -> None:
        if act.id not in self._ids:
            self._ids.add(act.id)
            self.sealed.append(SealedAct(act))

    def read(self, workspace: str, shard: int, filters: Filters, *, before: str, size: int) -> Read:
        self.reads += 1
        of_shard = [each for each in self.sealed if int(each.act.id[-1], 16) % self.shards == shard]
        left = [each for each in of_shard if each.act.workspace == workspace and position(each) < before]
        if filters.since is not None:
            left = [each for each in left if each.act.at >= filters.since]
        looked_at = sorted(left, key=position, reverse=True)[:size]
        down_to = position(looked_at[-1]) if len(left) > size else None
        return Read([each for each in looked_at if matches(filters, each.act)], down_to)

"""Error groups, in memory."""

from collections import Counter
from datetime import datetime
from threading import Lock

from handlers.domain import clock
from handlers.domain.audit.act import Act, SealedAct
from handlers.domain.error_groups.group import MAX_COUNTED, Counts, ErrorGroup
from handlers.domain.paging import Page
from tests.fakes.stores import InMemoryRuns, position
from tests.faults.ports import PortFaults


class InMemoryGroups:
    """The store of groups, which counts the runs of a run store."""

    def __init__(self, runs: InMemoryRuns) -> None:
        self.groups: dict[tuple[str, str], ErrorGroup] = {}
        self.writes = 0
        self.faults = PortFaults()
        self._runs = runs
        self._lock = Lock()

    def read(self, workspace: str, group_id: str) -> ErrorGroup | None:
        with self.faults.call():
            return self._alive(workspace, group_id)

    def create(self, group: ErrorGroup) -> bool:
        with self.faults.call(), self._lock:
            if self._alive(group.workspace, group.id) is not None:
                return False
            self.writes += 1
            self.groups[group.workspace, group.id] = group
            return True

    def replace(self, before: ErrorGroup, after: ErrorGroup, act: Act | None = None) -> bool:
        with self.faults.call(), self._lock:
            stored = self._alive(after.workspace, after.id)
            if stored is None or (stored.version, stored.publishing) != (before.version, before.publishing):
                return False
            changed = {name for name in ErrorGroup.model_fields if getattr(before, name) != getattr(after, name)}
            self.writes += 1
            self.groups[after.workspace, after.id] = stored.evolve(**{name: getattr(after, name) for name in changed})
            if act is not None:
                self._runs.acts.append(SealedAct(act))
            return True

    def list(self, workspace: str, function_id: str | None, page: Page) -> tuple[list[ErrorGroup], str | None]:
        ahead = [
            group
            for group in self.groups.values()
            if group.workspace == workspace
            and function_id in (None, group.function_id)
            and (page.after is None or group.position < page.after)
            and group.expires_at > clock.now()
        ]
        ahead.sort(key=lambda group: group.position, reverse=True)
        kept = ahead[: page.size]
        return kept, kept[-1].position if len(ahead) > page.size else None

    def count(self, workspace: str, group_id: str, since: datetime, until: datetime) -> Counts:
        of_group = [
            run
            for run in self._runs.runs.values()
            if run.workspace == workspace
            and run.error_group_id == group_id
            and run.status.is_failed
            and since <= run.created_at <= until
        ]
        failed = sorted(of_group, key=position, reverse=True)
        unrecovered = [run for run in failed if run.recovered is False]
        counted = failed[:MAX_COUNTED]
        hours = Counter(run.created_at.replace(minute=0, second=0, microsecond=0) for run in counted)
        newest = (unrecovered or failed)[:1]
        return Counts(
            failures=len(counted),
            unrecovered=min(len(unrecovered), MAX_COUNTED),
            failures_capped=len(failed) > MAX_COUNTED,
            unrecovered_capped=len(unrecovered) > MAX_COUNTED,
            hours=tuple(sorted(hours.items())),
            last_seen_at=failed[0].created_at if failed else None,
            sample_run_id=newest[0].id if newest else None,
        )

    def _alive(self, workspace: str, group_id: str) -> ErrorGroup | None:
        group = self.groups.get((workspace, group_id))
        return group if group is not None and group.expires_at > clock.now() else None

"""A table and a bucket over literals, with items as the product writes them: a test breaks what matters to it."""

from datetime import datetime, timedelta
from typing import Any

from handlers.aws import run_items as items
from handlers.aws.table import to_item
from handlers.domain import clock
from handlers.domain.runs.run import FunctionRun, Part
from infra.audit.checks import Terms, check
from infra.audit.findings import Finding
from infra.audit.reading import remember
from infra.audit.records import World
from tests.builders import NOW, a_rerun, a_run, an_id

RETENTION = timedelta(days=90)
ORIGINAL = an_id(1)
RERUN = an_id(2)
SEALED = b"sealed"


class Storage:
    """`item(run_id, sort)` is what a test lays hands on."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.objects: dict[str, datetime] = {}

    def put(self, *plain: dict[str, Any]) -> "Storage":
        self.items |= {(each["pk"], each["sk"]): each for each in plain}
        return self

    def run(self, run: FunctionRun, *parts: Part) -> "Storage":
        return self.put(items.of_run(run), *(items.of_part(run, part, SEALED) for part in parts))

    def rerun(self, rerun: FunctionRun) -> "Storage":
        """With all that its transaction writes."""
        original = self.item(rerun.original_run_id or "")
        original["reruns"] += 1
        original["expiresAt"] = max(original["expiresAt"], items.epoch(rerun))
        return self.run(rerun).put(items.of_edge(rerun))

    def large_part(self, run: FunctionRun, part: Part, *, staged_as: str, is_moved: bool = True) -> "Storage":
        kept = items.object_key(run, part)
        self.objects[kept if is_moved else staged_as] = run.created_at
        return self.put(*items.of_large_part(run, part, object=kept, stagedAs=staged_as))

    def item(self, run_id: str, sort: str = "RUN") -> dict[str, Any]:
        return self.items[f"RUN#{run_id}", sort]

    def edge(self, rerun: FunctionRun) -> dict[str, Any]:
        return self.item(rerun.original_run_id or "", f"RERUN#{items.position(rerun)}")

    def remove(self, item: dict[str, Any]) -> "Storage":
        del self.items[item["pk"], item["sk"]]
        return self

    def world(self, *, has_bucket: bool = True) -> World:
        world = World(stored=dict(self.objects) if has_bucket else None)
        for plain in self.items.values():
            remember(to_item(plain), world)
        return world

    def findings(self, **terms: Any) -> list[Finding]:
        literals: dict[str, Any] = {"now": NOW, "retention": RETENTION}
        return check(self.world(), Terms(**literals | terms))

    def found(self, **terms: Any) -> list[tuple[str, ...]]:
        """Rule and ids of each finding."""
        return [(finding.rule.value, *finding.ids) for finding in self.findings(**terms)]


def a_storage(**changes: Any) -> Storage:
    """One run, and what a test says of it."""
    return Storage().run(a_run(id=ORIGINAL, **changes), Part.PARAMETERS)


def a_lineage() -> tuple[Storage, FunctionRun]:
    """An original of yesterday and its one re-run of today."""
    original = a_run(id=ORIGINAL, created_at=NOW - timedelta(days=1), expires_at=NOW + timedelta(days=89))
    rerun = a_rerun(original, id=RERUN, created_at=NOW)
    return Storage().run(original, Part.PARAMETERS).rerun(rerun), rerun


def a_lineage_of_today() -> tuple[Storage, FunctionRun]:
    """By the clock. The re-run's result is in the bucket."""
    at = clock.now() - timedelta(hours=1)
    original = a_run(id=ORIGINAL, created_at=at, expires_at=at + RETENTION)
    rerun = a_rerun(original, id=RERUN, created_at=at, expires_at=at + RETENTION)
    return Storage().run(original).rerun(rerun).large_part(rerun, Part.OVERRIDES, staged_as="staging/s"), rerun

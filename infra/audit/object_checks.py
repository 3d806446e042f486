"""Objects in the bucket against what the table says of them. Nothing here speaks to AWS.

A part too large for its item is first staged, and moved to where it stays once its run is recorded. An item of its
own, which no TTL deletes, lets housekeeping find the object when its run has expired.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from handlers.aws.part_objects import KEPT, STAGING
from handlers.domain.clock import iso
from handlers.domain.upkeep.housekeeping import STAGED_FOR
from infra.audit.findings import Finding, Rule
from infra.audit.records import ObjectRecord, PartRecord, World

# Housekeeping comes every hour: what it has passed over twice, it passes over.
PATIENCE = timedelta(hours=2)


def check_objects(world: World, now: datetime) -> Iterator[Finding]:
    for record in world.listed.values():
        yield from _due(record, now)
    if world.stored is None:
        return
    unlisted = {key: _run_in(key) for key in world.stored if key.startswith(KEPT) and key not in world.listed}
    for part in world.living_parts(now):
        if part.object is not None:
            yield from _without_object(part, world, now)
            if part.object not in world.listed:
                unlisted[part.object] = part.run
    for key, run in unlisted.items():
        said = "No item names it, so nothing will ever delete it."
        yield Finding(Rule.KEPT_OBJECT, (key,), said, runs=(run,), objects=(key,))
    for key, modified in world.stored.items():
        if key.startswith(STAGING) and modified + STAGED_FOR + PATIENCE < now:
            yield Finding(Rule.STAGED_OBJECT, (key,), f"It has been there since {iso(modified)}.", objects=(key,))


def _run_in(key: str) -> str:
    return key.removeprefix(KEPT).split("/")[0]


def _without_object(part: PartRecord, world: World, now: datetime) -> Iterator[Finding]:
    stored, run = world.stored or {}, world.alive(part.run, now)
    is_staged = run is not None and run.staged and part.staged_as in stored
    if part.object not in stored and not is_staged:
        said = f"Its object {part.object} is not in the bucket."
        yield Finding(Rule.PART_OBJECT, (part.run, part.name), said, runs=(part.run,))


def _due(record: ObjectRecord, now: datetime) -> Iterator[Finding]:
    said = None
    if not record.due.startswith("OBJECTS#"):
        said = "It does not stand where housekeeping looks."
    elif record.due_at < now - PATIENCE:
        said = f"Housekeeping should have looked at it at {iso(record.due_at)}."
    if said is not None:
        yield Finding(Rule.OBJECT_DUE, (record.run, record.part), said, runs=(record.run,))

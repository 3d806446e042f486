"""What is remembered of the table and the bucket: of each item as little as the checks need.

A table may hold millions of runs, and all of them are in memory at once: lineages can only be judged as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from handlers.domain.runs.run import Part, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    id: str
    status: Status
    created_at: datetime
    expires_at: int
    """Seconds since the epoch, as DynamoDB's TTL reads it."""
    deadline: datetime | None = None
    event_pending: bool = False
    staged: bool = False
    is_captured: bool = False
    is_rerun: bool = False
    original: str | None = None
    rerun_count: int = 0
    function_id: str = ""
    recovered_by: str | None = None
    is_recovering: bool = False
    """Whether it recovers its original, if that is of the same function."""
    attempts: int = 0
    outcome_id: str | None = None
    erased_at: datetime | None = None
    misplaced: str | None = None
    """What is wrong with its place in the indexes."""
    batch: str | None = None
    """Of a re-run that a batch has started; not of one's automatic retry."""
    source: str | None = None


class EdgeRecord(NamedTuple):
    original: str
    run: str
    expires_at: int


class PartRecord(NamedTuple):
    run: str
    part: Part
    name: str
    """As its key has it: that of an outcome says which one it is."""
    expires_at: int
    object: str | None = None
    """Where it stays in the bucket; None for a part that lies in the table."""
    staged_as: str | None = None

    @property
    def outcome_id(self) -> str | None:
        return self.name.partition("#")[2] or None


class ObjectRecord(NamedTuple):
    """Of the item that lets housekeeping find an object."""

    run: str
    part: str
    object: str
    due: str
    due_at: datetime


class BatchRecord(NamedTuple):
    id: str
    created_at: datetime
    expires_at: int
    started: int
    """How many re-runs it has counted."""
    is_in_step: bool
    """Whether it is not known yet what has become of sources that it has chosen."""
    needs_steps: bool
    due_at: datetime | None


class UnreadableRecord(NamedTuple):
    run: str
    """Or a batch: the sort key says which."""
    sort: str
    why: str


@dataclass(slots=True)
class World:
    """Everything that was read, or the part of it that a second look needs."""

    runs: dict[str, RunRecord] = field(default_factory=dict)
    edges: dict[str, list[EdgeRecord]] = field(default_factory=dict)
    """By original."""
    parts: list[PartRecord] = field(default_factory=list)
    listed: dict[str, ObjectRecord] = field(default_factory=dict)
    """By the object's key."""
    batches: dict[str, BatchRecord] = field(default_factory=dict)
    unreadable: list[UnreadableRecord] = field(default_factory=list)
    stored: dict[str, datetime] | None = None
    """The bucket's objects, by key, with their age; None if there is no bucket."""

    @property
    def unreadable_runs(self) -> set[str]:
        """There is a run, whatever it is like."""
        return {record.run for record in self.unreadable if record.sort == "RUN"}

    def alive(self, run_id: str | None, now: datetime) -> RunRecord | None:
        """The run, unless it has expired: DynamoDB deletes such items late, and readers treat them as gone."""
        run = self.runs.get(run_id) if run_id else None
        return run if run is not None and run.expires_at > now.timestamp() else None

    def living_parts(self, now: datetime) -> Iterator[PartRecord]:
        """A part may expire before its run: an original that is re-run lives on without its old result."""
        moment = now.timestamp()
        return (part for part in self.parts if part.expires_at > moment and self.alive(part.run, now))

    def living(self, now: datetime) -> Iterator[RunRecord]:
        return (run for run in self.runs.values() if run.expires_at > now.timestamp())

    def living_edges(self, original: str, now: datetime) -> list[EdgeRecord]:
        return [edge for edge in self.edges.get(original, ()) if edge.expires_at > now.timestamp()]

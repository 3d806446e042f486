"""What the audit asserts, and what it found."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self


class Rule(StrEnum):
    """The name of an assertion. Its sentence says what holds if nothing is found."""

    sentence: str

    def __new__(cls, name: str, sentence: str) -> Self:
        rule = str.__new__(cls, name)
        rule._value_ = name
        rule.sentence = sentence
        return rule

    READABLE = "readable", "Every item of a run or of a batch can be read."
    DEADLINE = "deadline", "Every run has ended and its end is published, or it is within its deadline."
    INDEXES = (
        "indexes",
        "Every run is due by its deadline, if it has one, and among failures and unrecovered runs if it is one.",
    )
    OUTCOME = "outcome", "Every run that names a sealed outcome has it."
    ERASED = "erased", "Nothing is left of what was erased."
    EDGE_RUN = "edge-run", "Every lineage edge has its re-run."
    RERUN_EDGE = "rerun-edge", "Every re-run has its edge on its original."
    RERUN_ORIGINAL = "rerun-original", "Every re-run has its original, which lives as long as it does."
    RERUN_COUNT = "rerun-count", "Every original has counted its re-runs."
    RECOVERED = "recovered", "Every original that has failed is marked as recovered once a re-run of it has completed."
    ATTEMPTS = "attempts", "Every run's recorded attempts are as many as its status allows."
    EXECUTIONS = "executions", "No run was executed more often than its recorded attempts."
    BATCH = "batch", "Every batch has counted its re-runs, one of each source at most."
    BATCH_DUE = "batch-due", "Every batch that has not ended goes on, or the watchdog sees that it does not."
    SEALS = "seals", "Sealed parts can be opened."
    PART_OBJECT = "part-object", "Every part that lies in the bucket has its object there."
    KEPT_OBJECT = "kept-object", "Every kept object will be deleted with its run."
    STAGED_OBJECT = "staged-object", "No staged object is older than a day."
    OBJECT_DUE = "object-due", "Housekeeping is not behind with any object."


OF_THE_BUCKET = (Rule.PART_OBJECT, Rule.KEPT_OBJECT, Rule.STAGED_OBJECT)


@dataclass(frozen=True, slots=True)
class Finding:
    rule: Rule
    ids: tuple[str, ...]
    """What it is about: ids of runs, names of parts, keys of objects."""
    sentence: str
    runs: tuple[str, ...] = ()
    """The runs whose partitions decide on it at a second look."""
    batches: tuple[str, ...] = ()
    """The batches that do, with all their re-runs."""
    objects: tuple[str, ...] = ()
    """The keys in the bucket that do, besides those that the runs' parts name."""

    @property
    def key(self) -> tuple[Rule, tuple[str, ...]]:
        """Alike for two looks at the same thing, whatever they saw of it."""
        return self.rule, self.ids


@dataclass(frozen=True, slots=True)
class LookedAt:
    """How much there was. Runs are those that have not expired; `expired` is the number of the others."""

    statuses: Mapping[str, int]
    expired: int
    lineages: int
    reruns: int
    parts: int
    opened: int
    objects: int

    @property
    def runs(self) -> int:
        return sum(self.statuses.values())


@dataclass(frozen=True, slots=True)
class Report:
    at: datetime
    looked_at: LookedAt
    findings: Sequence[Finding] = ()
    skipped: Mapping[Rule, str] = field(default_factory=dict)
    """Why a rule was not looked at."""

    @property
    def is_clean(self) -> bool:
        return not self.findings

    @property
    def counts(self) -> Counter[Rule]:
        return Counter(finding.rule for finding in self.findings)

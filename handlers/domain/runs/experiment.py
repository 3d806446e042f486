"""An experiment: runs of one input on the source run's own version and on a candidate, started together."""

from enum import StrEnum
from typing import NamedTuple

from handlers.domain.clock import Timestamp
from handlers.domain.document import Document
from handlers.domain.ids import derived_id
from handlers.domain.seal import SealContext


class Side(StrEnum):
    PINNED = "pinned"
    """The version that the source run executed."""
    CANDIDATE = "candidate"
    """The version that it is compared with."""


class Experiment(Document):
    """What an experiment is about. Its runs are found by their ids, which are derived from its own."""

    id: str
    workspace: str
    source_run_id: str
    original_run_id: str
    repeats: int
    """How many runs each side has."""
    pinned_version: str | None = None
    """None if the source run's version was not known: then the pinned side executes today's code."""
    candidate_version: str
    """`latest`, or the number of a version."""
    candidate_function_id: str | None = None
    """None if both sides are versions of one function."""
    by: str
    """Who has started it."""
    reason: str | None = None
    created_at: Timestamp
    expires_at: Timestamp

    def run_ids(self, side: Side) -> list[str]:
        return run_ids(self.id, side, self.repeats)

    @property
    def ignore_context(self) -> SealContext:
        """JSON Pointers name keys, and keys are content."""
        return SealContext(self.workspace, f"EXPERIMENT#{self.id}", "ignore")


class SealedExperiment(NamedTuple):
    """An experiment as it is stored: with the pointers that count no differences, sealed."""

    experiment: Experiment
    sealed_ignore: bytes


def run_ids(experiment_id: str, side: Side, repeats: int) -> list[str]:
    return [derived_id("experiment", experiment_id, side, str(number)) for number in range(repeats)]

"""Read an experiment: its runs, and what they say of code and world: GET …/experiments/{experimentId}."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from handlers.domain.comparing.verdict import Conclusion, Observation, Observer, conclude
from handlers.domain.errors import NotFound, PartUnreadable
from handlers.domain.ids import parse_id, parse_run_id
from handlers.domain.json_document import parse
from handlers.domain.log_context import concerns_run
from handlers.domain.runs.experiment import Experiment, SealedExperiment, Side
from handlers.domain.runs.outcome import unpack
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Content, FunctionRun, Part
from handlers.domain.seal import Cipher, SealBroken, SealContext


class ExperimentReader(Protocol):
    def read(self, experiment_id: str) -> SealedExperiment | None:
        """Raises Unavailable."""


class FoundExperiment(NamedTuple):
    """An experiment and those of its runs that are still there, by their ids."""

    experiment: Experiment
    sealed_ignore: bytes
    runs: dict[str, FunctionRun]

    @property
    def source(self) -> FunctionRun | None:
        return self.runs.get(self.experiment.source_run_id)

    def runs_of(self, side: Side) -> list[FunctionRun | None]:
        return [self.runs.get(run_id) for run_id in self.experiment.run_ids(side)]

    @property
    def is_over(self) -> bool:
        """Whether all of its runs have ended. The source run is none of them."""
        return not any(run is not None and run.status.is_open for side in Side for run in self.runs_of(side))


def find_experiment(
    workspace: str, run_id: str, experiment_id: str, experiments: ExperimentReader, runs: RunReader
) -> FoundExperiment:
    """The experiment, asked of any run that it is about: the source, the original, or one of its own.

    Raises InvalidRunId, or NotFound also for what is another workspace's.
    """
    asked_of, known = parse_run_id(run_id), parse_id(experiment_id)
    stored = experiments.read(known) if known else None
    if stored is None or stored.experiment.workspace != workspace:
        raise NotFound("Experiment")
    experiment = stored.experiment
    own = [each for side in Side for each in experiment.run_ids(side)]
    if asked_of not in (experiment.source_run_id, experiment.original_run_id, *own):
        raise NotFound("Experiment")
    concerns_run(experiment.source_run_id, experiment.original_run_id)
    found = runs.read_many([experiment.source_run_id, *own])
    return FoundExperiment(experiment, stored.sealed_ignore, {run.id: run for run in found})


def conclusion_of(found: FoundExperiment, runs: RunReader, cipher: Cipher) -> Conclusion:
    """Of an experiment that is over. Outcomes may be large: they are read and opened one at a time.

    Raises PartUnreadable, or Unavailable.
    """
    experiment = found.experiment
    observer = Observer(parse(_open(found.sealed_ignore, experiment.ignore_context, cipher, "ignore")))

    def observed(run: FunctionRun | None) -> Observation:
        return observer.observe(run, _contents(run, runs, cipher))

    candidate = found.runs_of(Side.CANDIDATE)
    return conclude(
        observed(found.source),
        [observed(run) for run in found.runs_of(Side.PINNED)],
        [observed(run) for run in candidate],
        pin_known=experiment.pinned_version is not None,
        candidate_versions=_versions(candidate),
    )


def _versions(runs: Iterable[FunctionRun | None]) -> set[str]:
    return {run.pin.function_version_arn for run in runs if run is not None and run.pin is not None}


def _contents(run: FunctionRun | None, runs: RunReader, cipher: Cipher) -> dict[Content, bytes]:
    if run is None or run.outcome_id is None:
        return {}
    sealed = runs.read_parts(run, [Part.OUTCOME]).get(Part.OUTCOME)
    if sealed is None:
        return {}
    return unpack(_open(sealed, seal_context(run, Part.OUTCOME), cipher, "outcome"))


def _open(sealed: bytes, context: SealContext, cipher: Cipher, part: str) -> bytes:
    try:
        return cipher.open(sealed, context)
    except SealBroken:
        raise PartUnreadable(part) from None

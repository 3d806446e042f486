"""Whether a source is re-run: as it would be refused if it were re-run alone, it is refused here."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from handlers.domain.batches.batch import Batch
from handlers.domain.batches.ports import PairReader, TriggerAndFunction, Workers
from handlers.domain.batches.progress import AGAINST_RERUN, NotStarted, not_started
from handlers.domain.errors import NoParameters, RunNotFound, WrongWorkspace
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.runs.history import LineageReader
from handlers.domain.runs.recording import Retention
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.recovered_check import check_not_recovered
from handlers.domain.starting.rerun import check_not_of_a_workflow, check_startable, effect_key_of


class Startable(NamedTuple):
    """A source that nothing stands against, but what its parameters may."""

    source: FunctionRun
    trigger: FunctionTrigger
    function: ComputeFunction
    expected_reruns: int
    """What was found holds as long as its lineage has so many re-runs."""

    @property
    def retries(self) -> bool:
        """Whether its trigger retries re-runs that people ask for."""
        return self.trigger.retry_policy is not None and self.trigger.retry_policy.retry_manual_reruns

    @property
    def executions(self) -> int:
        """How often its function is executed for it, at most."""
        policy = self.trigger.retry_policy if self.retries and self.trigger.enabled else None
        return 1 + (policy.max_retries if policy else 0)


class JudgeDeps(Protocol):
    @property
    def runs(self) -> LineageReader: ...

    @property
    def registry(self) -> PairReader: ...

    @property
    def invokable(self) -> InvokablePatterns: ...

    @property
    def retention(self) -> Retention: ...

    @property
    def workers(self) -> Workers: ...


def judge(batch: Batch, sources: Sequence[FunctionRun | None], deps: JudgeDeps) -> list[Startable | NotStarted]:
    """Of each source what becomes of it; None is one that is gone. Raises Unavailable."""
    pairs = dict.fromkeys((run.trigger_id, run.function_id) for run in sources if run is not None)
    found = dict(zip(pairs, deps.registry.read_pairs(list(pairs)), strict=True)) if pairs else {}

    def judged(run: FunctionRun | None) -> Startable | NotStarted:
        pair = (None, None) if run is None else found[run.trigger_id, run.function_id]
        return _judged(batch, run, pair, deps)

    return list(deps.workers.map(judged, sources))


def _judged(
    batch: Batch, source: FunctionRun | None, pair: TriggerAndFunction, deps: JudgeDeps
) -> Startable | NotStarted:
    try:
        if source is None:
            raise RunNotFound
        if source.workspace != batch.workspace:
            raise WrongWorkspace
        # Before all else: what is recovered needs no re-run, and nobody has to hear why it could not have one.
        expected_reruns = check_not_recovered(source, deps.runs, deps.retention)
        check_not_of_a_workflow(source)
        if source.erased_at is not None or source.parameters_omitted is not None:
            raise NoParameters
        trigger, function = check_startable(pair, deps.invokable)
        effect_key_of(source, batch.effects)
    except AGAINST_RERUN as stands:
        return not_started(stands)
    return Startable(source, trigger, function, expected_reruns)

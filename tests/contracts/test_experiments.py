"""An experiment is recorded whole: itself, each of its runs and the original's count, or nothing of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from handlers.aws.experiments import Experiments
from handlers.domain.comparing.experiments import ExperimentReader
from handlers.domain.errors import NoParameters, RerunLimitReached, RunNotFound
from handlers.domain.paging import Page
from handlers.domain.runs.experiment import Experiment, SealedExperiment, Side
from handlers.domain.runs.recording import SealedParts
from handlers.domain.runs.run import FunctionRun, Part
from handlers.domain.starting.idempotency import AlreadyStarted, IdempotencyKey, KeptRequest, SealedKey, request_key
from tests.aws.storing import new_run
from tests.builders import WORKSPACE, a_rerun
from tests.contracts.conftest import FAKE
from tests.contracts.test_runs import now
from tests.fakes.stores import InMemoryExperiments, InMemoryRuns

ABSENT = "00000000-0000-4000-8000-00000000dead"
MAX_RERUNS = 10
PARTS = {Part.PARAMETERS: b"sealed"}


class Stores(NamedTuple):
    runs: Any
    """All that is kept of runs, in memory or in the table."""
    experiments: ExperimentReader


@pytest.fixture
def stores(request: pytest.FixtureRequest, implementation: str) -> Stores:
    if implementation == FAKE:
        runs = InMemoryRuns(max_reruns=MAX_RERUNS)
        return Stores(runs, InMemoryExperiments(runs))
    stored = request.getfixturevalue("runs_in_the_table")
    stored._max_reruns = MAX_RERUNS
    return Stores(stored, Experiments(request.getfixturevalue("table")))


def an_original(stores: Stores, **changes: Any) -> FunctionRun:
    run = new_run(**{"expires_at": now() + timedelta(days=90)} | changes)
    assert stores.runs.record(run, PARTS)
    return run


def an_experiment_on(original: FunctionRun, *, repeats: int = 2, **changes: Any) -> SealedExperiment:
    literals: dict[str, Any] = {
        "id": str(uuid4()),
        "workspace": original.workspace,
        "source_run_id": original.id,
        "original_run_id": original.id,
        "repeats": repeats,
        "pinned_version": "7",
        "candidate_version": "latest",
        "by": "alice",
        "created_at": now(),
        "expires_at": now() + timedelta(days=90),
    }
    return SealedExperiment(Experiment.model_validate(literals | changes), b"sealed pointers")


def runs_of(
    sealed: SealedExperiment, original: FunctionRun, parts: SealedParts = PARTS, **changes: Any
) -> list[tuple[FunctionRun, SealedParts]]:
    experiment = sealed.experiment
    literals: dict[str, Any] = {"status": "pending", "execution_source": "experiment", "deadline": None}
    literals |= {"created_at": now(), "expires_at": experiment.expires_at, "experiment_id": experiment.id}
    return [
        (a_rerun(original, **literals | {"id": run_id} | changes), parts)
        for side in Side
        for run_id in experiment.run_ids(side)
    ]


def count_of(stores: Stores, original: FunctionRun) -> int:
    found = stores.runs.read_run(original.id)
    assert found is not None
    return int(found.rerun_count)


def nothing_of(stores: Stores, sealed: SealedExperiment, original: FunctionRun) -> bool:
    ids = [run.id for run, _ in runs_of(sealed, original)]
    edges = set(stores.runs.edges(original.id, Page(100)).run_ids)
    is_there = stores.experiments.read(sealed.experiment.id) is not None
    return not is_there and stores.runs.read_many(ids) == [] and not edges & set(ids)


def a_key() -> IdempotencyKey:
    key = request_key(str(uuid4()), WORKSPACE, "alice", {})
    assert key is not None
    return key


@pytest.mark.parametrize("repeats", [2, 5])
@pytest.mark.parametrize(
    "candidate", [{}, {"candidate_function_id": ABSENT, "candidate_version": "8", "reason": "Is it the fix?"}], ids=str
)
def test_an_experiment_is_read_as_it_was_recorded_with_all_its_runs(
    stores: Stores, repeats: int, candidate: dict[str, Any]
) -> None:
    original = an_original(stores)
    sealed = an_experiment_on(original, repeats=repeats, **candidate)
    runs = runs_of(sealed, original, rerun_reason="€" * 512)
    stores.runs.record_experiment(sealed, runs)
    assert stores.experiments.read(sealed.experiment.id) == sealed
    ids = [run.id for run, _ in runs]
    found = stores.runs.read_many(ids)
    assert [run.evolve(notes_apart=False) for run in found] == [run for run, _ in runs]
    assert all(stores.runs.read_parts(run, [Part.PARAMETERS]) == PARTS for run in found)
    assert sorted(stores.runs.edges(original.id, Page(100)).run_ids) == sorted(ids)
    assert count_of(stores, original) == 2 * repeats


def test_what_was_never_recorded_is_none(stores: Stores) -> None:
    assert stores.experiments.read(ABSENT) is None


def test_an_experiment_on_what_is_gone_is_refused(stores: Stores) -> None:
    original = new_run()
    sealed = an_experiment_on(original)
    with pytest.raises(RunNotFound):
        stores.runs.record_experiment(sealed, runs_of(sealed, original))
    assert nothing_of(stores, sealed, original)


@pytest.mark.parametrize("days", [1, 90])
@pytest.mark.parametrize("before", [6, 7, 10])
def test_all_of_it_is_within_the_limit_or_nothing_is_recorded(stores: Stores, before: int, days: int) -> None:
    """Also of an original whose life has to be prolonged for it."""
    original = an_original(stores, rerun_count=before, expires_at=now() + timedelta(days=days))
    sealed, key = an_experiment_on(original), SealedKey(a_key(), b"digest")
    runs = runs_of(sealed, original)
    if before + len(runs) <= MAX_RERUNS:
        stores.runs.record_experiment(sealed, runs, key)
        found = stores.runs.read_run(original.id)
        assert (found.rerun_count, found.expires_at) == (10, sealed.experiment.expires_at)
        return
    with pytest.raises(RerunLimitReached):
        stores.runs.record_experiment(sealed, runs, key)
    assert nothing_of(stores, sealed, original)
    assert count_of(stores, original) == before
    assert stores.runs.read_with_key(ABSENT, Part.PARAMETERS, key.key)[1] is None


@pytest.mark.parametrize("source", ["original", "rerun"])
def test_an_experiment_on_what_is_erased_meanwhile_is_refused(stores: Stores, source: str) -> None:
    original = an_original(stores)
    rerun = a_rerun(original, id=str(uuid4()), status="pending", created_at=now(), expires_at=original.expires_at)
    assert stores.runs.record_rerun(rerun, PARTS)
    erased = rerun if source == "rerun" else original
    sealed = an_experiment_on(original, source_run_id=erased.id)
    assert stores.runs.transition(erased, erased.evolve(erased_at=now()))
    with pytest.raises(NoParameters):
        stores.runs.record_experiment(sealed, runs_of(sealed, original, source_run_id=erased.id))
    assert nothing_of(stores, sealed, original)


def test_the_key_is_kept_with_the_first_run(stores: Stores) -> None:
    original, key = an_original(stores), SealedKey(a_key(), b"digest")
    first, second = an_experiment_on(original), an_experiment_on(original)
    stores.runs.record_experiment(first, runs_of(first, original), key)
    kept = KeptRequest(key.key, first.experiment.run_ids(Side.PINNED)[0], b"digest")
    assert stores.runs.read_with_key(ABSENT, Part.PARAMETERS, key.key)[1] == kept
    with pytest.raises(AlreadyStarted) as already:
        stores.runs.record_experiment(second, runs_of(second, original), SealedKey(key.key, b"another"))
    assert already.value.kept == kept
    assert nothing_of(stores, second, original)
    assert count_of(stores, original) == 4


def test_an_experiment_expires(stores: Stores) -> None:
    original = an_original(stores)
    sealed = an_experiment_on(original, expires_at=now() - timedelta(seconds=1))
    stores.runs.record_experiment(sealed, runs_of(sealed, original))
    assert stores.experiments.read(sealed.experiment.id) is None


def test_of_experiments_and_re_runs_that_race_for_the_limit_as_many_are_recorded_as_fit(stores: Stores) -> None:
    original = an_original(stores)

    def try_one(number: int) -> int:
        sealed = an_experiment_on(original)
        rerun = a_rerun(original, id=str(uuid4()), status="pending", created_at=now())
        try:
            if number % 2:
                stores.runs.record_experiment(sealed, runs_of(sealed, original))
                return 4
            stores.runs.record_rerun(rerun, PARTS)
        except RerunLimitReached:
            return 0
        return 1

    with ThreadPoolExecutor(1 if isinstance(stores.runs, InMemoryRuns) else 6) as callers:
        recorded = sum(callers.map(try_one, range(12)))
    assert recorded == count_of(stores, original) == len(stores.runs.edges(original.id, Page(100)).run_ids)
    assert MAX_RERUNS - 3 <= recorded <= MAX_RERUNS

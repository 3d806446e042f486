"""What is read of an experiment, and what it says once its runs have ended."""

from collections.abc import Iterable
from typing import Any

import pytest

from handlers.domain.comparing.experiments import FoundExperiment, find_experiment, finding_of
from handlers.domain.errors import InvalidRunId, NotFound, PartUnreadable, Unavailable
from handlers.domain.runs.execution import execute
from handlers.domain.runs.experiment import Side
from handlers.domain.runs.outcome import Outcome, PermanentFailure, pack
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import FunctionRun, Part, Status
from handlers.domain.starting.experiments import StartedExperiment
from tests.builders import FUNCTION_ARN, RUN_ID, WORKSPACE, a_pin, a_run, an_id
from tests.domain.starting.experimenting import started
from tests.domain.starting.rerunning import PARAMETERS, request, rerun
from tests.fakes import FakeClock, World


def answered(result: str) -> Outcome:
    return Outcome(Status.COMPLETED, result=result.encode())


def failed(error_type: str) -> Outcome:
    return Outcome.of_failed_invocation(f'{{"errorType":"{error_type}","errorMessage":"for {error_type}"}}'.encode())


A, B, C = answered('{"id":1,"at":1}'), answered('{"id":2,"at":1}'), failed("Declined")


@pytest.fixture(name="source")
def a_source_that_answered_a(world: World) -> World:
    world.has_registered()
    run = world.has_run(a_run(outcome_id="first"), PARAMETERS)
    sealed = world.cipher.seal(pack(A.contents()), seal_context(run, Part.OUTCOME))
    world.runs._store(run, {Part.OUTCOME: sealed})
    world.code.now[FUNCTION_ARN] = a_pin(8)
    return world


def carried_out(world: World, *outcomes: Outcome | Exception, **body: Any) -> FoundExperiment:
    """An experiment whose runs come to these ends, those of the pinned side first."""
    experiment = started(world, **body)
    world.invoker.script = list(outcomes)
    for run_id in [*experiment.pinned, *experiment.candidate]:
        execute(run_id, world.execution_deps)
    return found(world, experiment)


def found(world: World, experiment: StartedExperiment, run_id: str = RUN_ID) -> FoundExperiment:
    return find_experiment(WORKSPACE, run_id, experiment.id, world.experiments, world.runs)


def verdict(world: World, *outcomes: Outcome | Exception, **body: Any) -> tuple[str, list[str]]:
    conclusion = finding_of(carried_out(world, *outcomes, **body), world.runs, world.cipher).conclusion
    return conclusion.verdict, [*conclusion.reasons]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([A, A, A, A], "same"),
        ([A, A, B, B], "code"),
        ([A, A, C, C], "code"),
        ([B, B, B, B], "world"),
        ([C, C, C, C], "world"),
        ([B, B, C, C], "code-and-world"),
        ([B, B, A, A], "code-and-world"),
        ([A, B, A, A], "flaky"),
        ([A, A, A, C], "flaky"),
    ],
)
def test_each_verdict_comes_of_what_the_runs_have_done(source: World, outcomes: list[Outcome], expected: str) -> None:
    assert verdict(source, *outcomes) == (expected, [])


def test_what_is_ignored_makes_no_difference(source: World) -> None:
    assert verdict(source, A, A, B, B, ignore=["/id"]) == ("same", [])


def test_nothing_is_said_of_a_version_that_is_gone(source: World) -> None:
    gone = PermanentFailure("FunctionVersionNotFound", "It may have been deleted.")
    assert verdict(source, gone, gone, B, B) == ("inconclusive", ["not-executed"])


def test_nothing_is_said_of_candidates_that_met_two_versions(source: World) -> None:
    experiment = started(source)
    for number, run_id in enumerate([*experiment.pinned, *experiment.candidate]):
        source.code.now[FUNCTION_ARN] = a_pin(8 + number)
        execute(run_id, source.execution_deps)
    conclusion = finding_of(found(source, experiment), source.runs, source.cipher).conclusion
    assert (conclusion.verdict, [*conclusion.reasons]) == ("inconclusive", ["several-candidate-versions"])


def test_nothing_is_said_of_a_source_whose_version_was_not_known(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(status="failure", error_code="E", pin=None, reported_version="$LATEST"), PARAMETERS)
    assert verdict(world, A, A, A, A) == ("inconclusive", ["pin-unknown", "outcome-gone"])


def test_nothing_is_said_of_what_was_not_kept(source: World) -> None:
    large = Outcome(Status.COMPLETED, result=b'"' + b"x" * 4_000_001 + b'"')
    assert verdict(source, A, large, A, A) == ("inconclusive", ["outcome-omitted"])


def test_nothing_is_said_of_a_run_that_was_deleted(source: World) -> None:
    experiment = carried_out(source, A, A, A, A)
    del source.runs.runs[experiment.experiment.run_ids(Side.CANDIDATE)[1]]
    again = find_experiment(WORKSPACE, RUN_ID, experiment.experiment.id, source.experiments, source.runs)
    assert again.is_over
    assert finding_of(again, source.runs, source.cipher).conclusion.reasons == ("outcome-gone",)


def test_an_experiment_is_over_once_its_last_run_has_ended(source: World) -> None:
    experiment = started(source)
    for run_id in [*experiment.pinned, *experiment.candidate]:
        assert not found(source, experiment).is_over
        execute(run_id, source.execution_deps)
    assert found(source, experiment).is_over


def test_it_is_found_by_every_run_that_it_is_about_and_by_no_other(source: World) -> None:
    rerun_id = rerun(request(), source).id
    experiment = started(source, rerun_id)
    for run_id in [RUN_ID, rerun_id, *experiment.pinned, *experiment.candidate]:
        assert found(source, experiment, run_id.upper()).experiment.id == experiment.id
    another = rerun(request(), source).id
    for unrelated in (another, an_id(404)):
        with pytest.raises(NotFound, match=r"^Experiment not found\.$"):
            found(source, experiment, unrelated)
    with pytest.raises(InvalidRunId):
        found(source, experiment, "no-uuid")


@pytest.mark.parametrize("experiment_id", ["no-uuid", "", an_id(404)])
def test_an_unknown_experiment_is_not_found(source: World, experiment_id: str) -> None:
    with pytest.raises(NotFound):
        found(source, StartedExperiment(experiment_id, [], []))


def test_an_experiment_of_another_workspace_is_as_good_as_none(source: World) -> None:
    experiment = started(source)
    with pytest.raises(NotFound, match=r"^Experiment not found\.$"):
        find_experiment("another", RUN_ID, experiment.id, source.experiments, source.runs)


def test_an_experiment_expires_with_its_runs(source: World, time: FakeClock) -> None:
    experiment = started(source)
    time.advance(days=90)
    with pytest.raises(NotFound):
        found(source, experiment)


def test_an_outcome_that_does_not_open_is_said_to_be_so(source: World) -> None:
    experiment = carried_out(source)
    source.cipher.broken = True
    with pytest.raises(PartUnreadable, match=r"^Failed to decrypt the stored `ignore` of the experiment\.$"):
        finding_of(experiment, source.runs, source.cipher)
    source.cipher.cannot_open = True
    with pytest.raises(Unavailable):
        finding_of(experiment, source.runs, source.cipher)


def test_one_outcome_is_open_at_a_time(source: World, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = carried_out(source, A, A, B, B)
    read: list[tuple[str, list[Part]]] = []
    parts_of = source.runs.read_parts

    def noted(run: FunctionRun, parts: Iterable[Part]) -> dict[Part, bytes]:
        read.append((run.id, [*parts]))
        return parts_of(run, read[-1][1])

    monkeypatch.setattr(source.runs, "read_parts", noted)
    finding_of(experiment, source.runs, source.cipher)
    ids = [each for side in Side for each in experiment.experiment.run_ids(side)]
    assert read == [(run_id, [Part.OUTCOME]) for run_id in [RUN_ID, *ids]]

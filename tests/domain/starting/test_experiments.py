"""An experiment: one input on two versions of the code, all of its runs started or none."""

from typing import Any

import pytest

from handlers.domain.errors import (
    FunctionNotPermitted,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    Refused,
    RerunLimitReached,
    Unavailable,
)
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.json_document import parse
from handlers.domain.registry.retry_policy import RetryPolicy
from handlers.domain.runs.run import Content, FunctionRun, Status
from handlers.domain.starting.experiments import (
    ExperimentBody,
    ExperimentRequest,
    StartedExperiment,
    commit_experiment,
    prepare_experiment,
)
from handlers.domain.starting.idempotency import request_key
from tests.builders import FUNCTION_ARN, FUNCTION_ID, NOW, RUN_ID, WORKSPACE, a_function, a_pin, a_run, a_trigger, an_id
from tests.domain.starting.experimenting import started, the_experiment
from tests.domain.starting.rerunning import PARAMETERS, nothing_happened, request, rerun
from tests.domain.starting.test_rerun_refusals import REFUSALS, refusal
from tests.fakes import World

STAGING = an_id(77)


def staging(world: World, **changes: Any) -> None:
    """Another function of the workspace."""
    literals = {
        "id": STAGING,
        "name": "staging",
        "function_arn": FUNCTION_ARN.replace("orders-import", "orders-staging"),
    }
    world.registry.functions[STAGING] = a_function(**literals | changes)


def sides(world: World, **body: Any) -> tuple[list[FunctionRun], list[FunctionRun]]:
    experiment = started(world, **body)
    return [world.run(each) for each in experiment.pinned], [world.run(each) for each in experiment.candidate]


def test_both_sides_are_recorded_and_queued_together(installed: World) -> None:
    experiment = started(installed, reason="Is it the fix?")
    runs = [installed.run(each) for each in [*experiment.pinned, *experiment.candidate]]
    assert [pushed.run_id for pushed in installed.queue.pushed] == [run.id for run in runs]
    assert len({run.id for run in runs}) == 4
    for run in runs:
        assert (run.status, run.execution_source, run.experiment_id) == (Status.PENDING, "experiment", experiment.id)
        assert (run.is_rerun, run.original_run_id, run.source_run_id) == (True, RUN_ID, RUN_ID)
        assert (run.rerun_by, run.rerun_reason, run.created_at) == ("user-123", "Is it the fix?", NOW)
        assert installed.opened(run, Content.PARAMETERS) == PARAMETERS
    assert installed.run(RUN_ID).rerun_count == 4
    (act,) = [sealed.act for sealed in installed.runs.acts]
    assert (act.action, act.by, act.reason) == ("experiment", "user-123", "Is it the fix?")
    assert (act.run_id, act.experiment_id, act.function_id) == (RUN_ID, experiment.id, FUNCTION_ID)
    assert (act.candidate_version, act.candidate_function_id, act.repeats) == ("latest", None, 2)


@pytest.mark.parametrize("repeats", [2, 5])
def test_each_side_has_as_many_runs_as_were_asked_for(installed: World, repeats: int) -> None:
    assert [len(side) for side in sides(installed, repeats=repeats)] == [repeats, repeats]


def test_the_pinned_side_executes_the_source_s_version_and_the_candidate_today_s(installed: World) -> None:
    pinned, candidate = sides(installed)
    assert {(run.pin, run.use_latest_code) for run in pinned} == {(a_pin(), False)}
    assert {(run.pin, run.use_latest_code) for run in candidate} == {(None, True)}


def test_the_candidate_may_be_a_version(installed: World) -> None:
    _, candidate = sides(installed, candidateVersion="8")
    pins = [run.pin for run in candidate if run.pin is not None]
    assert [(pin.function_version_arn, pin.function_version) for pin in pins] == [(f"{FUNCTION_ARN}:8", "8")] * 2
    assert not any(pin.is_complete for pin in pins), "the executor asks Lambda for it"


def test_the_candidate_may_be_another_function(installed: World) -> None:
    staging(installed)
    pinned, candidate = sides(installed, candidateFunctionId=STAGING, candidateVersion="3")
    assert {run.function_id for run in pinned} == {FUNCTION_ID}
    arn = installed.registry.functions[STAGING].function_arn
    assert {(run.function_id, run.function_arn) for run in candidate} == {(STAGING, arn)}
    assert {run.pin.function_version_arn for run in candidate if run.pin} == {f"{arn}:3"}
    assert the_experiment(installed).candidate_function_id == STAGING


def test_a_candidate_that_is_the_run_s_own_function_is_none_of_its_own(installed: World) -> None:
    started(installed, candidateFunctionId=FUNCTION_ID)
    assert the_experiment(installed).candidate_function_id is None


def test_no_run_of_an_experiment_is_retried(world: World) -> None:
    policy = RetryPolicy.read({"maxRetries": 3, "retryManualReruns": True})
    world.has_registered(a_trigger(retry_policy=policy))
    world.has_run(a_run())
    assert not any(run.retriable for side in sides(world) for run in side)


def test_a_source_whose_version_is_not_known_is_executed_on_today_s_and_the_experiment_says_so(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(status="failure", pin=None, reported_version="$LATEST"))
    pinned, _ = sides(world)
    assert {run.pin for run in pinned} == {None}
    assert the_experiment(world).pinned_version is None


def test_an_experiment_on_a_rerun_belongs_to_the_original_s_lineage(installed: World) -> None:
    source = rerun(request(), installed)
    runs = [run for side in sides_of(installed, source.id) for run in side]
    assert {(run.original_run_id, run.source_run_id) for run in runs} == {(RUN_ID, source.id)}
    experiment = the_experiment(installed)
    assert (experiment.source_run_id, experiment.original_run_id) == (source.id, RUN_ID)


def sides_of(world: World, run_id: str) -> tuple[list[FunctionRun], list[FunctionRun]]:
    experiment = started(world, run_id)
    return [world.run(each) for each in experiment.pinned], [world.run(each) for each in experiment.candidate]


@pytest.mark.parametrize(
    ("of_function", "asked", "kept"),
    [
        (None, None, []),
        (["/at"], None, ["/at"]),
        (["/at"], ["/id", "/items/*/id"], ["/id", "/items/*/id"]),
        (["/at"], [], []),
    ],
)
def test_what_is_ignored_is_said_by_the_request_or_else_by_the_function(
    installed: World, of_function: list[str] | None, asked: list[str] | None, kept: list[str]
) -> None:
    installed.registry.functions[FUNCTION_ID] = a_function(ignore_differences=of_function)
    experiment = started(installed, **_stated(ignore=asked))
    stored = installed.runs.experiments[experiment.id]
    opened = installed.cipher.open(stored.sealed_ignore, stored.experiment.ignore_context)
    assert parse(opened) == kept


def _stated(**body: Any) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


@pytest.mark.parametrize(("code", "message"), REFUSALS)
def test_what_a_re_run_is_refused_for_an_experiment_is_refused_for(world: World, code: str, message: str) -> None:
    refused = refusal(world, {code}, lambda run_id: started(world, run_id))
    assert (refused.code, refused.message) == (code, message)
    assert nothing_happened(world)


@pytest.mark.parametrize("first", range(len(REFUSALS)))
def test_of_all_that_is_wrong_the_first_is_told(world: World, first: int) -> None:
    code, message = REFUSALS[first]
    wrong = {code for code, _ in REFUSALS[first:]}
    refused = refusal(world, wrong, lambda run_id: started(world, run_id, candidateFunctionId=an_id(404)))
    assert (refused.code, refused.message) == (code, message)
    assert nothing_happened(world)


@pytest.mark.parametrize("candidate", ["no-uuid", an_id(404), STAGING])
def test_a_candidate_that_is_unknown_or_another_workspace_s_is_not_found(installed: World, candidate: str) -> None:
    staging(installed, workspace="another")
    with pytest.raises(NotFound, match=r"^Function not found\.$"):
        started(installed, candidateFunctionId=candidate)
    assert nothing_happened(installed)


def test_a_candidate_that_the_workspace_may_not_invoke_is_refused(installed: World) -> None:
    staging(installed, function_arn=FUNCTION_ARN.replace("orders-", "payroll-"))
    with pytest.raises(FunctionNotPermitted):
        started(installed, candidateFunctionId=STAGING)
    assert nothing_happened(installed)


def test_a_function_that_the_workspace_may_invoke_no_more_is_refused_first(installed: World) -> None:
    installed.invokable = InvokablePatterns({}, own_functions="")
    with pytest.raises(FunctionNotPermitted):
        started(installed, candidateFunctionId=an_id(404))
    assert nothing_happened(installed)


@pytest.mark.parametrize(
    ("field", "body"),
    [
        *(("repeats", {"repeats": each}) for each in (1, 6, 0, -1, "2", True, 2.5, None)),
        *(("candidateVersion", {"candidateVersion": each}) for each in ("", "0", "08", "$LATEST", "live", "9" * 20, 8)),
        *(("candidateVersion", {"candidateVersion": each}) for each in ("latest ", "8\n", "٣")),
        *(("ignore", {"ignore": each}) for each in ("/a", ["/a"] * 51)),
        *(("ignore.0", {"ignore": [each]}) for each in ("", "a", "/~2", 1)),
        ("reason", {"reason": "x" * 513}),
        ("overrideParams", {"overrideParams": {}}),
        ("useLatestCode", {"useLatestCode": True}),
    ],
)
def test_a_body_that_is_not_valid_is_refused_by_the_name_of_its_field(field: str, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ExperimentBody.read(body)
    assert refused.value.field == field


@pytest.mark.parametrize("reruns", [996, 997, 1000])
def test_all_runs_of_an_experiment_are_within_the_limit_or_none_is_started(world: World, reruns: int) -> None:
    world.has_registered()
    world.has_run(a_run(rerun_count=reruns), PARAMETERS)
    if reruns + 4 <= 1000:
        started(world)
        assert world.run(RUN_ID).rerun_count == 1000
        return
    with pytest.raises(RerunLimitReached):
        started(world)
    assert nothing_happened(world)
    assert set(world.runs.runs) == {RUN_ID}
    assert world.runs.experiments == {}


def test_the_same_request_is_answered_with_the_same_experiment(installed: World) -> None:
    first = started(installed, key="a-key", repeats=3)
    pushed = list(installed.queue.pushed)
    assert started(installed, key="a-key", repeats=3) == first
    assert (installed.queue.pushed, len(installed.runs.experiments), len(installed.runs.acts)) == (pushed, 1, 1)


@pytest.mark.parametrize("other", [{"repeats": 3}, {"candidateVersion": "8"}, {"ignore": ["/b"]}, {"ignore": []}])
def test_another_request_under_the_key_is_refused(installed: World, other: dict[str, Any]) -> None:
    started(installed, key="a-key")
    with pytest.raises(IdempotencyKeyReused):
        started(installed, key="a-key", **other)
    assert len(installed.runs.experiments) == 1


def test_of_two_requests_in_the_same_moment_one_starts_the_experiment(installed: World) -> None:
    options = ExperimentBody.read({})
    key = request_key("a-key", WORKSPACE, "alice", ["experiment", RUN_ID, options.normal_form()])
    asked = ExperimentRequest(WORKSPACE, RUN_ID, "alice", options, key)
    both = [prepare_experiment(asked, installed.rerun_deps) for _ in range(2)]
    answers = [
        commit_experiment(each, installed.experiment_deps) for each in both if not isinstance(each, StartedExperiment)
    ]
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert (len(installed.runs.experiments), len(installed.queue.pushed)) == (1, 4)


@pytest.mark.parametrize("fault", ["cannot_open", "cannot_seal"])
def test_a_throttled_kms_is_a_fault_and_starts_nothing(installed: World, fault: str) -> None:
    setattr(installed.cipher, fault, True)
    with pytest.raises(Unavailable):
        started(installed)
    assert nothing_happened(installed)


def test_what_the_queue_does_not_take_is_left_to_the_watchdog(installed: World) -> None:
    installed.queue.fails = True
    experiment = started(installed)
    assert all(installed.run(each).deadline for each in [*experiment.pinned, *experiment.candidate])


def test_a_source_whose_original_is_gone_is_refused(installed: World) -> None:
    source = rerun(request(), installed)
    del installed.runs.runs[RUN_ID]
    installed.runs.writes = 0
    with pytest.raises(Refused, match="Original run not found"):
        started(installed, source.id)
    assert installed.runs.writes == 0

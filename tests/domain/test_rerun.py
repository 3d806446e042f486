import json
from datetime import timedelta
from typing import Any

import pytest

from handlers.domain.errors import (
    InvalidRequest,
    OrchestrationRun,
    Refused,
    RerunLimitReached,
    RunNotFound,
    ServiceError,
    TooLarge,
    Unavailable,
)
from handlers.domain.rerun import Asked, RerunBody, rerun
from handlers.domain.run import FunctionRun, Part, Source, Status
from tests.builders import (
    NOW,
    RUN_ID,
    TRIGGER_ID,
    WORKSPACE,
    a_function,
    a_pin,
    a_rerun,
    a_run,
    a_trigger,
    an_id,
)
from tests.fakes import FakeClock, World

PARAMETERS = b'{"order":1,"customer":{"name":"Ada","id":1.0}}'


def asked(run_id: str = RUN_ID, *, workspace: str = WORKSPACE, by: str = "user-123", **body: Any) -> Asked:
    return Asked(workspace, run_id, by, RerunBody.read(body))


@pytest.fixture
def installed(world: World) -> World:
    """One completed run that can be re-run."""
    world.has_registered()
    world.has_run(a_run(), PARAMETERS)
    return world


def nothing_happened(world: World) -> bool:
    return world.runs.writes == 0 and not world.queue.pushed


# The contract's table, in its order, with the orchestration refusal where the design puts it.
REFUSALS = [
    ("INVALID_RUN_ID", "Invalid run ID."),
    ("RUN_NOT_FOUND", "Original run not found."),
    ("WRONG_WORKSPACE", "Run does not belong to this workspace."),
    ("ORCHESTRATION_RUN", "Orchestration-initiated runs must be rerun through the orchestration API."),
    ("NO_PARAMETERS", "Original run has no parameters stored."),
    ("DECRYPTION_FAILED", "Failed to decrypt original run parameters."),
    ("TRIGGER_NOT_FOUND", "Original trigger not found. It may have been deleted."),
    ("FUNCTION_NOT_FOUND", f"Function not found for trigger: {TRIGGER_ID}"),
]


def refusal(world: World, wrong: set[str]) -> ServiceError:
    """What a re-run is refused with when so much is wrong at once."""
    run = a_run(
        workspace="another" if "WRONG_WORKSPACE" in wrong else WORKSPACE,
        execution_source="orchestration" if "ORCHESTRATION_RUN" in wrong else "trigger",
    )
    if "RUN_NOT_FOUND" not in wrong:
        world.has_run(run, PARAMETERS)
    if "NO_PARAMETERS" in wrong:
        world.runs.parts.clear()
    world.cipher.broken = "DECRYPTION_FAILED" in wrong
    if "TRIGGER_NOT_FOUND" not in wrong:
        world.has_registered()
    if "FUNCTION_NOT_FOUND" in wrong:
        world.registry.functions.clear()
    with pytest.raises(Refused) as refused:
        rerun(asked("no-uuid" if "INVALID_RUN_ID" in wrong else RUN_ID), world.rerunner)
    return refused.value


@pytest.mark.parametrize(("code", "message"), REFUSALS)
def test_each_refusal_has_the_contract_s_sentence_and_changes_nothing(world: World, code: str, message: str) -> None:
    refused = refusal(world, {code})
    assert (refused.code, refused.message) == (code, message)
    assert nothing_happened(world)


@pytest.mark.parametrize("first", range(len(REFUSALS)))
def test_of_all_that_is_wrong_the_first_of_the_table_is_told(world: World, first: int) -> None:
    code, message = REFUSALS[first]
    refused = refusal(world, {code for code, _ in REFUSALS[first:]})
    assert (refused.code, refused.message) == (code, message)
    assert nothing_happened(world)


@pytest.mark.parametrize(
    ("first", "second"), [(one, other) for at, (one, _) in enumerate(REFUSALS) for other, _ in REFUSALS[at + 1 :]]
)
def test_of_two_that_are_wrong_the_earlier_is_told(world: World, first: str, second: str) -> None:
    assert refusal(world, {first, second}).code == first


def test_the_orchestration_s_refusal_tells_which_orchestration(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(execution_source="orchestration", orchestration_id="order-flow-7"))
    with pytest.raises(OrchestrationRun) as refused:
        rerun(asked(), world.rerunner)
    assert refused.value.orchestration_id == "order-flow-7"


def test_an_expired_run_is_not_found(installed: World, time: FakeClock) -> None:
    time.advance(days=90)
    with pytest.raises(RunNotFound):
        rerun(asked(), installed.rerunner)
    assert nothing_happened(installed)


@pytest.mark.parametrize("fault", ["cannot_open", "cannot_seal"])
def test_a_throttled_kms_is_a_fault_and_not_a_refusal(installed: World, fault: str) -> None:
    setattr(installed.cipher, fault, True)
    with pytest.raises(Unavailable):
        rerun(asked(), installed.rerunner)
    assert nothing_happened(installed)


def test_parameters_of_another_run_do_not_open(installed: World) -> None:
    other = installed.has_run(a_run(id=an_id(9)))
    installed.runs.parts[RUN_ID, Part.PARAMETERS] = installed.runs.parts[other.id, Part.PARAMETERS]
    with pytest.raises(Refused, match="Failed to decrypt original run parameters"):
        rerun(asked(), installed.rerunner)


def test_a_rerun_is_recorded_and_queued(installed: World) -> None:
    new = rerun(asked(reason="Testing fix"), installed.rerunner)
    assert installed.run(new.id) == new
    assert installed.queue.pushed == [(new.id, 0)]
    assert new.status is Status.PENDING
    assert (new.is_rerun, new.rerun_by, new.rerun_reason) == (True, "user-123", "Testing fix")
    assert (new.execution_source, new.trigger_type) == (Source.RERUN, "on-demand")
    assert (new.workspace, new.function_id, new.trigger_id) == (WORKSPACE, a_function().id, TRIGGER_ID)


def test_a_rerun_is_looked_after_until_it_is_claimed(installed: World) -> None:
    new = rerun(asked(), installed.rerunner)
    assert new.deadline == NOW + timedelta(seconds=60)
    assert new.expires_at == NOW + timedelta(days=90)


def test_nothing_of_the_source_s_fate_is_copied(installed: World) -> None:
    source = a_run(id=an_id(5), status="failure", error_code="KeyError", retry_attempt=2, orchestration_id="flow")
    installed.has_run(source)
    new = rerun(asked(source.id), installed.rerunner)
    assert (new.error_code, new.retry_attempt, new.started_at, new.ended_at, new.duration_ms) == (None,) * 5
    assert (new.execution_attempts, new.rerun_count, new.claim_token, new.orchestration_id) == (0, 0, None, None)


@pytest.mark.parametrize("status", list(Status))
def test_a_run_of_any_status_can_be_rerun(world: World, status: Status) -> None:
    world.has_registered()
    source = world.has_run(a_run(status=status))
    assert rerun(asked(), world.rerunner).source_run_id == source.id


@pytest.mark.parametrize("trigger_type", ["on-demand", "event-driven", "scheduled", "http-trigger"])
def test_runs_of_every_trigger_type_can_be_rerun(world: World, trigger_type: str) -> None:
    world.has_registered(a_trigger(execution_type=trigger_type))
    world.has_run(a_run(trigger_type=trigger_type), PARAMETERS)
    new = rerun(asked(), world.rerunner)
    assert new.trigger_type == trigger_type
    assert world.opened(new, Part.PARAMETERS) == PARAMETERS


def test_a_disabled_trigger_does_not_hinder_a_rerun(world: World) -> None:
    world.has_registered(a_trigger(enabled=False))
    world.has_run(a_run())
    assert rerun(asked(), world.rerunner).status is Status.PENDING


def test_a_run_id_in_capitals_names_the_same_run(installed: World) -> None:
    assert rerun(asked(RUN_ID.upper()), installed.rerunner).original_run_id == RUN_ID


def test_the_original_counts_its_reruns_and_outlives_them(installed: World, time: FakeClock) -> None:
    time.advance(days=60)
    first = rerun(asked(), installed.rerunner)
    second = rerun(asked(), installed.rerunner)
    original = installed.run(RUN_ID)
    assert original.rerun_count == 2
    assert original.expires_at == second.expires_at == NOW + timedelta(days=150)
    assert not original.is_rerun
    assert first.id != second.id


def test_a_rerun_of_a_rerun_copies_that_run_and_points_to_the_original(installed: World) -> None:
    first = installed.has_run(a_rerun(a_run(), pin=a_pin(8)), b'{"changed":true}')
    second = rerun(asked(first.id), installed.rerunner)
    assert (second.original_run_id, second.source_run_id) == (RUN_ID, first.id)
    assert second.pin == a_pin(8)
    assert installed.opened(second, Part.PARAMETERS) == b'{"changed":true}'
    assert installed.run(RUN_ID).rerun_count == 2
    assert installed.run(first.id).rerun_count == 0


def test_a_rerun_of_a_rerun_whose_original_is_gone_is_refused(installed: World) -> None:
    first = installed.has_run(a_rerun(a_run()))
    del installed.runs.runs[RUN_ID]
    with pytest.raises(RunNotFound):
        rerun(asked(first.id), installed.rerunner)
    assert nothing_happened(installed)


def test_a_lineage_has_a_limit(installed: World) -> None:
    installed.runs.max_reruns = 2
    rerun(asked(), installed.rerunner)
    second = rerun(asked(), installed.rerunner)
    for run_id in (RUN_ID, second.id):
        with pytest.raises(RerunLimitReached, match="has been re-run 2 times"):
            rerun(asked(run_id), installed.rerunner)
    assert len(installed.queue.pushed) == 2
    assert installed.run(RUN_ID).rerun_count == 2


def test_the_original_s_code_is_pinned(installed: World) -> None:
    new = rerun(asked(), installed.rerunner)
    assert new.pin == a_run().pin
    assert not new.use_latest_code


def test_the_latest_code_is_looked_up_when_the_run_is_claimed(installed: World) -> None:
    new = rerun(asked(useLatestCode=True), installed.rerunner)
    assert new.pin is None
    assert new.use_latest_code


def test_a_rerun_of_a_run_that_never_began_takes_the_code_of_its_own_day(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(status="pending"))
    new = rerun(asked(), world.rerunner)
    assert (new.pin, new.use_latest_code) == (None, False)


def test_the_latest_code_is_that_of_the_alias_registered_today(installed: World) -> None:
    blue = a_function(function_arn=f"{a_function().function_arn}:blue")
    installed.registry.functions[blue.id] = blue
    assert rerun(asked(), installed.rerunner).function_arn == blue.function_arn


@pytest.mark.parametrize(
    "parameters",
    [
        b'{ "spaced" : 1.50, "big": 100000000000000000000000000000001, "e": 1E5, "u": "\\u00e9", "minus": -0.0 }',
        b"[1,2]",
        b"null",
        b"not even JSON \xff",
    ],
)
@pytest.mark.parametrize("overrides", [{}, {"overrideParams": {}}])
def test_without_overrides_the_parameters_are_the_source_s_byte_for_byte(
    world: World, parameters: bytes, overrides: dict[str, Any]
) -> None:
    world.has_registered()
    world.has_run(a_run(), parameters)
    new = rerun(asked(**overrides), world.rerunner)
    assert world.opened(new, Part.PARAMETERS) == parameters
    assert world.opened(new, Part.OVERRIDES) is None


def test_overrides_are_merged_and_kept_and_the_source_stays_as_it_was(installed: World) -> None:
    before = installed.runs.parts[RUN_ID, Part.PARAMETERS]
    override = {"customer": {"name": "Grace"}, "debugMode": True}
    new = rerun(asked(overrideParams=override), installed.rerunner)
    parameters = installed.opened(new, Part.PARAMETERS)
    assert parameters == b'{"order":1,"customer":{"name":"Grace","id":1.0},"debugMode":true}'
    assert json.loads(installed.opened(new, Part.OVERRIDES) or b"") == override
    assert installed.runs.parts[RUN_ID, Part.PARAMETERS] == before


def test_overrides_of_a_rerun_are_laid_over_what_that_rerun_had(installed: World) -> None:
    first = rerun(asked(overrideParams={"order": 2}), installed.rerunner)
    second = rerun(asked(first.id, overrideParams={"customer": None}), installed.rerunner)
    assert installed.opened(second, Part.PARAMETERS) == b'{"order":2,"customer":null}'
    assert installed.opened(second, Part.OVERRIDES) == b'{"customer":null}'


def test_what_is_sealed_opens_for_the_new_run_only(installed: World) -> None:
    new = rerun(asked(overrideParams={"a": 1}), installed.rerunner)
    sealed = {part: stored.sealed for (run_id, part), stored in installed.runs.parts.items() if run_id == new.id}
    assert sealed.keys() == {Part.PARAMETERS, Part.OVERRIDES}
    assert all(new.id.encode() in each for each in sealed.values())


def test_no_parameter_stands_in_the_run_or_in_the_message(installed: World) -> None:
    new = rerun(asked(overrideParams={"token": "s3cret"}), installed.rerunner)
    assert "s3cret" not in new.model_dump_json()
    assert "s3cret" not in repr(installed.queue.pushed)
    assert b"s3cret" not in b"".join(stored.sealed for stored in installed.runs.parts.values())


@pytest.mark.parametrize(
    ("override", "error"),
    [({"a": "x" * 350_000}, TooLarge), ({"a": "\ud800"}, InvalidRequest), ({"\ud800": 1}, InvalidRequest)],
)
def test_overrides_that_cannot_be_kept_are_refused_by_name(
    installed: World, override: dict[str, Any], error: type[InvalidRequest]
) -> None:
    with pytest.raises(error) as refused:
        rerun(asked(overrideParams=override), installed.rerunner)
    assert refused.value.field == "overrideParams"
    assert nothing_happened(installed)


def test_what_is_too_large_together_is_refused_too(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(), json.dumps({"a": "x" * 200_000}).encode())
    with pytest.raises(TooLarge, match="overrideParams"):
        rerun(asked(overrideParams={"b": "x" * 200_000}), world.rerunner)
    assert nothing_happened(world)


def test_a_failed_push_takes_nothing_back(installed: World) -> None:
    installed.queue.fails = True
    new = rerun(asked(), installed.rerunner)
    assert installed.run(new.id).deadline == NOW + timedelta(seconds=60)


def test_two_at_once_are_two_reruns(installed: World) -> None:
    both: list[FunctionRun] = [rerun(asked(by=f"user-{each}"), installed.rerunner) for each in (123, 456)]
    assert [run.rerun_by for run in both] == ["user-123", "user-456"]
    assert [run.original_run_id for run in both] == [RUN_ID, RUN_ID]
    assert installed.run(RUN_ID).rerun_count == 2

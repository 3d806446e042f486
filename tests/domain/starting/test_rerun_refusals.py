from collections.abc import Callable

import pytest

from handlers.domain.errors import (
    OrchestrationRun,
    Refused,
    RunNotFound,
    ServiceError,
    Unavailable,
)
from handlers.domain.runs.run import Part
from tests.builders import (
    RUN_ID,
    TRIGGER_ID,
    WORKSPACE,
    a_rerun,
    a_run,
    an_id,
)
from tests.domain.starting.rerunning import PARAMETERS, nothing_happened, request, rerun
from tests.fakes import FakeClock, World

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


def refusal(world: World, wrong: set[str], ask: Callable[[str], object] | None = None) -> ServiceError:
    """What a re-run, or what else asks for the run of this id, is refused with when so much is wrong at once."""
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
    ask = ask or (lambda run_id: rerun(request(run_id), world))
    with pytest.raises(Refused) as refused:
        ask("no-uuid" if "INVALID_RUN_ID" in wrong else RUN_ID)
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
        rerun(request(), world)
    assert refused.value.orchestration_id == "order-flow-7"


def test_an_expired_run_is_not_found(installed: World, time: FakeClock) -> None:
    time.advance(days=90)
    with pytest.raises(RunNotFound):
        rerun(request(), installed)
    assert nothing_happened(installed)


@pytest.mark.parametrize("fault", ["cannot_open", "cannot_seal"])
def test_a_throttled_kms_is_a_fault_and_not_a_refusal(installed: World, fault: str) -> None:
    setattr(installed.cipher, fault, True)
    with pytest.raises(Unavailable):
        rerun(request(), installed)
    assert nothing_happened(installed)


def test_parameters_of_another_run_do_not_open(installed: World) -> None:
    other = installed.has_run(a_run(id=an_id(9)))
    installed.runs.parts[RUN_ID, Part.PARAMETERS] = installed.runs.parts[other.id, Part.PARAMETERS]
    with pytest.raises(Refused, match="Failed to decrypt original run parameters"):
        rerun(request(), installed)


def test_a_rerun_of_a_rerun_whose_original_is_gone_is_refused(installed: World) -> None:
    first = installed.has_run(a_rerun(a_run()))
    del installed.runs.runs[RUN_ID]
    with pytest.raises(RunNotFound):
        rerun(request(first.id), installed)
    assert nothing_happened(installed)

"""A plan says what a re-run would do, and does nothing."""

from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from handlers.api.plan import RerunPlan
from handlers.domain.errors import Refused, RunNotFound, Unavailable, WrongWorkspace
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.registry.retry_policy import RetryPolicy
from handlers.domain.runs.outcome import RetryLater
from handlers.domain.runs.run import ParametersFormat, Part, Pin
from handlers.domain.starting.rerun import check_reason
from tests.builders import (
    FUNCTION_ARN,
    NOW,
    RUN_ID,
    a_function,
    a_pin,
    a_rerun,
    a_run,
    a_trigger,
    an_id,
)
from tests.domain.starting.planning import planned
from tests.domain.starting.rerunning import PARAMETERS, nothing_happened, request, rerun
from tests.fakes import World

FAR = "2030-01-01T00:00:00Z"


def deployed(world: World, pin: Pin) -> None:
    world.code.now[FUNCTION_ARN] = pin


def shown(world: World, run_id: str = RUN_ID, *, reveals: bool = True, **body: Any) -> dict[str, Any]:
    """The document of the plan."""
    return RerunPlan.of(planned(world, run_id, reveals=reveals, **body), reveals=reveals).document()


def test_a_plan_shows_what_was_and_what_is(installed: World) -> None:
    deployed(installed, a_pin(8))
    document = shown(installed)
    assert document["source"] == {
        "runId": RUN_ID,
        "status": "completed",
        "functionId": a_function().id,
        "functionArn": FUNCTION_ARN,
        "functionVersion": "7",
        "functionCodeHash": "hash-of-7",
        "configHash": "hash-of-the-configuration-of-7",
    }
    assert document["code"] == {
        "used": "pinned",
        "pinnedVersionExists": True,
        "currentVersion": "8",
        "currentCodeHash": "hash-of-8",
        "currentConfigHash": "hash-of-the-configuration-of-8",
        "codeDiffers": True,
        "configurationDiffers": True,
        "failsWith": None,
    }
    assert document["function"] == {
        "id": a_function().id,
        "name": "orders import",
        "functionArn": FUNCTION_ARN,
        "version": 1,
    }
    assert document["trigger"] == {"id": a_trigger().id, "name": "import now", "enabled": True, "version": 1}
    assert (document["executions"], document["retryPolicy"], document["notBefore"]) == (1, None, None)
    assert (document["effects"], document["refusals"], document["changes"]) == ("new", [], [])
    assert document["planToken"]
    assert nothing_happened(installed)


def test_current_code_may_have_no_number_yet(installed: World) -> None:
    deployed(installed, a_pin(8, function_version="$LATEST"))
    code = shown(installed, useLatestCode=True)["code"]
    assert (code["used"], code["currentVersion"], code["currentCodeHash"]) == ("current", None, "hash-of-8")
    assert (code["codeDiffers"], code["configurationDiffers"]) == (True, True)
    assert code["pinnedVersionExists"] is None, "it is not used, and not looked for"


@pytest.mark.parametrize(
    ("now", "version"),
    [
        ({}, "7"),
        ({"function_code_hash": "another"}, None),
        ({"config_hash": "another"}, None),
        ({"config_hash": None}, None),
        ({"function_version_arn": f"{FUNCTION_ARN}-2:$LATEST"}, None),
    ],
    ids=str,
)
def test_current_code_that_is_the_source_s_has_the_number_of_its_version(
    installed: World, now: dict[str, Any], version: str | None
) -> None:
    latest = {"function_version": "$LATEST", "function_version_arn": f"{FUNCTION_ARN}:$LATEST"}
    deployed(installed, a_pin(7, **latest | now))
    assert shown(installed)["code"]["currentVersion"] == version


def test_code_that_only_differs_in_its_configuration_is_told_apart(installed: World) -> None:
    deployed(installed, a_pin(8, function_code_hash="hash-of-7"))
    code = shown(installed)["code"]
    assert (code["codeDiffers"], code["configurationDiffers"]) == (False, True)


def test_what_is_not_known_is_not_compared(installed: World) -> None:
    deployed(installed, a_pin(8, config_hash=None))
    assert shown(installed)["code"]["configurationDiffers"] is None


def test_a_run_that_never_began_would_take_the_code_of_today(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(status="pending"))
    document = shown(world)
    assert (document["code"]["used"], document["code"]["codeDiffers"]) == ("current", None)
    assert (document["source"]["functionVersion"], document["source"]["functionCodeHash"]) == (None, None)


def test_of_a_captured_run_the_code_is_looked_up_by_its_version(world: World) -> None:
    world.has_registered()
    pin = Pin(function_version_arn=f"{FUNCTION_ARN}:7", function_version="7")
    world.has_run(a_run(execution_source="captured", status="failure", pin=pin))
    deployed(world, a_pin(8))
    document = shown(world)
    assert document["source"]["functionCodeHash"] == "hash-of-7"
    assert (document["code"]["used"], document["code"]["codeDiffers"]) == ("pinned", True)


def test_of_a_run_captured_from_unpublished_code_nothing_is_known_of_that(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(execution_source="captured", status="failure", pin=None, reported_version="$LATEST"))
    document = shown(world)
    assert (document["source"]["functionVersion"], document["code"]["used"]) == ("$LATEST", "current")
    assert document["code"]["codeDiffers"] is None


def test_a_pinned_version_that_is_gone_is_no_refusal_and_yet_said(installed: World) -> None:
    installed.code.deleted.add(f"{FUNCTION_ARN}:7")
    document = shown(installed)
    assert (document["code"]["pinnedVersionExists"], document["refusals"]) == (False, [])
    assert (document["code"]["failsWith"], document["executions"]) == ("FunctionVersionNotFound", 0)


def test_a_function_that_is_gone_is_no_refusal_of_a_pinned_rerun(installed: World) -> None:
    del installed.code.now[FUNCTION_ARN]
    code = shown(installed)["code"]
    assert (code["currentCodeHash"], code["codeDiffers"], code["failsWith"]) == (None, None, None)
    assert shown(installed, useLatestCode=True)["code"]["failsWith"] == "FunctionVersionNotFound"


def test_a_function_that_takes_too_long_would_not_be_executed(installed: World) -> None:
    deployed(installed, a_pin(8, timeout_seconds=900))
    assert shown(installed, useLatestCode=True)["code"]["failsWith"] == "FunctionTimeoutTooLong"
    assert shown(installed)["code"]["failsWith"] is None


def test_code_that_cannot_be_read_now_is_a_fault_only_if_it_would_be_executed(installed: World) -> None:
    installed.code.now[FUNCTION_ARN] = RetryLater("TooManyRequestsException")
    assert shown(installed)["code"]["currentCodeHash"] is None
    with pytest.raises(Unavailable):
        planned(installed, useLatestCode=True)


@pytest.mark.parametrize(
    ("policy", "enabled", "executions"),
    [
        (RetryPolicy(maxRetries=3, retryManualReruns=True), True, 4),
        (RetryPolicy(maxRetries=3, retryManualReruns=True), False, 1),
        (RetryPolicy(maxRetries=3), True, 1),
        (None, True, 1),
    ],
)
def test_a_plan_says_how_many_executions_there_will_be_at_most(
    world: World, policy: RetryPolicy | None, enabled: bool, executions: int
) -> None:
    world.has_registered(a_trigger(retry_policy=policy, enabled=enabled))
    world.has_run(a_run())
    document = shown(world)
    assert document["executions"] == executions
    assert (document["retryPolicy"] is not None) == (executions > 1)


def test_a_plan_says_when_the_rerun_would_be_due(installed: World) -> None:
    later = NOW + timedelta(days=1)
    assert planned(installed, notBefore=later.isoformat()).not_before == later
    assert planned(installed, notBefore="2020-01-01T00:00:00Z").not_before is None


@pytest.mark.parametrize("run_id", [RUN_ID, an_id(1)])
def test_the_limit_of_the_lineage_is_that_of_the_original(installed: World, run_id: str) -> None:
    installed.has_run(a_rerun(a_run()))
    installed.runs.max_reruns = 1
    document = shown(installed, run_id)
    assert [each["code"] for each in document["refusals"]] == ["RERUN_LIMIT_REACHED"]
    assert (document["planToken"], document["executions"]) == (None, 0)


def test_a_run_whose_original_is_gone_cannot_be_rerun(installed: World) -> None:
    installed.has_run(a_rerun(a_run()))
    del installed.runs.runs[RUN_ID]
    assert [each.code for each in planned(installed, an_id(1)).refusals] == ["RUN_NOT_FOUND"]


def test_a_run_that_does_not_exist_or_is_another_s_is_refused_as_by_a_rerun(world: World) -> None:
    with pytest.raises(RunNotFound):
        planned(world)
    world.has_run(a_run(workspace="another"))
    with pytest.raises(WrongWorkspace):
        planned(world)


WRONG = [
    "reason",
    "ORCHESTRATION_RUN",
    "NO_PARAMETERS",
    "DECRYPTION_FAILED",
    "TRIGGER_NOT_FOUND",
    "FUNCTION_NOT_FOUND",
    "FUNCTION_NOT_PERMITTED",
    "notBefore",
    "EFFECT_KEY_UNKNOWN",
    "ALREADY_RECOVERED",
    "overrideParams",
    "RERUN_LIMIT_REACHED",
]
IMPOSSIBLE = ({"NO_PARAMETERS", "DECRYPTION_FAILED"}, {"FUNCTION_NOT_FOUND", "FUNCTION_NOT_PERMITTED"})
# Parameters that cannot be opened cannot be merged either: nobody knows what else is wrong with them.
HIDING = ({"NO_PARAMETERS", "overrideParams"}, {"DECRYPTION_FAILED", "overrideParams"})
COMBINATIONS = [
    set(several)
    for size in range(4)
    for several in combinations(WRONG, size)
    if not any(pair <= set(several) for pair in IMPOSSIBLE)
]


def with_all_that_wrong(world: World, wrong: set[str]) -> dict[str, Any]:
    """The body of a request that meets it."""
    executed = {} if "EFFECT_KEY_UNKNOWN" in wrong else {"execution_attempts": 1}
    source = "orchestration" if "ORCHESTRATION_RUN" in wrong else "trigger"
    raw = ParametersFormat.RAW if "overrideParams" in wrong else ParametersFormat.JSON
    world.has_registered()
    world.has_run(
        a_run(execution_source=source, parameters_format=raw, **({"execution_attempts": 0} | executed)), PARAMETERS
    )
    if "NO_PARAMETERS" in wrong:
        world.runs.parts.pop((RUN_ID, Part.PARAMETERS))
    world.cipher.broken = "DECRYPTION_FAILED" in wrong
    if "TRIGGER_NOT_FOUND" in wrong:
        world.registry.triggers.clear()
    if "FUNCTION_NOT_FOUND" in wrong:
        world.registry.functions.clear()
    if "FUNCTION_NOT_PERMITTED" in wrong:
        world.invokable = InvokablePatterns({}, own_functions="")
    if "RERUN_LIMIT_REACHED" in wrong:
        world.runs.max_reruns = 0
    world.requires_reason = "reason" in wrong
    return (
        ({"notBefore": FAR} if "notBefore" in wrong else {})
        | ({"effects": "same"} if "EFFECT_KEY_UNKNOWN" in wrong else {})
        # The source has completed: there is nothing to recover.
        | ({"ifNotRecovered": True} if "ALREADY_RECOVERED" in wrong else {})
        | ({"overrideParams": {"a": 1}} if "overrideParams" in wrong else {})
    )


def post(world: World, body: dict[str, Any]) -> None:
    check_reason(None, required=world.requires_reason)
    rerun(request(**body), world)


@pytest.mark.parametrize("wrong", COMBINATIONS, ids=lambda wrong: " ".join(sorted(wrong)) or "nothing")
@pytest.mark.parametrize("reveals", [True, False])
def test_a_plan_lists_all_refusals_in_their_order_and_a_rerun_answers_the_first(
    world: World, wrong: set[str], reveals: bool
) -> None:
    body = with_all_that_wrong(world, wrong)
    found = planned(world, reveals=reveals, **body).refusals
    hidden = {"overrideParams"} if any(pair <= wrong for pair in HIDING) else set()
    names = [getattr(each, "field", each.code) for each in found]
    assert names == [each for each in WRONG if each in wrong - hidden]
    assert nothing_happened(world)
    if not wrong:
        post(world, body)
        return
    with pytest.raises(Refused) as refused:
        post(world, body)
    assert (refused.value.code, refused.value.message) == (found[0].code, found[0].message)


def test_a_refusal_names_what_the_error_of_a_rerun_names(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(execution_source="orchestration", orchestration_id="nightly", status="completed"), PARAMETERS)
    plan = planned(world, ifNotRecovered=True, notBefore="2099-01-01T00:00:00Z")
    shown = RerunPlan.of(plan, reveals=True).document()["refusals"]
    details = [{name: each[name] for name in each if name != "message"} for each in shown]
    assert details == [
        {"code": "ORCHESTRATION_RUN", "orchestrationId": "nightly"},
        {"code": "INVALID_REQUEST", "field": "notBefore"},
        {"code": "ALREADY_RECOVERED", "runId": RUN_ID},
    ]


def test_parameters_that_would_be_too_large_are_a_refusal_for_who_may_see_them(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(), b'{"a":"%s"}' % (b"x" * (MAX_BYTES // 2)))
    body: dict[str, Any] = {"overrideParams": {"b": "x" * (MAX_BYTES // 2)}}
    [refused] = planned(world, **body).refusals
    assert refused.code == "TOO_LARGE"
    assert str(MAX_BYTES) in refused.message
    assert planned(world, reveals=False, **body).refusals == [], "it would tell how large they are"


def test_overrides_that_are_too_large_by_themselves_are_a_refusal_for_everybody(installed: World) -> None:
    plans = [planned(installed, reveals=may, overrideParams={"b": "x" * MAX_BYTES}) for may in (True, False)]
    assert [[each.code for each in plan.refusals] for plan in plans] == [["TOO_LARGE"]] * 2
    assert [plan.token for plan in plans] == [None, None]


def test_a_run_of_the_lineage_that_has_completed_or_is_open_stands_against_a_recovery(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(status="failure"))
    assert planned(world, ifNotRecovered=True).refusals == []
    world.has_run(a_rerun(a_run(), status="pending", id=an_id(2)))
    assert [each.code for each in planned(world, ifNotRecovered=True).refusals] == ["RERUN_OPEN"]
    assert planned(world).refusals == []
    world.has_run(a_rerun(a_run(), status="completed", id=an_id(3)))
    assert [each.code for each in planned(world, ifNotRecovered=True).refusals] == ["ALREADY_RECOVERED"]


def test_an_erased_run_has_no_parameters(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(erased_at=NOW))
    assert [each.code for each in planned(world).refusals] == ["NO_PARAMETERS"]

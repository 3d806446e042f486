"""A re-run that sends a plan's token is refused if what the plan has shown is no longer so."""

from collections.abc import Callable
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest, Misconfigured, NoParameters, PlanOutdated, TriggerNotFound
from handlers.domain.runs.planned_code import is_planned, planned_code
from handlers.domain.runs.run import ParametersFormat, Part, Pin, Status
from handlers.domain.starting.idempotency import request_key
from handlers.domain.starting.rerun import prepare
from handlers.domain.starting.start import Started
from tests.builders import FUNCTION_ARN, FUNCTION_ID, RUN_ID, TRIGGER_ID, WORKSPACE, a_pin, a_run, an_id
from tests.domain.starting.planning import token_for
from tests.domain.starting.rerunning import PARAMETERS, nothing_happened, request, rerun
from tests.fakes import FakeClock, World


def change_trigger(world: World) -> None:
    stored = world.registry.triggers[TRIGGER_ID]
    world.registry.triggers[TRIGGER_ID] = stored._replace(trigger=stored.trigger.evolve(version=2))


def change_function(world: World) -> None:
    world.registry.functions[FUNCTION_ID] = world.registry.functions[FUNCTION_ID].evolve(version=2)


def change_both(world: World) -> None:
    change_trigger(world)
    change_function(world)


def change_run(world: World, **changes: Any) -> None:
    world.runs.runs[RUN_ID] = world.runs.runs[RUN_ID].evolve(**changes)


MOVES: dict[str, tuple[Callable[[World], None], list[str]]] = {
    "trigger": (change_trigger, ["trigger"]),
    "function": (change_function, ["function"]),
    "both": (change_both, ["trigger", "function"]),
    "status": (lambda world: change_run(world, status=Status.FAILURE), ["source"]),
    "executed by another version": (lambda world: change_run(world, pin=a_pin(8)), ["source", "code", "configuration"]),
}


@pytest.mark.parametrize("move", MOVES)
def test_what_has_moved_since_the_plan_is_named_and_nothing_is_started(installed: World, move: str) -> None:
    token = token_for(installed)
    change, changed = MOVES[move]
    change(installed)
    with pytest.raises(PlanOutdated) as refused:
        rerun(request(planToken=token), installed)
    assert refused.value.changed == changed
    assert nothing_happened(installed)


def test_a_plan_is_good_for_an_hour(installed: World, time: FakeClock) -> None:
    token = token_for(installed)
    time.advance(minutes=59, seconds=59)
    assert rerun(request(planToken=token), installed).source_run_id == RUN_ID
    time.advance(seconds=1)
    with pytest.raises(PlanOutdated) as refused:
        rerun(request(planToken=token), installed)
    assert refused.value.changed == ["expired"]


def test_what_happens_to_a_lineage_without_touching_the_source_leaves_a_plan_as_it_is(installed: World) -> None:
    token = token_for(installed)
    rerun(request(), installed)
    change_run(installed, revision="another", deadline=None)
    assert rerun(request(planToken=token), installed).source_run_id == RUN_ID


def test_a_source_that_was_executed_since_the_plan_is_another_source(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(status="pending"))
    token = token_for(world)
    change_run(world, status=Status.COMPLETED, pin=a_pin(7))
    with pytest.raises(PlanOutdated) as refused:
        rerun(request(planToken=token), world)
    assert refused.value.changed == ["source"], "the code is what the plan has shown"
    change_run(world, pin=a_pin(8, config_hash="hash-of-the-configuration-of-7"))
    with pytest.raises(PlanOutdated) as refused:
        rerun(request(planToken=token), world)
    assert refused.value.changed == ["source", "code"]


def test_the_contract_s_refusals_come_first(installed: World) -> None:
    token = token_for(installed)
    change_function(installed)
    installed.registry.triggers.clear()
    with pytest.raises(TriggerNotFound):
        rerun(request(planToken=token), installed)
    installed.runs.parts.clear()
    with pytest.raises(NoParameters):
        rerun(request(planToken=token), installed)


BODY: dict[str, Any] = {"overrideParams": {"a": 1, "b": 2}, "reason": "Testing fix"}
OTHERS: dict[str, dict[str, Any]] = {
    "override": {"overrideParams": {"a": 1, "b": 3}},
    "code": {"useLatestCode": True},
    "reason": {"reason": "Testing"},
    "moment": {"notBefore": "2026-11-23T00:00:00Z"},
    "effects": {"effects": "same"},
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_token_is_of_no_use_for_another_body(installed: World, other: str) -> None:
    token = token_for(installed, **BODY)
    with pytest.raises(InvalidRequest) as refused:
        rerun(request(planToken=token, **(BODY | OTHERS[other])), installed)
    assert refused.value.field == "planToken"
    assert nothing_happened(installed)


def test_the_same_body_may_be_written_in_another_way(installed: World) -> None:
    token = token_for(installed, **BODY)
    same: dict[str, Any] = {
        "overrideParams": {"b": 2, "a": 1},
        "reason": "Testing fix",
        "useLatestCode": False,
        "effects": "new",
    }
    assert rerun(request(planToken=token, **same), installed).source_run_id == RUN_ID


def test_a_token_is_of_no_use_for_another_caller_run_or_workspace(installed: World) -> None:
    token = token_for(installed)
    other = installed.has_run(a_run(id=an_id(9)))
    for asked in (request(by="eve", planToken=token), request(other.id, planToken=token)):
        with pytest.raises(InvalidRequest, match="planToken"):
            rerun(asked, installed)
    with pytest.raises(InvalidRequest, match="planToken"):
        rerun(request(workspace="globex", planToken=token), installed)


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 4096, "eyJhbGciOiJub25lIn0=", "\ud83d"])
def test_what_is_no_token_is_refused_by_its_field(installed: World, token: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rerun(request(planToken=token), installed)
    assert refused.value.field == "planToken"


def test_a_token_too_long_to_be_one_is_refused_unread() -> None:
    with pytest.raises(InvalidRequest, match="planToken"):
        request(planToken="A" * 4097)


def test_a_key_that_cannot_be_used_is_no_fault_of_the_token_s(installed: World) -> None:
    token = token_for(installed)
    installed.cipher.refused = True
    with pytest.raises(Misconfigured):
        rerun(request(planToken=token), installed)


def test_a_request_that_is_repeated_under_its_key_is_answered_whatever_became_of_the_plan(
    installed: World, time: FakeClock
) -> None:
    asked = request(planToken=token_for(installed))
    keyed = asked._replace(key=request_key("once", WORKSPACE, "user-123", asked.options.normal_form()))
    first = rerun(keyed, installed)
    time.advance(hours=2)
    change_function(installed)
    assert prepare(keyed, installed.rerun_deps) == Started(first, is_new=False)


def test_a_pinned_rerun_has_nothing_to_compare_when_it_is_claimed(installed: World) -> None:
    assert rerun(request(planToken=token_for(installed)), installed).planned_code is None


@pytest.mark.parametrize("config_hash", ["hash-of-the-configuration-of-7", None])
def test_a_rerun_on_current_code_keeps_what_the_plan_has_shown_of_it(installed: World, config_hash: str | None) -> None:
    installed.code.now[FUNCTION_ARN] = a_pin(7, config_hash=config_hash)
    token = token_for(installed, useLatestCode=True)
    new = rerun(request(useLatestCode=True, planToken=token), installed)
    assert new.planned_code == planned_code("hash-of-7", config_hash)
    assert rerun(request(useLatestCode=True), installed).planned_code is None


def test_a_captured_run_a_raw_one_and_one_without_a_pin_have_plans_too(world: World) -> None:
    world.has_registered()
    captured = Pin(function_version_arn=f"{FUNCTION_ARN}:7", function_version="7")
    sources = [
        world.has_run(a_run(id=an_id(1), execution_source="captured", status="failure", pin=captured), PARAMETERS),
        world.has_run(a_run(id=an_id(2), parameters_format=ParametersFormat.RAW), b'{"a":1,"a":2}'),
        world.has_run(a_run(id=an_id(3), status="pending"), PARAMETERS),
    ]
    started = [rerun(request(each.id, planToken=token_for(world, each.id)), world) for each in sources]
    assert [run.pin for run in started] == [captured, a_pin(7), None]
    assert [run.planned_code is None for run in started] == [True, True, False]
    assert world.runs.parts[started[1].id, Part.PARAMETERS]


def test_a_hash_that_the_plan_did_not_know_is_not_compared() -> None:
    unreadable = a_pin(7).evolve(config_hash=None)
    assert is_planned(planned_code("hash-of-7", "hash-of-the-configuration-of-7"), unreadable)
    assert is_planned(planned_code("hash-of-7", None), a_pin(7))
    assert is_planned(planned_code("hash-of-7", "hash-of-the-configuration-of-7"), a_pin(7))
    for other in (a_pin(8), a_pin(7, function_code_hash="another"), a_pin(7, config_hash="another")):
        assert not is_planned(planned_code("hash-of-7", "hash-of-the-configuration-of-7"), other)
    assert not is_planned(planned_code(None, None), a_pin(7))

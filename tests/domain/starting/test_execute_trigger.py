import json
from datetime import timedelta
from typing import Any

import pytest

from handlers.domain.errors import FunctionNotFound, InvalidRequest, NotFound, TooLarge, TriggerDisabled, Unavailable
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.runs.run import Content, ExecutionSource, Status
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from tests.builders import FUNCTION_ARN, NOW, TRIGGER_ID, WORKSPACE, a_trigger, an_act, nested
from tests.fakes import World


def request(**body: Any) -> ExecuteBody:
    return ExecuteBody.read(body)


def nothing_happened(world: World) -> bool:
    return not world.runs.runs and not world.runs.parts and not world.queue.pushed


def test_a_run_is_recorded_and_queued(world: World) -> None:
    world.has_registered()
    run = execute_trigger(
        WORKSPACE, TRIGGER_ID, request(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
    )
    assert world.run(run.id) == run
    assert world.queue.pushed == [(run.id, 0)]
    assert (run.status, run.execution_source, run.is_rerun) == (Status.PENDING, ExecutionSource.TRIGGER, False)
    assert (run.pin, run.function_arn) == (None, FUNCTION_ARN)
    assert run.deadline == NOW + timedelta(seconds=60)
    assert run.expires_at == NOW + timedelta(days=90)


def test_the_payload_is_laid_over_the_trigger_s_params(world: World) -> None:
    world.has_registered(params=b'{"region":"eu","limits":{"max":1.0,"min":0}}')
    run = execute_trigger(
        WORKSPACE,
        TRIGGER_ID,
        request(payload={"limits": {"max": 5}, "order": None}),
        world.registry,
        world.start_deps,
        invokable=world.invokable,
        act=an_act(),
    )
    assert world.opened(run, Content.PARAMETERS) == b'{"region":"eu","limits":{"max":5,"min":0},"order":null}'
    assert world.opened(run, Content.OVERRIDES) is None


def test_a_run_has_parameters_even_if_nobody_gave_any(world: World) -> None:
    world.has_registered()
    run = execute_trigger(
        WORKSPACE, TRIGGER_ID, request(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
    )
    assert world.opened(run, Content.PARAMETERS) == b"{}"


@pytest.mark.parametrize("trigger_type", ["event-driven", "scheduled", "http-trigger"])
def test_another_trigger_executed_by_hand_says_so(world: World, trigger_type: str) -> None:
    world.has_registered(a_trigger(execution_type=trigger_type))
    run = execute_trigger(
        WORKSPACE, TRIGGER_ID, request(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
    )
    assert (run.execution_source, run.trigger_type) == (ExecutionSource.MANUAL, trigger_type)


@pytest.mark.parametrize("trigger_type", ["on-demand", "scheduled"])
def test_an_orchestration_s_run_is_known_as_such(world: World, trigger_type: str) -> None:
    world.has_registered(a_trigger(execution_type=trigger_type))
    run = execute_trigger(
        WORKSPACE,
        TRIGGER_ID,
        request(orchestrationId="flow-7"),
        world.registry,
        world.start_deps,
        invokable=world.invokable,
        act=an_act(),
    )
    assert (run.execution_source, run.orchestration_id) == (ExecutionSource.ORCHESTRATION, "flow-7")


@pytest.mark.parametrize("trigger_id", ["no-uuid", "", TRIGGER_ID.replace("7", "8"), f"{{{TRIGGER_ID}}}"])
def test_an_unknown_trigger_is_missing(world: World, trigger_id: str) -> None:
    world.has_registered()
    with pytest.raises(NotFound, match=r"^Trigger not found\.$"):
        execute_trigger(
            WORKSPACE, trigger_id, request(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
        )
    assert nothing_happened(world)


def test_another_workspace_s_trigger_is_as_good_as_none(world: World) -> None:
    world.has_registered()
    with pytest.raises(NotFound):
        execute_trigger(
            "another", TRIGGER_ID, request(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
        )
    assert nothing_happened(world)


def test_a_disabled_trigger_starts_nothing(world: World) -> None:
    world.has_registered(a_trigger(enabled=False))
    with pytest.raises(TriggerDisabled):
        execute_trigger(
            WORKSPACE, TRIGGER_ID, request(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
        )
    assert nothing_happened(world)


def test_a_trigger_outlives_its_function_and_starts_nothing(world: World) -> None:
    world.has_registered()
    world.registry.functions.clear()
    with pytest.raises(FunctionNotFound, match=f"^Function not found for trigger: {TRIGGER_ID}$"):
        execute_trigger(
            WORKSPACE, TRIGGER_ID, request(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
        )
    assert nothing_happened(world)


@pytest.mark.parametrize(
    ("payload", "error"), [({"a": "x" * MAX_BYTES}, TooLarge), (nested(101), InvalidRequest)], ids=["large", "deep"]
)
def test_a_payload_that_cannot_be_kept_is_refused_by_name(
    world: World, payload: dict[str, Any], error: type[InvalidRequest]
) -> None:
    world.has_registered()
    with pytest.raises(error) as refused:
        execute_trigger(
            WORKSPACE,
            TRIGGER_ID,
            request(payload=payload),
            world.registry,
            world.start_deps,
            invokable=world.invokable,
            act=an_act(),
        )
    assert refused.value.field == "payload"
    assert nothing_happened(world)


def test_what_is_too_large_does_not_tell_which_keys_the_params_have(world: World) -> None:
    world.has_registered(params=b'{"apiKey":"4711","region":"eu"}')

    def refused(key: str) -> str:
        payload = {"f": "x" * (MAX_BYTES - 40), key: 1}
        with pytest.raises(TooLarge) as error:
            execute_trigger(
                WORKSPACE,
                TRIGGER_ID,
                request(payload=payload),
                world.registry,
                world.start_deps,
                invokable=world.invokable,
                act=an_act(),
            )
        return error.value.message

    # Merged, the first would fit.
    assert refused("apiKey") == refused("region") == refused("absent")
    assert nothing_happened(world)


def test_params_and_payload_are_counted_together(world: World) -> None:
    world.has_registered(params=json.dumps({"a": "x" * (MAX_BYTES // 2)}).encode())
    with pytest.raises(TooLarge):
        execute_trigger(
            WORKSPACE,
            TRIGGER_ID,
            request(payload={"b": "x" * (MAX_BYTES // 2)}),
            world.registry,
            world.start_deps,
            invokable=world.invokable,
            act=an_act(),
        )


@pytest.mark.parametrize("fault", ["cannot_open", "cannot_seal"])
def test_a_throttled_kms_is_a_fault_that_leaves_nothing_behind(world: World, fault: str) -> None:
    world.has_registered()
    setattr(world.cipher, fault, True)
    with pytest.raises(Unavailable):
        execute_trigger(
            WORKSPACE, TRIGGER_ID, request(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
        )
    assert nothing_happened(world)


def test_a_failed_push_takes_nothing_back(world: World) -> None:
    world.has_registered()
    world.queue.fails = True
    run = execute_trigger(
        WORKSPACE, TRIGGER_ID, request(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
    )
    assert world.run(run.id).deadline is not None

"""Every way in, after the context was narrowed: what a workspace may no longer invoke or listen to starts nothing.

A caller who waits for an answer is refused at once, and nothing has changed. What others have accepted already is kept: its run fails
before the function is invoked, and can be re-run once the context is as it was.
"""

from collections.abc import Callable
from typing import Any

import pytest

from handlers.domain.errors import FunctionNotPermitted, InvalidRequest, ServiceError
from handlers.domain.registry.functions import RegisterFunction, change_function, delete_function, register_function
from handlers.domain.registry.triggers import delete_trigger
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import ACCESS_DENIED
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.starting.captures import CaptureResult
from handlers.domain.starting.deliveries import Dropped, deliver, read_delivery
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from tests.as_shown import as_shown
from tests.builders import FUNCTION_ARN, FUNCTION_ID, RUN_ID, TRIGGER_ID, WORKSPACE, a_function, a_run, an_act
from tests.domain.narrowing import every_function, everything, no_function
from tests.domain.starting.capturing import a_record, captured, has_capturing
from tests.domain.starting.receiving import BODY, has_webhook, received, signed, webhook
from tests.domain.starting.rerunning import PARAMETERS, request, rerun
from tests.domain.starting.retrying import has_failed, retries, retries_in, retry_of
from tests.domain.starting.test_deliveries import matched, scheduled
from tests.domain.triggering import CRON, METADATA, change, create
from tests.fakes import World


def executing(world: World) -> Callable[[], object]:
    world.has_registered()
    return lambda: execute_trigger(
        WORKSPACE, TRIGGER_ID, ExecuteBody(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
    )


def rerunning(world: World) -> Callable[[], object]:
    world.has_registered()
    world.has_run(a_run(), PARAMETERS)
    return lambda: rerun(request(), world)


def rerunning_on_the_latest_code(world: World) -> Callable[[], object]:
    world.has_registered()
    world.has_run(a_run(), PARAMETERS)
    return lambda: rerun(request(useLatestCode=True), world)


def registering(world: World) -> Callable[[], object]:
    body = {"name": "once more", "functionArn": FUNCTION_ARN}
    return lambda: register_function(WORKSPACE, RegisterFunction.read(body), world.registry_deps, act=an_act())


def put_function(world: World, **body: Any) -> object:
    seen = {"version": world.registry.functions[FUNCTION_ID].version}
    return change_function(WORKSPACE, FUNCTION_ID, seen | body, world.registry_deps, if_match=None, act=an_act())


def capturing(world: World) -> Callable[[], object]:
    world.has_registered()
    return lambda: put_function(world, captureFailures={"triggerId": TRIGGER_ID})


def taking_another_alias(world: World) -> Callable[[], object]:
    world.has_registered()
    world.catalogue.timeouts[f"{FUNCTION_ARN}:live"] = 30
    return lambda: put_function(world, functionArn=f"{FUNCTION_ARN}:live")


def creating(kind: str) -> Callable[[World], Callable[[], object]]:
    def way(world: World) -> Callable[[], object]:
        world.registry.functions[FUNCTION_ID] = a_function()
        return lambda: create(world, kind)

    way.__name__ = f"creating {kind}"
    return way


def enabling(kind: str) -> Callable[[World], Callable[[], object]]:
    def way(world: World) -> Callable[[], object]:
        trigger = create(world, kind, enabled=False).trigger
        return lambda: change(world, trigger.id, enabled=True)

    way.__name__ = f"enabling {kind}"
    return way


def rescheduling(world: World) -> Callable[[], object]:
    trigger = create(world, "scheduled").trigger
    return lambda: change(world, trigger.id, triggerMetadata=CRON)


KINDS = list(METADATA)
REFUSED = [
    *(executing, rerunning, rerunning_on_the_latest_code, registering, capturing, taking_another_alias, rescheduling),
    *map(creating, KINDS),
    *map(enabling, KINDS),
]


@pytest.mark.parametrize("way", REFUSED, ids=lambda way: way.__name__)
def test_who_asks_is_refused_and_has_changed_nothing(
    world: World, way: Callable[[World], Callable[[], object]]
) -> None:
    go_in = way(world)
    no_function(world)
    before = everything(world)
    with pytest.raises(ServiceError) as refused:
        go_in()
    assert isinstance(refused.value, FunctionNotPermitted | InvalidRequest)
    assert "invokableFunctions" in refused.value.message
    assert everything(world) == before
    every_function(world)
    go_in()


def test_the_contract_s_refusals_of_a_rerun_come_before_it(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(), PARAMETERS)
    no_function(world)
    del world.registry.functions[FUNCTION_ID]
    with pytest.raises(ServiceError, match=f"Function not found for trigger: {TRIGGER_ID}"):
        rerun(request(), world)
    world.registry.triggers.clear()
    with pytest.raises(ServiceError, match="Original trigger not found"):
        rerun(request(), world)


def by_webhook(world: World) -> Callable[[], FunctionRun]:
    secret = has_webhook(world)
    return lambda: received(world, webhook(signed(secret, BODY)))


def by_schedule(world: World) -> Callable[[], FunctionRun | Dropped]:
    trigger = create(world, "scheduled").trigger
    delivery = read_delivery(scheduled(trigger.id))
    return lambda: deliver(delivery, world.registry, world.start_deps, buses=world.buses)


def by_event(world: World) -> Callable[[], FunctionRun | Dropped]:
    trigger = create(world, "event-driven").trigger
    delivery = read_delivery(matched(trigger.id))
    return lambda: deliver(delivery, world.registry, world.start_deps, buses=world.buses)


@pytest.mark.parametrize("way", [by_webhook, by_schedule, by_event])
def test_what_others_have_accepted_is_kept_and_fails_uninvoked_and_can_be_rerun_later(
    world: World, way: Callable[[World], Callable[[], FunctionRun | Dropped]]
) -> None:
    come_in = way(world)
    no_function(world)
    run = come_in()
    assert isinstance(run, FunctionRun)
    execute(run.id, world.execution_deps)
    assert (world.run(run.id).status, world.run(run.id).error_code) == (Status.FAILURE, ACCESS_DENIED)
    assert not world.invoker.invocations
    every_function(world)
    again = rerun(request(run.id), world)
    execute(again.id, world.execution_deps)
    assert world.run(again.id).status is Status.COMPLETED


def test_a_run_that_waited_fails_uninvoked(waiting: World) -> None:
    no_function(waiting)
    execute(RUN_ID, waiting.execution_deps)
    assert waiting.run(RUN_ID).error_code == ACCESS_DENIED
    assert not waiting.invoker.invocations


def test_no_failure_of_such_a_function_is_captured(world: World) -> None:
    has_capturing(world)
    no_function(world)
    assert CaptureResult.CAPTURED not in captured(world, a_record())
    assert not world.runs.runs
    assert not world.runs.parts
    every_function(world)
    assert captured(world, a_record()) == [CaptureResult.CAPTURED]


def test_a_failure_of_such_a_function_is_not_retried(world: World) -> None:
    retries(world)
    failed = has_failed(world)
    no_function(world)
    assert retry_of(world) == FunctionNotPermitted.code
    assert not retries_in(world)
    assert not world.run(failed.id).event_pending, "and nobody asks again"


@pytest.mark.parametrize("kind", KINDS)
def test_what_closes_a_way_in_is_allowed(world: World, kind: str) -> None:
    trigger = create(world, kind).trigger
    no_function(world)
    assert change(world, trigger.id, name="renamed").trigger.name == "renamed"
    assert not change(world, trigger.id, enabled=False).trigger.enabled
    delete_trigger(WORKSPACE, trigger.id, world.registry_deps, act=an_act())
    assert not world.aws.synced


def test_capturing_ends_and_what_was_read_is_put_back(world: World) -> None:
    has_capturing(world)
    no_function(world)
    shown = as_shown(world.registry.functions[FUNCTION_ID])
    put_function(world, name="renamed", captureFailures=shown["captureFailures"])
    put_function(world, captureFailures={})
    assert world.registry.functions[FUNCTION_ID].capture_failures is None
    delete_function(WORKSPACE, FUNCTION_ID, world.registry, act=an_act())

from collections.abc import Callable
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest, TriggerUnreadable, Unavailable
from handlers.domain.registry.triggers import delete_trigger
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Status
from handlers.domain.starting.deliveries import Dropped, deliver, read_delivery
from tests.builders import FUNCTION_ID, TRIGGER_ID, WORKSPACE, an_act
from tests.domain.starting.receiving import parameters
from tests.domain.triggering import change, create
from tests.fakes import World
from tests.faults.kinds import Died

TIME = "2026-11-22T09:30:00Z"
Json = dict[str, Any]


def an_event(**changes: Any) -> Json:
    """As EventBridge has it."""
    literals = {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Order Placed",
        "source": "shop",
        "account": "123456789012",
        "time": TIME,
        "region": "eu-west-1",
        "resources": [],
        "detail": {"workspace": WORKSPACE, "total": 7.0},
    }
    return literals | changes


def scheduled(trigger_id: str, at: str = TIME) -> Json:
    return {"triggerId": trigger_id, "scheduledTime": at}


def matched(trigger_id: str, **changes: Any) -> Json:
    return {"triggerId": trigger_id, "event": an_event(**changes)}


DOCUMENTS: dict[str, Callable[[str], Json]] = {"scheduled": scheduled, "event-driven": matched}
KINDS = list(DOCUMENTS)


def delivered(world: World, document: Json) -> FunctionRun | Dropped:
    return deliver(read_delivery(document), world.registry, world.start_deps, buses=world.buses)


def started(world: World, document: Json) -> FunctionRun:
    run = delivered(world, document)
    assert isinstance(run, FunctionRun)
    return run


def nothing_happened(world: World) -> bool:
    return not world.runs.runs and not world.runs.parts and not world.queue.pushed


def test_a_schedule_s_time_starts_a_run_that_knows_it(world: World) -> None:
    trigger = create(
        world, "scheduled", {"scheduleType": "interval", "interval": 60, "params": {"region": "eu"}}
    ).trigger
    run = started(world, scheduled(trigger.id))
    assert world.run(run.id) == run
    assert (run.status, run.execution_source, run.trigger_type) == (
        Status.PENDING,
        ExecutionSource.SCHEDULED,
        "scheduled",
    )
    assert world.queue.pushed == [(run.id, 0)]
    assert parameters(world, run) == {"region": "eu", "scheduledTime": TIME}


def test_an_event_starts_a_run_that_has_it_whole(world: World) -> None:
    trigger = create(world, "event-driven").trigger
    run = started(world, matched(trigger.id))
    assert (run.status, run.execution_source, run.trigger_type) == (
        Status.PENDING,
        ExecutionSource.EVENT,
        "event-driven",
    )
    assert world.queue.pushed == [(run.id, 0)]
    assert parameters(world, run) == an_event()


def test_an_event_is_laid_over_the_trigger_s_params(world: World) -> None:
    params = {"region": "?", "detail": {"total": 0, "limit": 5}, "mine": [1.0]}
    trigger = create(world, "event-driven", {"eventPattern": {"source": ["shop"]}, "params": params}).trigger
    found = parameters(world, started(world, matched(trigger.id)))
    assert (found["region"], found["mine"]) == ("eu-west-1", [1.0])
    assert found["detail"] == {"total": 7.0, "limit": 5, "workspace": WORKSPACE}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_delivered_again_is_the_run_that_it_was(world: World, kind: str) -> None:
    trigger = create(world, kind).trigger
    runs = [started(world, DOCUMENTS[kind](trigger.id)) for _ in range(3)]
    assert len({run.id for run in runs}) == len(world.runs.runs) == len(world.queue.pushed) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_time_or_event_at_another_trigger_is_another_run(world: World, kind: str) -> None:
    triggers = [create(world, kind, name=f"number {number}").trigger for number in range(2)]
    assert len({started(world, DOCUMENTS[kind](trigger.id)).id for trigger in triggers}) == 2


def test_another_time_and_another_event_are_other_runs(world: World) -> None:
    clock_trigger, event_trigger = create(world, "scheduled").trigger, create(world, "event-driven").trigger
    times = [started(world, scheduled(clock_trigger.id, at)) for at in (TIME, "2026-11-22T10:30:00Z")]
    events = [started(world, matched(event_trigger.id, id=id_)) for id_ in ("one", "another")]
    assert len({run.id for run in [*times, *events]}) == len(world.queue.pushed) == 4


def test_a_replay_that_is_wanted_starts_a_run_of_its_own_once_however_often_it_is_delivered(world: World) -> None:
    trigger = create(world, "event-driven").trigger
    first = started(world, matched(trigger.id))
    replays = [
        started(world, matched(trigger.id, **{"replay-name": name}))
        for name in ("monday", "monday", "tuesday", "monday")
    ]
    assert len({run.id for run in [first, *replays]}) == len(world.queue.pushed) == 3
    assert parameters(world, replays[0]) == an_event() | {"replay-name": "monday"}
    assert started(world, matched(trigger.id)).id == first.id


@pytest.mark.parametrize("name", ["", None, 7, ["monday"], "a b", "\ud800", "x" * 257])
def test_what_names_no_replay_is_the_event_itself(world: World, name: Any) -> None:
    delivery = read_delivery(matched(TRIGGER_ID, **{"replay-name": name}))
    assert delivery.start_request.run_id == read_delivery(matched(TRIGGER_ID)).start_request.run_id


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_or_deleted_trigger_starts_nothing(world: World, kind: str) -> None:
    assert delivered(world, DOCUMENTS[kind](TRIGGER_ID)) is Dropped.NO_TRIGGER
    trigger = create(world, kind).trigger
    delete_trigger(WORKSPACE, trigger.id, world.registry_deps, act=an_act())
    assert delivered(world, DOCUMENTS[kind](trigger.id)) is Dropped.NO_TRIGGER
    assert nothing_happened(world)


@pytest.mark.parametrize("kind", KINDS)
def test_a_disabled_trigger_starts_nothing_even_if_its_source_has_not_heard_of_it(world: World, kind: str) -> None:
    trigger = create(world, kind).trigger
    change(world, trigger.id, enabled=False)
    assert delivered(world, DOCUMENTS[kind](trigger.id)) is Dropped.DISABLED
    assert nothing_happened(world)
    change(world, trigger.id, enabled=True)
    assert started(world, DOCUMENTS[kind](trigger.id)).trigger_id == trigger.id


@pytest.mark.parametrize("kind", KINDS)
def test_a_trigger_whose_creation_is_not_complete_starts_nothing(world: World, kind: str) -> None:
    world.faults.inject(3 if kind == "scheduled" else 4, Died())
    with pytest.raises(Died):
        create(world, kind)
    (begun_id,) = world.aws.synced
    assert delivered(world, DOCUMENTS[kind](begun_id)) is Dropped.NOT_YET
    assert nothing_happened(world)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trigger_that_is_being_changed_starts_its_runs_meanwhile(world: World, kind: str) -> None:
    trigger = create(world, kind).trigger
    world.registry.lock_trigger(trigger, trigger.created_at.replace(minute=31))
    assert started(world, DOCUMENTS[kind](trigger.id)).trigger_id == trigger.id


@pytest.mark.parametrize("kind", KINDS)
def test_a_trigger_outlives_its_function_and_starts_nothing(world: World, kind: str) -> None:
    trigger = create(world, kind).trigger
    del world.registry.functions[FUNCTION_ID]
    assert delivered(world, DOCUMENTS[kind](trigger.id)) is Dropped.NO_FUNCTION
    assert nothing_happened(world)


@pytest.mark.parametrize("kind", ["on-demand", "http-trigger", "event-driven"])
def test_a_time_is_for_schedules_only(world: World, kind: str) -> None:
    trigger = create(world, kind).trigger
    assert delivered(world, scheduled(trigger.id)) is Dropped.NO_TRIGGER
    assert nothing_happened(world)


def test_an_event_is_not_for_schedules(world: World) -> None:
    trigger = create(world, "scheduled").trigger
    assert delivered(world, matched(trigger.id)) is Dropped.NO_TRIGGER
    assert nothing_happened(world)


@pytest.mark.parametrize(
    "detail", [{"workspace": "globex"}, {}, {"workspace": ["acme"]}, {"workspace": None}, ["acme"], "acme", None]
)
def test_an_event_of_another_workspace_is_dropped_whatever_let_it_through(world: World, detail: Any) -> None:
    trigger = create(world, "event-driven").trigger
    assert delivered(world, matched(trigger.id, detail=detail)) is Dropped.NOT_ITS_OWN
    assert nothing_happened(world)


def test_events_of_another_bus_belong_to_no_workspace(world: World) -> None:
    metadata = {"eventPattern": {"source": ["aws.s3"]}, "eventBusName": "default"}
    trigger = create(world, "event-driven", metadata).trigger
    run = started(world, matched(trigger.id, source="aws.s3", detail={"bucket": "b"}))
    assert parameters(world, run)["detail"] == {"bucket": "b"}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "triggerId"),
        ({"triggerId": TRIGGER_ID}, "event"),
        (scheduled("no-uuid"), "triggerId"),
        (scheduled(f"{{{TRIGGER_ID}}}"), "triggerId"),
        (matched(""), "triggerId"),
        ({"triggerId": 7, "scheduledTime": TIME}, "triggerId"),
        ({"triggerId": None, "event": an_event()}, "triggerId"),
        (scheduled(TRIGGER_ID, "now"), "scheduledTime"),
        (scheduled(TRIGGER_ID, "<aws.scheduler.scheduled-time>"), "scheduledTime"),
        (scheduled(TRIGGER_ID, ""), "scheduledTime"),
        (scheduled(TRIGGER_ID, "2" * 10_000), "scheduledTime"),
        (scheduled(TRIGGER_ID, "\u0662" * 4), "scheduledTime"),
        (scheduled(TRIGGER_ID) | {"event": an_event()}, "event"),
        ({"triggerId": TRIGGER_ID, "event": []}, "event"),
        (matched(TRIGGER_ID, id=""), "event.id"),
        (matched(TRIGGER_ID, id=7), "event.id"),
        (matched(TRIGGER_ID, id=None), "event.id"),
        (matched(TRIGGER_ID) | {"x": 1}, "x"),
        (an_event(), "triggerId"),
    ],
)
def test_what_is_no_delivery_is_refused_by_the_field(document: Json, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_delivery(document)
    assert refused.value.field == field
    assert "shop" not in refused.value.message


def test_an_id_in_capitals_is_the_same_delivery(world: World) -> None:
    trigger = create(world, "scheduled").trigger
    assert started(world, scheduled(trigger.id.upper())).id == started(world, scheduled(trigger.id)).id


@pytest.mark.parametrize("fault", ["cannot_open", "cannot_seal", "refused"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_aws_is_raised_so_that_the_delivery_is_repeated(world: World, kind: str, fault: str) -> None:
    trigger = create(world, kind).trigger
    setattr(world.cipher, fault, True)
    with pytest.raises(Unavailable):
        delivered(world, DOCUMENTS[kind](trigger.id))
    assert nothing_happened(world)
    setattr(world.cipher, fault, False)
    assert started(world, DOCUMENTS[kind](trigger.id)).status is Status.PENDING


def test_params_that_no_longer_open_are_told_as_such(world: World) -> None:
    trigger = create(world, "scheduled").trigger
    world.cipher.broken = True
    with pytest.raises(TriggerUnreadable):
        delivered(world, scheduled(trigger.id))


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_push_takes_nothing_back(world: World, kind: str) -> None:
    trigger = create(world, kind).trigger
    world.queue.fails = True
    assert world.run(started(world, DOCUMENTS[kind](trigger.id)).id).deadline is not None

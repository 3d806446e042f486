"""What somebody who tried to break triggers has found: each of these once hung, leaked, or was refused wrongly."""

import time as wall
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest
from handlers.domain.registry.functions import change_function
from handlers.domain.registry.trigger_kinds import read_metadata
from handlers.domain.registry.trigger_sync import SyncResult
from handlers.domain.registry.triggers import delete_trigger
from handlers.domain.runs.run import ExecutionType
from handlers.domain.starting.captures import CaptureResult
from handlers.domain.starting.deliveries import Dropped, deliver, read_delivery
from tests.as_shown import as_shown
from tests.builders import FUNCTION_ID, TRIGGER_ID, WORKSPACE, an_act
from tests.domain.registry.syncing import repaired
from tests.domain.starting.capturing import a_record, captured, has_capturing, read, the_run
from tests.domain.starting.test_deliveries import matched
from tests.domain.triggering import create
from tests.fakes import FakeClock, World


def refused(kind: ExecutionType, metadata: dict[str, Any]) -> str:
    with pytest.raises(InvalidRequest) as refusal:
        read_metadata(kind, WORKSPACE, metadata)
    assert type(refusal.value) is InvalidRequest
    return refusal.value.field


@pytest.mark.parametrize("element", ["*/11,", "1/1,", "1-2,"])
def test_a_long_list_in_a_cron_expression_is_refused_without_pondering(element: str) -> None:
    cron = f"{element * 40}x 9 ? * MON *"
    started = wall.process_time()
    assert refused(ExecutionType.SCHEDULED, {"scheduleType": "cron", "cronExpression": cron})
    # The validator alone takes twice as long for each element: years for these.
    assert wall.process_time() - started < 5


@pytest.mark.parametrize(
    "cron",
    [
        *("0 9 ? * MON-FRI *", "0/15 9-17 1,15 JAN-MAR ? 2026-2030", "*/5 * ? * 2#1 *", "0 0 L * ? *", "0 0 ? * 6L *"),
        *("0 0 15W * ? *", "0,30 0 * * ? *"),
    ],
)
def test_whatever_aws_documents_is_a_cron_expression(cron: str) -> None:
    schedule, _ = read_metadata(ExecutionType.SCHEDULED, WORKSPACE, {"scheduleType": "cron", "cronExpression": cron})
    assert schedule.document()["cronExpression"] == cron


@pytest.mark.parametrize("cron", ["0 9 * * * *", "0 9 ? * ? *", "0 9 ?,1 * MON *", "0, 9 ? * MON *", "? 9 ? * MON *"])
def test_what_scheduler_would_not_take_is_none(cron: str) -> None:
    field = refused(ExecutionType.SCHEDULED, {"scheduleType": "cron", "cronExpression": cron})
    assert field == "triggerMetadata.cronExpression"


@pytest.mark.parametrize("at", ["2099-12-24T18:00:00Z\x00", "2099-W52-4T18:00:00Z", "2099-06-31T00:00:00Z"])
def test_a_moment_is_written_in_one_way(at: str) -> None:
    assert refused(ExecutionType.SCHEDULED, {"scheduleType": "once", "at": at}) == "triggerMetadata.at"


@pytest.mark.parametrize("zone", ["localtime", "Factory"])
def test_a_name_that_is_no_place_is_no_time_zone(zone: str) -> None:
    metadata = {"scheduleType": "cron", "cronExpression": "0 9 ? * MON *", "timezone": zone}
    assert refused(ExecutionType.SCHEDULED, metadata) == "triggerMetadata.timezone"


def test_a_pattern_larger_than_anything_is_refused_like_one_that_is_too_long() -> None:
    pattern = {"source": ["x" * 400_000]}
    assert refused(ExecutionType.EVENT_DRIVEN, {"eventPattern": pattern}) == "triggerMetadata.eventPattern"


def test_an_event_s_id_is_text_that_can_be_written() -> None:
    with pytest.raises(InvalidRequest):
        read_delivery(matched(TRIGGER_ID, id="\ud800"))


@pytest.mark.parametrize("kind", ["on-demand", "http-trigger"])
def test_an_event_starts_runs_of_event_driven_triggers_only(world: World, kind: str) -> None:
    trigger = create(world, kind).trigger
    delivery = read_delivery(matched(trigger.id, detail={"workspace": WORKSPACE}))
    assert deliver(delivery, world.registry, world.start_deps, buses=world.buses) is Dropped.NO_TRIGGER


def test_a_trigger_that_cannot_be_repaired_can_be_deleted(world: World, time: FakeClock) -> None:
    trigger = create(world, "scheduled").trigger
    world.registry.lock_trigger(trigger, time())
    time.advance(seconds=1)
    world.faults.inject(2)
    assert repaired(world) == [SyncResult.FAILED]
    delete_trigger(WORKSPACE, trigger.id, world.registry_deps, act=an_act())
    assert trigger.id not in world.aws.synced


def test_an_error_with_half_a_character_is_captured(world: World) -> None:
    has_capturing(world)
    record = a_record(responsePayload={"errorType": "X", "errorMessage": "\ud800"})
    assert captured(world, record) == [CaptureResult.CAPTURED]


def test_what_stands_in_clear_of_a_record_is_a_name_or_a_number(world: World) -> None:
    has_capturing(world)
    record = a_record({"condition": "order of Ada: " + "x" * 10_000}, {"executedVersion": "9" * 10_000})
    del record["responsePayload"]
    run = the_run(world, record)
    assert run.error_code is not None
    assert len(run.error_code) <= 128
    assert " " not in run.error_code
    assert run.pin is None
    with pytest.raises(InvalidRequest):
        read(a_record({"requestId": "\ud800"}))


def test_a_function_is_put_back_as_it_was_read_even_if_its_trigger_is_gone(world: World) -> None:
    has_capturing(world)
    world.registry.triggers.clear()
    function = world.registry.functions[FUNCTION_ID]
    changed = change_function(
        WORKSPACE, FUNCTION_ID, as_shown(function), world.registry_deps, if_match=None, act=an_act()
    )
    assert changed.capture_failures == function.capture_failures

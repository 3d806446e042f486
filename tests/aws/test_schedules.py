"""What the adapter makes of EventBridge Scheduler: botocore checks its requests against AWS's own model."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from handlers.aws.schedules import ScheduleGroup
from handlers.domain import clock
from handlers.domain.errors import InvalidRequest, Misconfigured, SourceLimitReached, Unavailable
from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.schedules import CronSchedule, IntervalSchedule, OneTimeSchedule, Schedule
from infra.local.local_stack import LocalStack
from tests.builders import a_trigger
from tests.fakes import FakeClock
from tests.faults.answers import error, throttled
from tests.faults.client import injected

TARGET = "arn:aws:lambda:us-east-1:000000000000:function:on-event"
ROLE = "arn:aws:iam::000000000000:role/scheduler"
CREATE, UPDATE, DELETE = "scheduler.CreateSchedule", "scheduler.UpdateSchedule", "scheduler.DeleteSchedule"
GET = "scheduler.GetSchedule"
AHEAD = datetime(2099, 12, 24, 18, tzinfo=UTC)


@pytest.fixture
def scheduler(local_stack: LocalStack) -> Any:
    return local_stack.client("scheduler")


@pytest.fixture
def name(scheduler: Any) -> Iterator[str]:
    group = f"schedules-{uuid4().hex[:8]}"
    scheduler.create_schedule_group(Name=group)
    yield group
    scheduler.delete_schedule_group(Name=group)


@pytest.fixture
def group(scheduler: Any, name: str) -> ScheduleGroup:
    return ScheduleGroup(scheduler, name, target_arn=TARGET, role_arn=ROLE)


def every(seconds: int) -> Schedule:
    return IntervalSchedule(schedule_type="interval", interval=seconds)


def cron(expression: str, zone: str = "UTC") -> Schedule:
    return CronSchedule(schedule_type="cron", cron_expression=expression, timezone=zone)


def once(moment: datetime) -> Schedule:
    return OneTimeSchedule(schedule_type="once", at=moment)


HOURLY, DAILY, ONCE = every(3600), cron("0 9 * * ? *"), once(AHEAD)


def scheduled(metadata: Schedule = HOURLY, **changes: Any) -> FunctionTrigger:
    literals: dict[str, Any] = {"id": str(uuid4())}
    return a_trigger(metadata=metadata, **literals | changes)


def found(scheduler: Any, name: str) -> list[dict[str, Any]]:
    listed = scheduler.list_schedules(GroupName=name)["Schedules"]
    return [scheduler.get_schedule(GroupName=name, Name=each["Name"]) for each in listed]


def test_a_schedule_calls_the_service_with_ids_and_a_time_only(scheduler: Any, group: ScheduleGroup, name: str) -> None:
    trigger = scheduled()
    group.put(trigger)
    (schedule,) = found(scheduler, name)
    assert (schedule["Name"], schedule["State"]) == (trigger.id, "ENABLED")
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["ActionAfterCompletion"] == "NONE"
    target = schedule["Target"]
    assert (target["Arn"], target["RoleArn"]) == (TARGET, ROLE)
    assert json.loads(target["Input"]) == {"triggerId": trigger.id, "scheduledTime": "<aws.scheduler.scheduled-time>"}


@pytest.mark.parametrize(
    ("schedule", "expression", "zone"),
    [
        (every(60), "rate(1 minute)", "UTC"),
        (every(120), "rate(2 minutes)", "UTC"),
        (every(366 * 86_400), "rate(527040 minutes)", "UTC"),
        (cron("0 9 ? * MON-FRI *", "Europe/Berlin"), "cron(0 9 ? * MON-FRI *)", "Europe/Berlin"),
        (ONCE, "at(2099-12-24T18:00:00)", "UTC"),
    ],
)
def test_each_type_of_schedule_is_said_in_the_scheduler_s_words(
    scheduler: Any, group: ScheduleGroup, name: str, *, schedule: Schedule, expression: str, zone: str
) -> None:
    group.put(scheduled(schedule))
    (made,) = found(scheduler, name)
    assert (made["ScheduleExpression"], made["ScheduleExpressionTimezone"]) == (expression, zone)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """It is the present at first, because AWS takes no StartDate that has passed."""
    stopped = FakeClock()
    stopped.moment = clock.now().replace(microsecond=987_000)
    monkeypatch.setattr(clock, "now", stopped)
    return stopped


@pytest.mark.parametrize("interval", [60, 3600, 366 * 86_400])
def test_an_interval_begins_anew_at_each_put_with_its_first_moment_an_interval_away(
    scheduler: Any, group: ScheduleGroup, name: str, time: FakeClock, interval: int
) -> None:
    trigger = scheduled(every(interval))
    for changed in (trigger, trigger, trigger.evolve(enabled=False), trigger.evolve(enabled=True)):
        group.put(changed)
        (schedule,) = found(scheduler, name)
        assert schedule["StartDate"] == (time() + timedelta(seconds=interval)).replace(microsecond=0)
        time.advance(seconds=100)


def test_the_first_moment_is_sent_as_aws_reads_it(scheduler: Any, group: ScheduleGroup, time: FakeClock) -> None:
    sent: list[int] = []

    def listen(params: dict[str, Any], **_: Any) -> None:
        sent.append(json.loads(params["body"])["StartDate"])

    calls = [f"before-call.{operation}" for operation in (UPDATE, CREATE)]
    for call in calls:
        scheduler.meta.events.register(call, listen)
    time.moment = time.moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
    group.put(scheduled())
    for call in calls:
        scheduler.meta.events.unregister(call, listen)
    assert sent == [int(time().timestamp()) + 3600] * 2, "seconds since 1970, of the update and the creation"


@pytest.mark.parametrize("schedule", [DAILY, ONCE])
def test_what_is_no_interval_has_no_beginning(
    scheduler: Any, group: ScheduleGroup, name: str, schedule: Schedule
) -> None:
    trigger = scheduled()
    group.put(trigger)
    group.put(scheduled(id=trigger.id, metadata=schedule))
    assert ["StartDate" in each for each in found(scheduler, name)] == [False]


def test_a_schedule_whose_moment_has_passed_is_not_sent_again(
    scheduler: Any, group: ScheduleGroup, name: str, time: FakeClock
) -> None:
    trigger = scheduled(ONCE)
    group.put(trigger)
    time.moment = AHEAD
    with injected(scheduler.meta.events, CREATE) as created, injected(scheduler.meta.events, UPDATE) as updated:
        group.put(trigger)
        assert len(found(scheduler, name)) == 1, "Scheduler has a minute to invoke it"
        group.put(trigger.evolve(enabled=False))
        assert not found(scheduler, name)
        group.put(trigger.evolve(enabled=True))
        assert not found(scheduler, name)
    assert (created, updated) == ([], [])
    group.put(scheduled(id=trigger.id, metadata=once(AHEAD + timedelta(seconds=1))))
    assert len(found(scheduler, name)) == 1


@pytest.mark.parametrize("sent", [HOURLY, DAILY, once(AHEAD + timedelta(days=1))])
def test_a_change_that_was_sent_but_never_written_is_taken_back_though_the_moment_has_passed(
    scheduler: Any, group: ScheduleGroup, name: str, time: FakeClock, sent: Schedule
) -> None:
    written = scheduled(ONCE)
    group.put(scheduled(id=written.id, metadata=sent))
    time.moment = AHEAD
    group.put(written)
    assert not found(scheduler, name)
    group.put(written)


@pytest.mark.parametrize("operation", [GET, DELETE])
def test_a_fault_beside_a_moment_that_has_passed_may_pass(
    scheduler: Any, group: ScheduleGroup, time: FakeClock, operation: str
) -> None:
    trigger = scheduled(ONCE)
    group.put(trigger)
    time.moment = AHEAD
    with injected(scheduler.meta.events, operation, *[throttled()] * 6), pytest.raises(Unavailable):
        group.put(trigger.evolve(enabled=False))


def test_put_twice_is_one_and_put_after_a_change_is_changed(scheduler: Any, group: ScheduleGroup, name: str) -> None:
    trigger = scheduled()
    group.put(trigger)
    group.put(trigger)
    assert len(found(scheduler, name)) == 1
    group.put(scheduled(cron("0 9 ? * MON *", "Asia/Tokyo"), id=trigger.id, enabled=False))
    (schedule,) = found(scheduler, name)
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("cron(0 9 ? * MON *)", "DISABLED")
    assert schedule["ScheduleExpressionTimezone"] == "Asia/Tokyo"
    group.put(trigger)
    (schedule,) = found(scheduler, name)
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(60 minutes)", "ENABLED")


def test_a_disabled_trigger_has_a_schedule_that_rests(scheduler: Any, group: ScheduleGroup, name: str) -> None:
    group.put(scheduled(enabled=False))
    assert [schedule["State"] for schedule in found(scheduler, name)] == ["DISABLED"]


def test_a_schedule_is_removed_once_however_often_it_is_asked(scheduler: Any, group: ScheduleGroup, name: str) -> None:
    kept, gone = scheduled(), scheduled()
    group.put(kept)
    group.put(gone)
    group.remove(gone)
    group.remove(gone)
    group.remove(scheduled())
    assert [schedule["Name"] for schedule in found(scheduler, name)] == [kept.id]
    group.put(gone)
    assert len(found(scheduler, name)) == 2


def test_a_schedule_that_was_there_is_changed_in_one_call(scheduler: Any, group: ScheduleGroup) -> None:
    trigger = scheduled()
    group.put(trigger)
    with injected(scheduler.meta.events, CREATE) as created, injected(scheduler.meta.events, UPDATE) as updated:
        group.put(trigger)
    assert (created, updated) == ([], [UPDATE])


REFUSED = error(400, "ValidationException", "Invalid Schedule Expression hush.")


@pytest.mark.parametrize("operation", [CREATE, UPDATE])
@pytest.mark.parametrize("field", ["cronExpression", "at"])
def test_what_the_scheduler_may_read_otherwise_is_refused_by_its_field(
    scheduler: Any, group: ScheduleGroup, operation: str, field: str
) -> None:
    soon = once(clock.now() + timedelta(seconds=30))
    with injected(scheduler.meta.events, operation, REFUSED), pytest.raises(InvalidRequest) as refused:
        group.put(scheduled(soon if field == "at" else DAILY))
    assert refused.value.field == f"triggerMetadata.{field}"
    assert "hush" not in refused.value.message
    assert isinstance(refused.value.__cause__, ClientError)


@pytest.mark.parametrize("schedule", [HOURLY, ONCE])
@pytest.mark.parametrize("operation", [CREATE, UPDATE])
def test_a_role_that_the_scheduler_cannot_assume_is_not_the_caller_s_to_mend(
    scheduler: Any, group: ScheduleGroup, operation: str, schedule: Schedule
) -> None:
    said = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    refusal = error(400, "ValidationException", said)
    with injected(scheduler.meta.events, operation, refusal), pytest.raises(Misconfigured):
        group.put(scheduled(schedule))


def test_a_group_that_is_full_takes_no_more(scheduler: Any, group: ScheduleGroup, name: str) -> None:
    full = error(402, "ServiceQuotaExceededException")
    with injected(scheduler.meta.events, CREATE, full), pytest.raises(SourceLimitReached):
        group.put(scheduled())
    assert not found(scheduler, name)


FAULTS = {
    "throttled": throttled(),
    "throttled as the model says": error(429, "ThrottlingException"),
    "internal": error(500, "InternalServerException"),
    "conflict": error(409, "ConflictException"),
    "denied": error(403, "AccessDeniedException"),
    "connection": ConnectTimeoutError(endpoint_url="http://injected"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("operation", [CREATE, UPDATE])
def test_every_other_fault_of_a_put_may_pass(scheduler: Any, group: ScheduleGroup, operation: str, fault: Any) -> None:
    with injected(scheduler.meta.events, operation, *[fault] * 6), pytest.raises(Unavailable) as unavailable:
        group.put(scheduled())
    assert unavailable.value.__cause__ is not None


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_of_a_removal_may_pass(scheduler: Any, group: ScheduleGroup, name: str, fault: Any) -> None:
    trigger = scheduled()
    group.put(trigger)
    with injected(scheduler.meta.events, DELETE, *[fault] * 6), pytest.raises(Unavailable):
        group.remove(trigger)
    assert len(found(scheduler, name)) == 1


def test_a_group_that_is_missing_is_a_fault_of_ours(scheduler: Any) -> None:
    nowhere = ScheduleGroup(scheduler, f"none-{uuid4().hex[:8]}", target_arn=TARGET, role_arn=ROLE)
    gone = error(404, "ResourceNotFoundException")
    with (
        injected(scheduler.meta.events, UPDATE, gone),
        injected(scheduler.meta.events, CREATE, gone),
        pytest.raises(Unavailable),
    ):
        nowhere.put(scheduled())

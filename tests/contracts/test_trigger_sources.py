"""The services that start a trigger's runs: a schedule or rule is as the trigger says, however often that is said."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from handlers.aws.event_rules import EventRules
from handlers.aws.schedules import ScheduleGroup
from handlers.domain.errors import BusMissing, SourceLimitReached, Unavailable
from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.trigger_sources import TriggerSource
from infra.local.local_stack import LocalStack
from tests.builders import a_trigger, listening
from tests.contracts.conftest import FAKE
from tests.fakes.services import FakeSources
from tests.faults.answers import error
from tests.faults.client import injected

TARGET = "arn:aws:lambda:us-east-1:000000000000:function:on-event"
ROLE = "arn:aws:iam::000000000000:role/scheduler"
EVENT_DRIVEN, SCHEDULED = "event-driven", "scheduled"


class Source(NamedTuple):
    """A service that knows no trigger yet."""

    port: TriggerSource
    known: Callable[[], dict[str, bool]]
    """The triggers that the service has, each with whether it is enabled."""
    answering: Callable[[str], AbstractContextManager[None]]
    """The service answers with this error code."""


def a_new_trigger(execution_type: str, **changes: Any) -> FunctionTrigger:
    return a_trigger(id=str(uuid4()), execution_type=execution_type, **changes)


@pytest.fixture(params=[EVENT_DRIVEN, SCHEDULED])
def execution_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(request: pytest.FixtureRequest, implementation: str, execution_type: str) -> Source:
    found: Source = in_memory() if implementation == FAKE else request.getfixturevalue(execution_type.replace("-", "_"))
    return found


def in_memory() -> Source:
    fake = FakeSources()

    @contextmanager
    def answering(code: str) -> Iterator[None]:
        throttled = code == "ThrottlingException"
        fake.fails, fake.refuses = throttled, None if throttled else SourceLimitReached()
        yield
        fake.fails, fake.refuses = False, None

    def known() -> dict[str, bool]:
        return {id_: trigger.enabled for id_, trigger in fake.synced.items()}

    return Source(fake, known, answering)


def answering_in(client: Any, service: str) -> Callable[[str], AbstractContextManager[None]]:
    @contextmanager
    def answering(code: str) -> Iterator[None]:
        with injected(client.meta.events, service, *[error(400, code)] * 9):
            yield

    return answering


@pytest.fixture
def event_driven(local_stack: LocalStack) -> Iterator[Source]:
    events: Any = local_stack.client("events")
    bus = f"contract-{uuid4().hex[:8]}"
    events.create_event_bus(Name=bus)

    def known() -> dict[str, bool]:
        rules = events.list_rules(EventBusName=bus)["Rules"]
        return {rule["Name"].removeprefix("test-"): rule["State"] == "ENABLED" for rule in rules}

    rules = EventRules(events, own_bus=bus, prefix="test", target_arn=TARGET)
    yield Source(rules, known, answering_in(events, "events"))
    for id_ in known():
        rules.remove(a_trigger(id=id_, execution_type=EVENT_DRIVEN))
    events.delete_event_bus(Name=bus)


@pytest.fixture
def scheduled(local_stack: LocalStack) -> Iterator[Source]:
    scheduler: Any = local_stack.client("scheduler")
    group = f"contract-{uuid4().hex[:8]}"
    scheduler.create_schedule_group(Name=group)

    def known() -> dict[str, bool]:
        schedules = scheduler.list_schedules(GroupName=group)["Schedules"]
        return {each["Name"]: each["State"] == "ENABLED" for each in schedules}

    port = ScheduleGroup(scheduler, group, target_arn=TARGET, role_arn=ROLE)
    yield Source(port, known, answering_in(scheduler, "scheduler"))
    scheduler.delete_schedule_group(Name=group)


def test_put_twice_is_one_and_put_after_a_change_is_changed(source: Source, execution_type: str) -> None:
    trigger = a_new_trigger(execution_type)
    source.port.check(trigger)
    assert source.known() == {}, "a check changes nothing"
    source.port.put(trigger)
    source.port.put(trigger)
    assert source.known() == {trigger.id: True}
    source.port.put(trigger.evolve(enabled=False))
    assert source.known() == {trigger.id: False}
    source.port.put(trigger)
    assert source.known() == {trigger.id: True}


def test_a_removal_takes_one_whether_it_is_there_or_not(source: Source, execution_type: str) -> None:
    kept, gone = a_new_trigger(execution_type), a_new_trigger(execution_type)
    source.port.put(kept)
    source.port.put(gone)
    source.port.remove(gone)
    source.port.remove(gone)
    source.port.remove(a_new_trigger(execution_type))
    assert source.known() == {kept.id: True}


def test_a_service_that_does_not_answer_is_unavailable(source: Source, execution_type: str) -> None:
    trigger = a_new_trigger(execution_type)
    with source.answering("ThrottlingException"):
        for call in (source.port.put, source.port.remove):
            with pytest.raises(Unavailable):
                call(trigger)
    assert source.known() == {}


def test_a_service_whose_limit_is_reached_refuses_and_keeps_what_it_had(source: Source, execution_type: str) -> None:
    code = "LimitExceededException" if execution_type == EVENT_DRIVEN else "ServiceQuotaExceededException"
    trigger = a_new_trigger(execution_type)
    source.port.put(trigger)
    with source.answering(code), pytest.raises(SourceLimitReached):
        source.port.put(a_new_trigger(execution_type))
    assert source.known() == {trigger.id: True}


@pytest.mark.parametrize("execution_type", [EVENT_DRIVEN], indirect=True)
def test_a_bus_that_is_gone_is_refused_unless_nothing_is_to_be_listened_for(
    source: Source, request: pytest.FixtureRequest, implementation: str
) -> None:
    bus = f"gone-{uuid4().hex[:8]}"
    if implementation == FAKE:
        request.getfixturevalue("source").port.missing_buses.add(bus)
    trigger = a_new_trigger(EVENT_DRIVEN, metadata=listening({"source": ["shop"]}, bus))
    with pytest.raises(BusMissing):
        source.port.put(trigger)
    source.port.put(trigger.evolve(enabled=False))
    source.port.remove(trigger)
    assert source.known() == {}

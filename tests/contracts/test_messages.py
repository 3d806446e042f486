"""What leaves through the execution queue and the lifecycle bus, and what comes back from the dead-letter queue."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from handlers.aws.dead_letters import DeadLetters as RealDeadLetters
from handlers.aws.lifecycle_bus import LifecycleBus as RealBus
from handlers.aws.run_queue import RunQueue as RealQueue
from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.runs.ports import LifecycleBus, RunQueue
from handlers.domain.upkeep.recovery import DeadLetter, DeadLetters
from infra.local.local_stack import LocalStack
from tests.builders import a_run, an_id
from tests.contracts.conftest import FAKE
from tests.fakes.services import FakeBus, FakeDeadLetters, FakeQueue
from tests.faults.answers import error
from tests.faults.client import injected


class Messaging(NamedTuple):
    queue: RunQueue
    bus: LifecycleBus
    dead_letters: DeadLetters
    send_dead_letter: Callable[[str], object]
    """Takes a run's id."""
    down: Callable[[], AbstractContextManager[None]]
    """No service answers."""


@pytest.fixture
def messaging(request: pytest.FixtureRequest, implementation: str) -> Messaging:
    found: Messaging = in_memory() if implementation == FAKE else request.getfixturevalue("on_the_emulator")
    return found


def in_memory() -> Messaging:
    queue, bus, dead_letters = FakeQueue(), FakeBus(), FakeDeadLetters()

    def send(run_id: str) -> None:
        dead_letters.dead_letters.append(DeadLetter(run_id, uuid4().hex, clock.now()))

    @contextmanager
    def down() -> Iterator[None]:
        queue.fails = bus.fails = dead_letters.fails = True
        yield
        queue.fails = bus.fails = dead_letters.fails = False

    return Messaging(queue, bus, dead_letters, send, down)


@pytest.fixture
def on_the_emulator(local_stack: LocalStack) -> Iterator[Messaging]:
    sqs: Any = local_stack.client("sqs")
    events: Any = local_stack.client("events")
    queue, dead = (sqs.create_queue(QueueName=f"contract-{uuid4().hex[:8]}")["QueueUrl"] for _ in range(2))

    def send(run_id: str) -> None:
        sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"runId": run_id}))

    @contextmanager
    def down() -> Iterator[None]:
        throttled = error(400, "RequestThrottled")
        with (
            injected(sqs.meta.events, "sqs", *[throttled] * 9),
            injected(events.meta.events, "eventbridge", *[throttled] * 9),
        ):
            yield

    yield Messaging(
        RealQueue(sqs, queue, lambda _: None),
        RealBus(events, local_stack.outputs["LifecycleBusName"], lambda _: None),
        RealDeadLetters(sqs, dead),
        send,
        down,
    )
    for url in (queue, dead):
        sqs.delete_queue(QueueUrl=url)


def test_what_is_pushed_waits_for_an_executor_unless_it_is_delayed(messaging: Messaging) -> None:
    assert messaging.queue.waiting() == 0
    for _ in range(3):
        messaging.queue.push(a_run())
    messaging.queue.push(a_run(), delay_seconds=60)
    assert messaging.queue.waiting() == 3


def test_a_push_never_fails_and_a_count_does(messaging: Messaging) -> None:
    with messaging.down():
        messaging.queue.push(a_run())
        with pytest.raises(Unavailable):
            messaging.queue.waiting()
    assert messaging.queue.waiting() == 0


def test_a_bus_says_whether_it_took_the_event(messaging: Messaging) -> None:
    with messaging.down():
        assert not messaging.bus.publish([a_run()])
    assert messaging.bus.publish([a_run()])
    assert messaging.bus.publish([a_run()]), "a second time too"


def test_dead_letters_are_read_all_and_stay_until_they_are_deleted(messaging: Messaging) -> None:
    ids = [an_id(number) for number in range(12)]
    for id_ in ids:
        messaging.send_dead_letter(id_)
    found = list(messaging.dead_letters.parseable())
    assert sorted(each.run_id for each in found) == ids
    for each in found:
        messaging.dead_letters.delete(each)
    assert list(messaging.dead_letters.parseable()) == []


def test_a_dead_letter_queue_that_does_not_answer_is_unavailable(messaging: Messaging) -> None:
    messaging.send_dead_letter(an_id(1))
    (found,) = messaging.dead_letters.parseable()
    with messaging.down():
        with pytest.raises(Unavailable):
            list(messaging.dead_letters.parseable())
        with pytest.raises(Unavailable):
            messaging.dead_letters.delete(found)

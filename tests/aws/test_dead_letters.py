"""The dead-letter queue, as the watchdog reads it."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws.dead_letters import DeadLetters
from handlers.domain.errors import Unavailable
from infra.local.laptop import Laptop
from tests.aws.injection import error, injected
from tests.builders import RUN_ID, an_id
from tests.stack.driver import messages_in

TOO_DEEP = '{"runId":' + "[" * 100_000
NOT_UNDERSTOOD = [
    *("", "no JSON", "[]", "{}", '{"runId": 5}', '{"runId": "no-uuid"}', "null", '{"runId": {"a": 1}}'),
    TOO_DEEP,
]


@pytest.fixture
def sqs(laptop: Laptop) -> Any:
    return laptop.client("sqs")


@pytest.fixture
def url(sqs: Any) -> Iterator[str]:
    made: str = sqs.create_queue(QueueName=f"dead-{uuid4().hex[:8]}")["QueueUrl"]
    yield made
    sqs.delete_queue(QueueUrl=made)


def send(sqs: Any, url: str, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body or " ")


def test_every_message_that_names_a_run_is_read_and_deleted(laptop: Laptop, sqs: Any, url: str) -> None:
    send(sqs, url, *(json.dumps({"runId": an_id(number)}) for number in range(25)))
    letters = DeadLetters(sqs, url)
    found = list(letters.understood())
    assert sorted(letter.run_id for letter in found) == [an_id(number) for number in range(25)]
    assert messages_in(laptop, url) == 25
    for letter in found:
        letters.delete(letter)
    assert messages_in(laptop, url) == 0


def test_what_cannot_be_understood_stays_for_people_to_look_at(laptop: Laptop, sqs: Any, url: str) -> None:
    send(sqs, url, *NOT_UNDERSTOOD, json.dumps({"runId": RUN_ID}))
    assert [letter.run_id for letter in DeadLetters(sqs, url).understood()] == [RUN_ID]
    assert messages_in(laptop, url) == len(NOT_UNDERSTOOD) + 1


@pytest.mark.parametrize("operation", ["ReceiveMessage", "DeleteMessage"])
def test_a_queue_that_does_not_answer_is_unavailable(sqs: Any, url: str, operation: str) -> None:
    send(sqs, url, json.dumps({"runId": RUN_ID}))
    letters = DeadLetters(sqs, url)

    def read_all() -> None:
        for letter in letters.understood():
            letters.delete(letter)

    with injected(sqs.meta.events, f"sqs.{operation}", error(400, "RequestThrottled")), pytest.raises(Unavailable):
        read_all()

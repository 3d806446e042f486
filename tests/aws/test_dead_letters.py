"""The dead-letter queue, as the watchdog reads it."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws.dead_letters import DeadLetters
from infra.local.local_stack import LocalStack
from tests.builders import RUN_ID
from tests.stack.driver import messages_in

TOO_DEEP = '{"runId":' + "[" * 100_000
NOT_UNDERSTOOD = [
    *("", "no JSON", "[]", "{}", '{"runId": 5}', '{"runId": "no-uuid"}', "null", '{"runId": {"a": 1}}'),
    TOO_DEEP,
]


@pytest.fixture
def sqs(local_stack: LocalStack) -> Any:
    return local_stack.client("sqs")


@pytest.fixture
def url(sqs: Any) -> Iterator[str]:
    made: str = sqs.create_queue(QueueName=f"dead-{uuid4().hex[:8]}")["QueueUrl"]
    yield made
    sqs.delete_queue(QueueUrl=made)


def send(sqs: Any, url: str, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body or " ")


def test_what_cannot_be_understood_stays_for_people_to_look_at(local_stack: LocalStack, sqs: Any, url: str) -> None:
    send(sqs, url, *NOT_UNDERSTOOD, json.dumps({"runId": RUN_ID}))
    assert [dead_letter.run_id for dead_letter in DeadLetters(sqs, url).parseable()] == [RUN_ID]
    assert messages_in(local_stack, url) == len(NOT_UNDERSTOOD) + 1

"""What is said to fit does fit: through Lambda's 6 MB, as API Gateway and Lambda's runtime write requests and answers."""

import json
from typing import Any

import pytest

from handlers import api_runs, api_triggers, api_webhooks
from handlers.api.resolver import MAX_BODY_BYTES
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.runs.history import MAX_REVEALED_BYTES
from handlers.domain.runs.outcome import pack
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Content, Part
from tests.builders import RUN_ID, TRIGGER_ID
from tests.entry_points.events import CONTEXT, EXECUTE, OWN, PATH, RUN, WEBHOOK, Event, answer_of, http_event
from tests.fakes import World
from tests.fakes.stores import StoredPart

LAMBDA_TAKES = 6 * 1024 * 1024
# All headers of a request that API Gateway takes; https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
HEADERS = {"x-any": "\\" * 5_120, "x-other": "\\" * 5_120}
IDS = {"workspace": OWN, "triggerId": TRIGGER_ID, "runId": RUN_ID, "path": PATH}


def sent(route: str, body: bytes) -> Event:
    """With a content type that API Gateway encodes."""
    event = http_event(route, IDS, body=body, headers=HEADERS)
    assert len(json.dumps(event)) < LAMBDA_TAKES
    return event


@pytest.mark.parametrize("filling", [b"x", b'"', b"\x00", b"\xff"], ids=ascii)
def test_every_body_that_is_not_too_large_arrives_and_one_that_is_arrives_to_be_told_so(
    world: World, filling: bytes
) -> None:
    for size, taken in ((MAX_BODY_BYTES, True), (MAX_BODY_BYTES + 1, False), (MAX_BODY_BYTES + 100_000, False)):
        status, document = answer_of(api_triggers, sent(EXECUTE, filling * size))
        assert (status, document["field"]) == (400 if taken else 413, "body")
        assert taken or document["code"] == "TOO_LARGE"


@pytest.mark.parametrize("filling", ['"', "\n", "😀"], ids=ascii)
def test_parameters_that_are_not_too_large_arrive_whatever_they_hold(world: World, filling: str) -> None:
    def payload(size: int) -> bytes:
        each = json.dumps(filling, ensure_ascii=False)[1:-1]
        number = (size - len('{"a":""}')) // len(each.encode())
        return f'{{"a":"{each * number}"}}'.encode()

    fits, fits_not = payload(MAX_BYTES), payload(MAX_BYTES + 100)
    status, document = answer_of(api_triggers, sent(EXECUTE, b'{"payload":' + fits + b"}"))
    assert status == 202, document
    status, document = answer_of(api_triggers, sent(EXECUTE, b'{"payload":' + fits_not + b"}"))
    assert (status, document["code"], document["field"]) == (413, "TOO_LARGE", "payload")


@pytest.mark.parametrize("filling", [b"x", b'"', b"\xff"], ids=ascii)
def test_a_webhook_that_is_too_large_to_be_kept_arrives_to_be_told_so(world: World, filling: bytes) -> None:
    status, document = answer_of(api_webhooks, sent(WEBHOOK, filling * MAX_BODY_BYTES))
    assert (status, document["code"], document["field"]) == (413, "TOO_LARGE", "body")


def revealed(world: World, content: bytes, *, include: str = "result") -> tuple[int, Any]:
    """Status and document of an answer that Lambda carries, whichever way its runtime writes JSON."""
    run = world.runs.runs[RUN_ID] = world.run(RUN_ID).evolve(outcome_id="one")
    sealed = world.cipher.seal(pack({Content.RESULT: content}), seal_context(run, Part.OUTCOME))
    world.runs.parts[RUN_ID, "outcome#one"] = StoredPart(sealed, run.expires_at)
    answer = api_runs.lambda_handler(http_event(RUN, IDS, query={"include": include}), CONTEXT)
    for ensure_ascii in (True, False):
        assert len(json.dumps(answer, ensure_ascii=ensure_ascii).encode()) < LAMBDA_TAKES
    return answer_of(api_runs, http_event(RUN, IDS, query={"include": include}))


@pytest.mark.parametrize("filling", ['"', "\x00", "é", "😀"], ids=ascii)
@pytest.mark.parametrize("size", [410_000, 3_600_000, 4_400_000])
def test_an_answer_that_is_not_too_large_is_carried_whatever_it_holds(world: World, filling: str, size: int) -> None:
    each = json.dumps(filling, ensure_ascii=False)[1:-1]
    text = filling * (size // len(each.encode()))
    status, _ = revealed(world, json.dumps(text, ensure_ascii=False).encode())
    assert status == 200


def test_a_part_that_no_answer_carries_is_told_as_such(world: World) -> None:
    status, document = revealed(world, b'"' * 4_000_000)
    assert (status, document["code"], document["field"]) == (413, "TOO_LARGE", "include")
    assert document["message"].endswith(f"{MAX_REVEALED_BYTES} is the most: no answer can carry it.")
    status, document = revealed(world, b'"' * 4_000_000, include="parameters,result")
    assert document["message"].endswith("ask for one part at a time.")

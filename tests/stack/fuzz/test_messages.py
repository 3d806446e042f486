"""Messages that nobody can understand, and functions that answer anything."""

import base64
import json
from types import SimpleNamespace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from handlers import execute_runs
from handlers.aws.function_invoker import FunctionInvoker
from handlers.domain.runs.run import Status
from tests.builders import a_pin, a_run, an_id
from tests.entry_points.events import (
    ABSENT,
    CONTEXT,
    OWN,
    Event,
    fuzzed,
)
from tests.entry_points.in_memory import pending
from tests.fakes import World
from tests.stack.fuzz.strategies import JSON_TEXTS, TEXT, VALUES


def message(number: int, body: str) -> Event:
    return {
        "messageId": an_id(number),
        "receiptHandle": "handle",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795339800000", "MessageGroupId": OWN},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:runs",
        "awsRegion": "eu-west-1",
    }


NO_IDS = VALUES.filter(lambda value: not (isinstance(value, dict) and "runId" in value))
NOT_UNDERSTOOD = (
    TEXT.filter(lambda text: not text.strip().startswith("{"))
    | NO_IDS.map(json.dumps)
    | VALUES.map(lambda value: json.dumps({"runId": value}))
    | st.sampled_from(["", "{", "null", '{"runId": null}', '{"runId": "x"}', '{"runId": ["a"]}', "[" * 5000])
)


class TestMessages:
    @given(bad=st.lists(NOT_UNDERSTOOD, max_size=7), good=st.integers(0, 3), seed=st.randoms(use_true_random=False))
    @fuzzed(80)
    def test_a_message_that_cannot_be_understood_fails_alone(
        self, world: World, bad: list[str], good: int, seed: Any
    ) -> None:
        assume(bad or good)
        runs = [pending(world) for _ in range(good)]
        bodies = [*bad, *(json.dumps({"runId": run.id}) for run in runs)]
        order = list(range(len(bodies)))
        seed.shuffle(order)

        answered = execute_runs.lambda_handler({"Records": [message(n, bodies[n]) for n in order]}, CONTEXT)

        failed = {failure["itemIdentifier"] for failure in answered["batchItemFailures"]}
        assert failed == {an_id(number) for number in range(len(bad))}
        assert [world.run(run.id).status for run in runs] == [Status.COMPLETED] * good

    def test_a_message_of_a_run_that_is_gone_or_of_more_than_an_id_is_no_failure(self, world: World) -> None:
        run = pending(world)
        bodies = [{"runId": ABSENT}, {"runId": run.id.upper(), "more": {"of": "it"}}]
        batch = {"Records": [message(n, json.dumps(body)) for n, body in enumerate(bodies)]}
        assert execute_runs.lambda_handler(batch, CONTEXT) == {"batchItemFailures": []}
        assert world.run(run.id).status is Status.COMPLETED


PAYLOADS = (
    st.binary(max_size=60)
    | JSON_TEXTS.map(str.encode)
    | st.builds(
        lambda actual: json.dumps(actual).encode(),
        st.fixed_dictionaries({}, optional={"errorType": VALUES, "errorMessage": VALUES, "stackTrace": VALUES}),
    )
)


@given(payload=PAYLOADS, failed=st.booleans(), logs=st.binary(max_size=40))
@fuzzed(150)
def test_whatever_a_function_answers_is_an_outcome_that_can_be_stored_and_shown(
    payload: bytes, failed: bool, logs: bytes
) -> None:
    answered: dict[str, Any] = {"Payload": SimpleNamespace(read=lambda: payload)}
    answered["LogResult"] = base64.b64encode(logs).decode()
    if failed:
        answered["FunctionError"] = "Unhandled"
    client: Any = SimpleNamespace(invoke=lambda **_: answered)

    outcome = FunctionInvoker(client).invoke(a_pin(), b"{}", a_run(status="running"))

    assert outcome.status in ({Status.FAILURE, Status.TIMEOUT} if failed else {Status.COMPLETED})
    if failed:
        assert outcome.error_code
        assert len(outcome.error_code.encode()) <= 4 * 128

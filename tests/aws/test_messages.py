"""What leaves through SQS and EventBridge, and what happens when it cannot."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.aws import aws_errors
from handlers.aws.lifecycle_bus import LifecycleBus
from handlers.aws.run_queue import RunQueue
from handlers.settings import Settings
from handlers.wiring import Wiring
from infra.local.local_stack import LocalStack
from tests.builders import a_run, an_id
from tests.faults.answers import answer, error
from tests.faults.client import injected


@pytest.fixture
def sqs(local_stack: LocalStack) -> Any:
    return local_stack.client("sqs")


@pytest.fixture
def url(sqs: Any) -> Iterator[str]:
    """A queue that no executor empties."""
    queue: str = sqs.create_queue(QueueName="messages-of-a-test")["QueueUrl"]
    yield queue
    sqs.delete_queue(QueueUrl=queue)


def test_a_message_carries_the_runs_id_and_nothing_else(sqs: Any, url: str) -> None:
    reported: list[Exception] = []
    run = a_run(rerun_reason="why")
    sent: list[dict[str, Any]] = []
    sqs.meta.events.register_first("provide-client-params.sqs.SendMessage", lambda params, **_: sent.append(params))

    RunQueue(sqs, url, reported.append).push(run)

    message = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]
    assert json.loads(message["Body"]) == {"runId": run.id}
    assert sent[0]["MessageGroupId"] == run.workspace
    assert reported == []


def test_runs_of_a_batch_are_pushed_ten_at_once_in_a_group_of_their_own(sqs: Any, url: str) -> None:
    reported: list[Exception] = []
    runs = [a_run(id=an_id(number), batch_id=an_id(99)) for number in range(13)]
    sent: list[dict[str, Any]] = []
    sqs.meta.events.register_first("provide-client-params.sqs.*", lambda params, **_: sent.append(params))

    queue = RunQueue(sqs, url, reported.append)
    queue.push_all([(run, number // 12) for number, run in enumerate(runs)])
    queue.push(runs[0])

    entries = [entry for params in sent[:2] for entry in params["Entries"]]
    assert [len(params["Entries"]) for params in sent[:2]] == [10, 3]
    assert [json.loads(entry["MessageBody"])["runId"] for entry in entries] == [run.id for run in runs]
    assert [entry["DelaySeconds"] for entry in entries] == [0] * 12 + [1]
    groups = {each["MessageGroupId"] for each in (*entries, sent[2])}
    assert groups == {f"{runs[0].workspace}-batch"} != {runs[0].workspace}
    assert (queue.waiting(), reported) == (13, [])


@pytest.mark.parametrize(
    ("failed", "observed"),
    [
        ({"Id": "0", "SenderFault": False, "Code": "InternalError"}, 0),
        ({"Id": "0", "SenderFault": True, "Code": "InvalidParameterValue"}, 1),
    ],
    ids=["SQS's fault", "ours"],
)
def test_a_message_of_several_that_is_not_taken_is_reported(
    sqs: Any, url: str, monkeypatch: pytest.MonkeyPatch, failed: dict[str, Any], observed: int
) -> None:
    reported: list[Exception] = []
    seen: list[Exception] = []
    monkeypatch.setattr(aws_errors, "_observers", [seen.append])
    with injected(sqs.meta.events, "sqs.SendMessageBatch", answer(200, {"Successful": [], "Failed": [failed]})):
        RunQueue(sqs, url, reported.append).push_all([(a_run(), 0), (a_run(), 0)])
    assert (len(reported), len(seen)) == (1, observed)


def test_a_push_that_fails_is_reported_and_not_raised(sqs: Any, url: str) -> None:
    reported: list[Exception] = []
    with injected(sqs.meta.events, "sqs.SendMessage", error(400, "RequestThrottled")):
        RunQueue(sqs, url, reported.append).push(a_run())
    assert len(reported) == 1


@pytest.mark.parametrize(
    ("operation", "denied"),
    [
        ("sqs.SendMessage", error(403, "AccessDenied")),
        ("sqs.SendMessage", error(400, "AWS.SimpleQueueService.NonExistentQueue")),
        ("eventbridge.PutEvents", error(400, "AccessDeniedException")),
        ("eventbridge.PutEvents", answer(200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "NotAuthorized"}]})),
    ],
    ids=["no grant", "no queue", "no grant for the bus", "200 that took nothing"],
)
def test_what_is_not_raised_but_has_to_be_mended_wakes_somebody(
    local_stack: LocalStack, url: str, monkeypatch: pytest.MonkeyPatch, operation: str, denied: Any
) -> None:
    seen: list[Exception] = []
    monkeypatch.setattr(aws_errors, "_observers", [seen.append])
    sqs = local_stack.client("sqs")
    events = local_stack.client("events")
    client = sqs if operation.startswith("sqs") else events
    with injected(client.meta.events, operation, denied):
        RunQueue(sqs, url, lambda _: None).push(a_run())
        LifecycleBus(events, local_stack.outputs["LifecycleBusName"], lambda _: None).publish([a_run()])
    assert len(seen) == 1


@pytest.mark.parametrize(
    "said",
    [
        error(400, "ThrottlingException"),
        error(500, "InternalException"),
        answer(200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "x"}]}),
    ],
    ids=["throttled", "500", "200 that took nothing"],
)
def test_an_event_that_the_bus_did_not_take_is_not_told_and_reported(local_stack: LocalStack, said: Any) -> None:
    events = local_stack.client("events")
    reported: list[Exception] = []
    bus = LifecycleBus(events, local_stack.outputs["LifecycleBusName"], reported.append)
    with injected(events.meta.events, "eventbridge.PutEvents", said):
        assert not bus.publish([a_run()])
    assert len(reported) == 1
    assert bus.publish([a_run()])
    assert len(reported) == 1


def test_the_bus_says_which_of_several_events_it_took(local_stack: LocalStack) -> None:
    events = local_stack.client("events")
    reported: list[Exception] = []
    bus = LifecycleBus(events, local_stack.outputs["LifecycleBusName"], reported.append)
    runs = [a_run(id=an_id(number)) for number in range(3)]
    entries = [{"EventId": "1"}, {"ErrorCode": "InternalFailure"}, {"EventId": "3"}]
    with injected(
        events.meta.events, "eventbridge.PutEvents", answer(200, {"FailedEntryCount": 1, "Entries": entries})
    ):
        assert bus.publish(runs) == [runs[0], runs[2]]
    assert len(reported) == 1
    assert bus.publish(runs) == runs


def test_a_bus_that_never_answers_holds_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings = Settings(lifecycle_bus_name="bus", invokable_functions="{}")
    config: Any = Wiring(settings).bus._client.meta.config
    longest_seconds = config.retries["total_max_attempts"] * max(config.connect_timeout, config.read_timeout)
    assert longest_seconds <= 4

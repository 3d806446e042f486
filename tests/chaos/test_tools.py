"""The means of the fault suite do what they are trusted to do."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from handlers.aws import aws_errors
from infra.local.emulator.process import REGION
from infra.local.local_stack import LocalStack
from tests.chaos.bus import delivered_twice
from tests.chaos.faults import BROKEN, THROTTLED, Kind, Operation, kind_of, mixed, rule
from tests.chaos.proxy import Proxy
from tests.stack.driver import TeamFunction, until

BUCKET = "chaos"
COPY = {"Bucket": BUCKET, "Key": "copy", "CopySource": f"{BUCKET}/original"}
NOTES = "def handler(event, context):\n    open(event['detail']['file'], 'a').write('x')\n"


@pytest.fixture(scope="module")
def proxy(local_stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    s3 = local_stack.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="original", Body=b"content")
    with Proxy(local_stack.emulator, tmp_path_factory.mktemp("proxy") / "log") as running:
        yield running


@pytest.fixture(scope="module")
def call(proxy: Proxy, local_stack: LocalStack) -> Callable[[Operation], Any]:
    """Calls the operation once by way of the proxy."""
    config = Config(retries={"total_max_attempts": 1}, proxies={}, s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    outputs, event = local_stack.outputs, {"Source": "chaos", "DetailType": "chaos", "Detail": "{}"}
    arguments: dict[str, dict[str, Any]] = {
        "dynamodb get_item": {"TableName": outputs["TableName"], "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}},
        "kms generate_data_key": {"KeyId": outputs["InputKeyArn"], "KeySpec": "AES_256"},
        "sqs receive_message": {"QueueUrl": outputs["DeadLetterQueueUrl"]},
        "lambda get_function": {"FunctionName": local_stack.samples["EchoFunctionArn"]},
        "events put_events": {"Entries": [event]},
        "s3 put_object": {"Bucket": BUCKET, "Key": "new", "Body": b"content"},
        "s3 copy_object": COPY,
        "s3 delete_object": {"Bucket": BUCKET, "Key": "new"},
    }
    methods = {each.replace("_", "").replace(" ", ""): each for each in arguments}

    def once(operation: Operation) -> Any:
        service, method = methods[f"{operation.service}{operation.name}".lower()].split()
        client: Any = boto3.client(service, endpoint_url=proxy.url, region_name=REGION, config=config, **keys)  # type: ignore[call-overload]
        return getattr(client, method)(**arguments[f"{service} {method}"])

    return once


OPERATIONS = [
    Operation("dynamodb", "GetItem"),
    Operation("kms", "GenerateDataKey"),
    Operation("sqs", "ReceiveMessage"),
    Operation("lambda", "GetFunction"),
    Operation("events", "PutEvents"),
    Operation("s3", "PutObject"),
    Operation("s3", "CopyObject"),
    Operation("s3", "DeleteObject"),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_each_fault_arrives_as_aws_would_send_it(
    proxy: Proxy, call: Callable[[Operation], Any], operation: Operation
) -> None:
    for kind, codes in ((Kind.THROTTLED, THROTTLED), (Kind.BROKEN, BROKEN)):
        proxy.inject([rule(operation, kind, 1.0)])
        with pytest.raises(ClientError) as refused:
            call(operation)
        assert aws_errors.code(refused.value) == codes[operation.service].code
        assert aws_errors.is_passing(refused.value.response)
    for kind in (Kind.RESET, Kind.ANSWER_LOST):
        proxy.inject([rule(operation, kind, 1.0)])
        with pytest.raises(HTTPClientError):
            call(operation)
    injected = proxy.seen().injected
    assert [injected[operation, kind] for kind in Kind] == [1, 1, 1, 1, 0]


def test_a_lost_answer_is_that_of_a_call_which_took_effect(
    proxy: Proxy, call: Callable[[Operation], Any], local_stack: LocalStack
) -> None:
    operation = Operation("s3", "CopyObject")
    local_stack.client("s3").delete_object(Bucket=BUCKET, Key="copy")
    proxy.inject([rule(operation, Kind.ANSWER_LOST, 1.0)])
    with pytest.raises(HTTPClientError):
        call(operation)
    assert local_stack.client("s3").get_object(Bucket=BUCKET, Key="copy")["Body"].read() == b"content"


def test_what_is_not_struck_passes_and_is_counted(proxy: Proxy, call: Callable[[Operation], Any]) -> None:
    proxy.inject([rule(Operation("s3", "PutObject"), Kind.BROKEN, 1.0)])
    before = proxy.seen()
    call(Operation("s3", "CopyObject"))
    after = proxy.seen()
    assert after.passed - before.passed == {Operation("s3", "CopyObject"): 1}
    assert after.injected == before.injected


def test_mixed_faults_strike_their_share_of_the_calls_in_equal_parts() -> None:
    spared, parts = 1.0, []
    for each in mixed([Operation("sqs", "SendMessage")], 0.1):
        parts.append(spared * each["probability"])
        spared -= parts[-1]
    assert parts == pytest.approx([0.02] * len(Kind))


def test_the_proxys_names_for_faults_are_understood() -> None:
    outputs = {"error:SlowDown": Kind.THROTTLED, "error:InternalFailure": Kind.BROKEN, "reset": Kind.RESET}
    outputs |= {"response:abort": Kind.ANSWER_LOST, "latency:312ms": Kind.SLOW}
    assert {action: kind_of(action) for action in outputs} == outputs
    assert kind_of("match") is None


def test_an_event_of_the_lifecycle_bus_can_be_delivered_twice(local_stack: LocalStack, tmp_path: Path) -> None:
    events, bus, rule_name = (
        local_stack.client("events"),
        local_stack.outputs["LifecycleBusName"],
        f"notes-{uuid4().hex[:8]}",
    )
    function, file = TeamFunction(local_stack).deploy(NOTES), tmp_path / "deliveries"
    events.put_rule(Name=rule_name, EventBusName=bus, EventPattern=json.dumps({"source": [rule_name]}))
    events.put_targets(Rule=rule_name, EventBusName=bus, Targets=[{"Id": "notes", "Arn": function.arn}])
    before = events.list_rules(EventBusName=bus)["Rules"]
    event = {"EventBusName": bus, "Source": rule_name, "DetailType": "Note", "Detail": json.dumps({"file": str(file)})}

    with delivered_twice(local_stack) as twins:
        assert twins == len(before)
        events.put_events(Entries=[event])
        until(lambda: file.exists() and file.read_text() == "xx")

    assert events.list_rules(EventBusName=bus)["Rules"] == before
    events.remove_targets(Rule=rule_name, EventBusName=bus, Ids=["notes"])
    events.delete_rule(Name=rule_name, EventBusName=bus)

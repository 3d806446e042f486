"""The proxy injects what it is told, in AWS's shapes."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from handlers.aws import aws_errors
from infra.local.emulator.process import REGION
from infra.local.local_stack import LocalStack
from tests.faults.kinds import SERVER_ERROR, THROTTLED, Kind
from tests.faults.proxy import Proxy
from tests.faults.wire import KINDS, Operation, kind_of, mixed, rule

BUCKET = "faults"
COPY = {"Bucket": BUCKET, "Key": "copy", "CopySource": f"{BUCKET}/original"}


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
    outputs, event = local_stack.outputs, {"Source": "faults", "DetailType": "faults", "Detail": "{}"}
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
    for kind, codes in ((Kind.THROTTLED, THROTTLED), (Kind.SERVER_ERROR, SERVER_ERROR)):
        proxy.inject([rule(operation, kind, 1.0)])
        with pytest.raises(ClientError) as refused:
            call(operation)
        assert aws_errors.code(refused.value) == codes[operation.service].code
        assert aws_errors.is_passing(refused.value.response)
    for kind in (Kind.REQUEST_LOST, Kind.ANSWER_LOST):
        proxy.inject([rule(operation, kind, 1.0)])
        with pytest.raises(HTTPClientError):
            call(operation)
    injected = proxy.seen().injected
    assert [injected[operation, kind] for kind in KINDS] == [1, 1, 1, 1, 0]


def test_a_lost_answer_is_that_of_a_call_which_took_effect(
    proxy: Proxy, call: Callable[[Operation], Any], local_stack: LocalStack
) -> None:
    operation = Operation("s3", "CopyObject")
    local_stack.client("s3").delete_object(Bucket=BUCKET, Key="copy")
    proxy.inject([rule(operation, Kind.ANSWER_LOST, 1.0)])
    with pytest.raises(HTTPClientError):
        call(operation)
    assert local_stack.client("s3").get_object(Bucket=BUCKET, Key="copy")["Body"].read() == b"content"


def test_what_meets_no_fault_passes_and_is_counted(proxy: Proxy, call: Callable[[Operation], Any]) -> None:
    proxy.inject([rule(Operation("s3", "PutObject"), Kind.SERVER_ERROR, 1.0)])
    before = proxy.seen()
    call(Operation("s3", "CopyObject"))
    after = proxy.seen()
    assert after.passed - before.passed == {Operation("s3", "CopyObject"): 1}
    assert after.injected == before.injected


def test_mixed_faults_are_injected_into_their_share_of_the_calls_in_equal_parts() -> None:
    spared, parts = 1.0, []
    for each in mixed([Operation("sqs", "SendMessage")], 0.1):
        parts.append(spared * each["probability"])
        spared -= parts[-1]
    assert parts == pytest.approx([0.02] * len(KINDS))


def test_the_proxys_names_for_faults_are_understood() -> None:
    outputs = {"error:SlowDown": Kind.THROTTLED, "error:InternalFailure": Kind.SERVER_ERROR, "reset": Kind.REQUEST_LOST}
    outputs |= {"response:abort": Kind.ANSWER_LOST, "latency:312ms": Kind.SLOW}
    assert {action: kind_of(action) for action in outputs} == outputs
    assert kind_of("match") is None

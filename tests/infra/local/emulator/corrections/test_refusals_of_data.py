"""What AWS refuses the emulator refuses, too, with AWS's code and status: else a test could not notice that it was sent.

Messages, expressions and payloads.
"""

from typing import Any
from uuid import uuid4

import pytest

from infra.local.emulator.process import Emulator
from tests.infra.local.functions import MakeFunction
from tests.infra.refusals import refusal


class TestSqs:
    @pytest.fixture
    def queue(self, emulator: Emulator) -> str:
        return str(emulator.client("sqs").create_queue(QueueName=f"q-{uuid4().hex}")["QueueUrl"])

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"DelaySeconds": 901}, "InvalidParameterValue"),
            ({"DelaySeconds": -1}, "InvalidParameterValue"),
            ({"MessageGroupId": "a b"}, "InvalidParameterValue"),
            ({"MessageGroupId": "ä"}, "InvalidParameterValue"),
            ({"MessageGroupId": "a" * 129}, "InvalidParameterValue"),
            ({"MessageGroupId": "a\n"}, "InvalidParameterValue"),
            ({"MessageBody": "a" * (1024 * 1024 + 1)}, "InvalidParameterValue"),
            ({"MessageBody": "\x00"}, "InvalidMessageContents"),
            ({"MessageBody": "\ufffe"}, "InvalidMessageContents"),
            ({"MessageBody": ""}, "MissingParameter"),
        ],
        ids=lambda value: str(value)[:32],
    )
    def test_a_message_that_cannot_be_is_refused_alone_and_in_a_batch(
        self, emulator: Emulator, queue: str, wrong: dict[str, Any], code: str
    ) -> None:
        sqs = emulator.client("sqs")
        message = {"MessageBody": "b"} | wrong
        assert refusal(lambda: sqs.send_message(QueueUrl=queue, **message)) == (400, code)
        if len(message["MessageBody"]) <= 1024 * 1024:
            good = {"Id": "good", "MessageBody": "b"}
            answer = sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "bad", **message}, good])
            assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("bad", code)]
            assert [entry["Id"] for entry in answer["Successful"]] == ["good"]

    def test_a_message_at_the_limits_is_taken(self, emulator: Emulator, queue: str) -> None:
        group = "".join(map(chr, range(33, 127)))
        sent = {"MessageBody": "a" * (1024 * 1024), "DelaySeconds": 900, "MessageGroupId": group}
        assert emulator.client("sqs").send_message(QueueUrl=queue, **sent)["MessageId"]

    @pytest.mark.parametrize(
        "wrong", [{"WaitTimeSeconds": 21}, {"VisibilityTimeout": 43_201}, {"MaxNumberOfMessages": 11}], ids=str
    )
    def test_a_receiver_that_asks_for_too_much_is_refused(
        self, emulator: Emulator, queue: str, wrong: dict[str, int]
    ) -> None:
        sqs = emulator.client("sqs")
        assert refusal(lambda: sqs.receive_message(QueueUrl=queue, **wrong)) == (400, "InvalidParameterValue")


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    index = [{"AttributeName": "due", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]
    emulator.client("dynamodb").create_table(
        TableName="filtered",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "due", "at")],
        KeySchema=keys,
        GlobalSecondaryIndexes=[{"IndexName": "by-due", "KeySchema": index, "Projection": {"ProjectionType": "ALL"}}],
    )
    return "filtered"


class TestDynamoDb:
    def query(self, emulator: Emulator, table: str, filtered: str, *, index: bool = False, **names: str) -> Any:
        of = {"IndexName": "by-due"} if index else {}
        return emulator.client("dynamodb").query(
            TableName=table,
            KeyConditionExpression="#key = :v",
            FilterExpression=filtered,
            ExpressionAttributeNames={
                "#key": "due" if index else "pk",
                **{f"#{name}": value for name, value in names.items()},
            },
            ExpressionAttributeValues={":v": {"S": "x"}},
            **of,
        )

    @pytest.mark.parametrize(
        ("filtered", "index"),
        [
            ("pk = :v", False),
            ("sk = :v", False),
            ("other = :v AND (sk < :v)", False),
            ("NOT begins_with(sk, :v)", False),
            ("attribute_exists(pk) AND other = :v", False),
            ("due = :v", True),
            ("other = :v OR #at = :v", True),
        ],
    )
    def test_a_query_does_not_filter_on_its_keys(
        self, emulator: Emulator, table: str, filtered: str, *, index: bool
    ) -> None:
        names = {"at": "at"} if "#at" in filtered else {}
        refused = refusal(lambda: self.query(emulator, table, filtered, index=index, **names))
        assert refused == (400, "ValidationException")

    def test_a_query_filters_on_what_is_no_key_where_it_looks(self, emulator: Emulator, table: str) -> None:
        self.query(emulator, table, "due = :v")
        self.query(emulator, table, "sk = :v AND other.due = :v", index=True)
        self.query(emulator, table, "#of.pk = :v", of="other")

    def test_a_scan_filters_on_keys(self, emulator: Emulator, table: str) -> None:
        values = {":v": {"S": "x"}}
        scanned = emulator.client("dynamodb").scan(
            TableName=table, FilterExpression="sk = :v", ExpressionAttributeValues=values
        )
        assert scanned["Count"] == 0

    @pytest.mark.parametrize(
        "written",
        [
            [{"Put": {"Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}}}] * 2,
            [{"Put": {"Item": {"pk": {"S": "a"}, "sk": {"S": str(number)}}}} for number in range(101)],
            [{"Put": {"Item": {"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"S": "x" * 410_000}}}}],
        ],
        ids=["one item twice", "101 items", "an item over 400 KB"],
    )
    def test_a_transaction_has_its_limits(self, emulator: Emulator, table: str, written: list[dict[str, Any]]) -> None:
        """True without a correction; the product depends on it."""
        items = [{kind: {"TableName": table, **what} for kind, what in each.items()} for each in written]
        refused = refusal(lambda: emulator.client("dynamodb").transact_write_items(TransactItems=items))
        assert refused == (400, "ValidationException")


@pytest.fixture(scope="module")
def function(a_function: MakeFunction) -> Any:
    return a_function("def handler(event, context):\n    return len(event)\n", timeout=30)


class TestLambda:
    @pytest.mark.parametrize("payload", [b"no JSON", b'{"a": ', b'"\xff"'])
    def test_a_payload_that_is_no_json_is_refused(self, function: Any, payload: bytes) -> None:
        exceptions = function.client.exceptions
        with pytest.raises(exceptions.InvalidRequestContentException) as refused:
            function.client.invoke(FunctionName=function.arn, Payload=payload)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400

    @pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6 * 1024 * 1024), ("Event", 1024 * 1024)])
    def test_a_payload_has_its_limit(self, function: Any, kind: str, limit: int) -> None:
        def invoke(size: int) -> Any:
            payload = b'"' + b"x" * (size - 2) + b'"'
            return function.client.invoke(FunctionName=function.arn, InvocationType=kind, Payload=payload)

        assert invoke(limit)["StatusCode"] in (200, 202)
        assert refusal(lambda: invoke(limit + 1)) == (413, "RequestEntityTooLargeException")

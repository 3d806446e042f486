"""What IAM's conditions may ask of a request."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local.emulator.process import REGION, Emulator

OURS, ANOTHER = (f"arn:aws:lambda:{REGION}:000000000000:function:{name}" for name in ("ours", "another"))
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "events:PutTargets",
            "Resource": "*",
            "Condition": {"ForAllValues:ArnEquals": {"events:TargetArn": OURS}, "Null": {"events:TargetArn": "false"}},
        }
    ],
}


ACTS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:PutItem", "dynamodb:Query", "dynamodb:DeleteItem"],
            "Resource": "*",
            "Condition": {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "AUDIT#*"},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        }
    ],
}


def client_of(emulator: Emulator, service: Any, policy: dict[str, Any]) -> Any:
    """For one who may do no more than that."""
    iam = emulator.client("iam")
    iam.create_user(UserName=service)
    iam.put_user_policy(UserName=service, PolicyName="may", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=service)["AccessKey"]
    return boto3.Session().client(
        service,
        region_name=REGION,
        endpoint_url=emulator.url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


@pytest.fixture(scope="module")
def events(emulator: Emulator) -> Any:
    """EventBridge for one who may point rules at one function."""
    emulator.client("events").put_rule(Name="a-rule", EventPattern='{"source":["shop"]}')
    return client_of(emulator, "events", POLICY)


@pytest.fixture(scope="module")
def acts(emulator: Emulator) -> Any:
    """DynamoDB for one who may write and read items of one kind."""
    emulator.client("dynamodb").create_table(
        TableName="a-table",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")],
    )
    return client_of(emulator, "dynamodb", ACTS)


@pytest.mark.parametrize(("partition", "is_permitted"), [("AUDIT#acme#0", True), ("RUN#1", False)])
def test_items_are_written_queried_and_deleted_only_under_keys_that_the_condition_names(
    acts: Any, partition: str, is_permitted: bool
) -> None:
    key = {"S": partition}
    answers = []
    asked: list[Callable[[], Any]] = [
        lambda: acts.put_item(TableName="a-table", Item={"pk": key, "sk": {"S": "1"}}),
        lambda: acts.query(
            TableName="a-table", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": key}
        ),
        lambda: acts.delete_item(TableName="a-table", Key={"pk": key, "sk": {"S": "1"}}),
    ]
    for ask in asked:
        try:
            ask()
            answers.append(True)
        except ClientError as error:
            answers.append(error.response["Error"]["Code"] != "AccessDeniedException")
    assert answers == [is_permitted] * 3


def put(events: Any, *arns: str) -> str:
    """How EventBridge answers who points the rule at these."""
    targets = [{"Id": str(number), "Arn": arn} for number, arn in enumerate(arns)]
    try:
        events.put_targets(Rule="a-rule", Targets=targets)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "OK"


def test_a_rule_is_pointed_only_at_what_the_condition_names(events: Any) -> None:
    assert put(events, OURS) == "OK"
    assert put(events, ANOTHER) == "AccessDeniedException"


def test_every_target_of_a_request_has_to_be_among_them(events: Any) -> None:
    assert put(events, OURS, ANOTHER) == "AccessDeniedException"
    assert put(events, OURS, OURS) == "OK"


def test_who_may_send_a_message_may_send_several_at_once(emulator: Emulator) -> None:
    queue = emulator.client("sqs").create_queue(QueueName="of-batches")["QueueUrl"]
    permitted = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    sqs = client_of(emulator, "sqs", {"Version": "2012-10-17", "Statement": [permitted]})
    entries = [{"Id": str(number), "MessageBody": "{}"} for number in range(2)]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 2
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.receive_message(QueueUrl=queue)

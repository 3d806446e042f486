"""What IAM's conditions may ask of a request."""

import json
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


@pytest.fixture(scope="module")
def events(emulator: Emulator) -> Any:
    """EventBridge for one who may point rules at one function."""
    iam = emulator.client("iam")
    iam.create_user(UserName="pointer")
    iam.put_user_policy(UserName="pointer", PolicyName="may", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName="pointer")["AccessKey"]
    emulator.client("events").put_rule(Name="a-rule", EventPattern='{"source":["shop"]}')
    return boto3.Session().client(
        "events",
        region_name=REGION,
        endpoint_url=emulator.url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


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

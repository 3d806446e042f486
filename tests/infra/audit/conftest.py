import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from infra.local.emulator.process import REGION, Emulator
from tests.infra.audit.deployed import Deployed

_KEY = {"Type": "AWS::KMS::Key", "Properties": {}}
_BUCKET = {"Type": "AWS::S3::Bucket"}
_TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    },
}
_OUTPUTS = {
    "TableName": {"Ref": "Table"},
    "BucketName": {"Ref": "Bucket"},
    "InputKeyArn": {"Fn::GetAtt": ["InputKey", "Arn"]},
    "OutcomeKeyArn": {"Fn::GetAtt": ["OutcomeKey", "Arn"]},
    "RetentionDays": "90",
}


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("audited")) as running:
        yield running


@pytest.fixture
def deployed(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """A stack with table, bucket and key of the test's own, and the caller's AWS configuration pointed at it."""
    for name, value in {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    return deploy(emulator)


def deploy(emulator: Emulator) -> Deployed:
    stack = f"Audited{uuid4().hex[:8]}"
    template: dict[str, Any] = {
        "Resources": {"Table": _TABLE, "Bucket": _BUCKET, "InputKey": _KEY, "OutcomeKey": _KEY},
        "Outputs": {name: {"Value": value} for name, value in _OUTPUTS.items()},
    }
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return Deployed(emulator, stack, {output["OutputKey"]: output["OutputValue"] for output in found})

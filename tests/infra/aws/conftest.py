import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from infra.aws.target import Target
from infra.local.emulator.process import REGION
from infra.local.local_stack import LocalStack


@pytest.fixture
def target(local_stack: LocalStack) -> Iterator[Target]:
    """A stack of the test's own, which is not deployed, in the emulator's account; its clients turn pages."""
    account = local_stack.client("sts").get_caller_identity()["Account"]
    stack = f"Swept-{uuid4().hex[:8]}"
    yield Target(stack, account, "aws", REGION, None, local_stack.client)
    formation = local_stack.client("cloudformation")
    formation.delete_stack(StackName=stack)


@pytest.fixture
def deployed(target: Target) -> Target:
    """Its template keeps a queue, a table that is protected, and a bucket."""
    template: dict[str, Any] = {
        "Resources": {
            "Gone": {"Type": "AWS::SQS::Queue"},
            "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "RetainExceptOnCreate"},
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "DeletionPolicy": "Retain",
                "Properties": {
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "BillingMode": "PAY_PER_REQUEST",
                    "DeletionProtectionEnabled": True,
                },
            },
        },
        "Outputs": {"ApiUrl": {"Value": "https://api.example"}, "UserPoolId": {"Value": "a-pool"}},
    }
    formation = target.client("cloudformation")
    formation.create_stack(StackName=target.stack, TemplateBody=json.dumps(template))
    formation.get_waiter("stack_create_complete").wait(StackName=target.stack, WaiterConfig={"Delay": 1})
    return target

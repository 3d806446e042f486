"""The events as shareable test events of the Lambda console.

The console keeps them as schemas in one registry per account, which it creates when somebody first saves one. So this
is for accounts that have none yet, and off unless the context asks for it.
"""

import json
from typing import Any

from aws_cdk import aws_eventschemas as schemas
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.lambda_test_events import events_of

REGISTRY = "lambda-testevent-schemas"


class LambdaTestEvents(Construct):
    def __init__(self, scope: Construct, name: str, *, functions: list[lambda_.Function]) -> None:
        super().__init__(scope, name)
        registry = schemas.CfnRegistry(self, "Registry", registry_name=REGISTRY)
        for function in functions:
            module = function.node.id
            schema = schemas.CfnSchema(
                self,
                module,
                registry_name=REGISTRY,
                schema_name=f"_{function.function_name}-schema",
                type="OpenApi3",
                content=json.dumps(_document(module)),
            )
            schema.add_resource_dependency(registry)


def _document(module: str) -> dict[str, Any]:
    """What the console reads: each example is an event, under its name."""
    examples = {
        file.stem.removeprefix(f"{module}-"): {"value": json.loads(file.read_text())} for file in events_of(module)
    }
    return {
        "openapi": "3.0.0",
        "info": {"version": "1.0.0", "title": "Event"},
        "paths": {},
        "components": {"schemas": {"Event": {"type": "object"}}, "examples": examples},
    }

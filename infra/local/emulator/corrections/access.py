"""IAM: the resource of a request, and its condition keys."""

import functools
import json
import re
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions

from infra.local.emulator.corrections.rewriting import require, rewrite_function


def iam_mistakes_the_names_of_rules_and_schedules() -> None:
    """It took every schedule for one of the group `default`, and named a rule's targets after the bus."""
    rewrite_function(
        "IAM mistakes the names of rules and schedules",
        iam_actions,
        "extract_resource_arn",
        {
            "schedule/default/{parts[si + 1]}": (
                "schedule/{_param(body, query_params, 'GroupName', 'groupName') or 'default'}/{parts[si + 1]}"
            ),
            '_safe_json_field(body, "RuleName")': '_safe_json_field(body, "Rule")',
            "rule/{bus}/{name}": "rule/{bus + '/' if bus != 'default' else ''}{name}",
        },
    )


def iam_has_an_action_for_batches_of_messages() -> None:
    """On AWS, sqs:SendMessage permits SendMessageBatch, and there is no other.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    """
    uncorrected = iam_actions.extract_iam_action
    require("IAM has an action for batches of messages", uncorrected, 'return f"{namespace}:{action_name}"')

    @functools.wraps(uncorrected)
    def action(service: str, *request: Any) -> str | None:
        asked: str | None = uncorrected(service, *request)
        return asked.removesuffix("Batch") if asked and service == "sqs" else asked

    iam_actions.extract_iam_action = action


def iam_does_not_know_what_a_request_names() -> None:
    """Without the keys, a condition on `events:TargetArn` or `dynamodb:LeadingKeys` denied or permitted everything."""
    uncorrected = iam_actions.request_tag_context
    require(
        "IAM does not know what a request names",
        uncorrected,
        "if iam_action.split(",
        "not in _tag_operations(service):\n        return {}\n",
    )

    @functools.wraps(uncorrected)
    def request_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        context: dict[str, Any] = uncorrected(service, iam_action, body, params)
        named = _NAMED.get(iam_action)
        return context | (named(body) if named else {})

    iam_actions.request_tag_context = request_context


def _targets(body: bytes) -> dict[str, list[str]]:
    """A list, as AWS documents the key; nothing where there is no target, or no request that names one."""
    try:
        arns = [str(target["Arn"]) for target in json.loads(body)["Targets"]]
    except (ValueError, KeyError, TypeError):
        return {}
    return {"events:TargetArn": arns} if arns else {}


def _key_of_item(body: bytes) -> dict[str, list[str]]:
    return {"dynamodb:LeadingKeys": [json.loads(body)["Item"]["pk"]["S"]]}


def _key_of_deletion(body: bytes) -> dict[str, list[str]]:
    return {"dynamodb:LeadingKeys": [json.loads(body)["Key"]["pk"]["S"]]}


def _key_of_query(body: bytes) -> dict[str, list[str]]:
    """Nothing for a query of an index, whose keys have other names."""
    request = json.loads(body)
    key = re.match(r"pk = (:\w+)", request["KeyConditionExpression"])
    return {"dynamodb:LeadingKeys": [request["ExpressionAttributeValues"][key[1]]["S"]]} if key else {}


_NAMED: dict[str, Callable[[bytes], dict[str, list[str]]]] = {
    "events:PutTargets": _targets,
    "dynamodb:PutItem": _key_of_item,
    "dynamodb:DeleteItem": _key_of_deletion,
    "dynamodb:Query": _key_of_query,
}

"""Everything that a door may do, beyond writing its own logs and traces: in one place, to be read as one."""

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.storage import KEPT, STAGING

if TYPE_CHECKING:
    from infra.stack import FunctionRerunStack

_RESEAL = ["kms:Decrypt", "kms:GenerateDataKey"]
# UpdateItem notes that a large part was moved to where it stays.
_START = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]


def grant(stack: "FunctionRerunStack") -> None:
    _grant_data(stack)
    _grant_objects(stack)
    _grant_messages(stack)
    _grant_sources(stack)
    _grant_functions(stack)
    if stack.sweep_versions is not None:
        _grant_sweep(stack, stack.sweep_versions)


def _grant_data(stack: "FunctionRerunStack") -> None:
    table = stack.storage.table.table_arn
    inputs, outcomes = stack.storage.input_key.key_arn, stack.storage.outcome_key.key_arn
    by_workspace, by_function, due, failures = (
        f"{table}/index/{name}" for name in ("byWorkspace", "byFunction", "due", "failures")
    )
    for rerun_deps in (stack.api_rerun, stack.on_run_failed):
        _allow(rerun_deps, ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], table)
        _allow(rerun_deps, _RESEAL, inputs)
    _allow(stack.on_run_failed, ["dynamodb:GetItem"], table)

    _allow(stack.api_cancel, ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], table)

    _allow(stack.api_runs, ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"], table)
    _allow(stack.api_runs, ["dynamodb:Query"], by_workspace, by_function, failures)
    _allow(stack.api_runs, ["kms:Decrypt"], inputs, outcomes)

    _allow(stack.api_registry, ["dynamodb:GetItem", "dynamodb:BatchGetItem"], table)
    _allow(stack.api_registry, ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], table)
    _allow(stack.api_registry, ["dynamodb:Query"], by_workspace)
    _allow(stack.api_registry, _RESEAL, inputs)

    for start_deps in (stack.api_triggers, stack.api_webhooks, stack.on_event):
        _allow(start_deps, _START, table)
        _allow(start_deps, _RESEAL, inputs)

    # An event that cannot be executed is a failed run at once.
    _allow(stack.on_event, ["kms:GenerateDataKey"], outcomes)

    _allow(stack.capture_failures, ["dynamodb:Query", "dynamodb:BatchGetItem"], table)
    _allow(stack.capture_failures, ["dynamodb:PutItem", "dynamodb:UpdateItem"], table)
    _allow(stack.capture_failures, ["kms:GenerateDataKey"], inputs, outcomes)

    _allow(stack.execute_runs, ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], table)
    # To find the parts of a run that are not yet where they stay.
    _allow(stack.execute_runs, ["dynamodb:Query"], table)
    # The secret of the stack, which the hash of a configuration is keyed with, is made by who needs it first.
    _allow(stack.execute_runs, _RESEAL, inputs)
    _allow(stack.execute_runs, ["kms:GenerateDataKey"], outcomes)

    _allow(stack.watchdog, ["dynamodb:Query"], due, table)
    _allow(stack.watchdog, ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem"], table)
    _allow(stack.watchdog, ["dynamodb:UpdateItem", "dynamodb:DeleteItem"], table)
    _allow(stack.watchdog, ["kms:GenerateDataKey"], outcomes)

    _allow(stack.housekeeping, ["dynamodb:Query"], due)
    _allow(stack.housekeeping, ["dynamodb:GetItem", "dynamodb:BatchGetItem"], table)
    _allow(stack.housekeeping, ["dynamodb:UpdateItem", "dynamodb:DeleteItem"], table)


def _grant_objects(stack: "FunctionRerunStack") -> None:
    """Parts that are too large for the table: staged, moved to where they stay, read, deleted."""
    bucket = stack.storage.bucket.bucket_arn
    staged, kept = f"{bucket}/{STAGING}*", f"{bucket}/{KEPT}*"
    writers = (*_starters(stack), stack.capture_failures, stack.execute_runs)
    for function in writers:
        _allow(function, ["s3:PutObject", "s3:GetObject"], staged, kept)
        _allow(function, ["s3:DeleteObject"], staged)
    # It moves what others have left half-way, and reads nothing else.
    _allow(stack.watchdog, ["s3:GetObject", "s3:DeleteObject"], staged)
    _allow(stack.watchdog, ["s3:GetObject", "s3:PutObject"], kept)
    _allow(stack.api_runs, ["s3:GetObject"], staged, kept)
    _allow(stack.housekeeping, ["s3:DeleteObject"], staged, kept)
    # Who may not list a bucket is told "forbidden" of an object that is not there.
    for function in (*writers, stack.watchdog, stack.api_runs, stack.housekeeping):
        _allow(function, ["s3:ListBucket"], bucket)


def _grant_messages(stack: "FunctionRerunStack") -> None:
    queue, bus = stack.messaging.run_queue.queue_arn, stack.messaging.lifecycle_bus.event_bus_arn
    for function in (*_starters(stack), stack.execute_runs, stack.watchdog):
        _allow(function, ["sqs:SendMessage"], queue)
    _allow(stack.watchdog, ["sqs:GetQueueAttributes"], queue)
    dead_letters = stack.messaging.dead_letters.queue_arn
    _allow(stack.watchdog, ["sqs:ReceiveMessage", "sqs:DeleteMessage"], dead_letters)
    for function in (stack.execute_runs, stack.capture_failures, stack.api_cancel, stack.watchdog):
        _allow(function, ["events:PutEvents"], bus)


def _grant_sources(stack: "FunctionRerunStack") -> None:
    """The rules and schedules of triggers, of this stack's name only."""
    role = stack.sources.scheduler_role.role_arn
    rules = stack.sources.rule_arns(stack.settings.listened_buses)
    for function in (stack.api_registry, stack.watchdog):
        _allow(function, ["events:PutRule"], *rules)
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["events:PutTargets"], resources=rules, conditions=_only_target(stack.on_event.function_arn)
            )
        )
        # A bus that the context names no more still has rules, which have to go.
        _allow(function, ["events:RemoveTargets", "events:DeleteRule"], *stack.sources.rule_arns_of_any_bus())
        schedules = ["CreateSchedule", "GetSchedule", "UpdateSchedule", "DeleteSchedule"]
        _allow(function, [f"scheduler:{action}" for action in schedules], stack.sources.schedule_arns)
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[role],
                conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
            )
        )
    # It tests a text against a text: there is no resource to name.
    _allow(stack.api_registry, ["events:TestEventPattern"], "*")


def _only_target(arn: str) -> dict[str, dict[str, Any]]:
    """All targets of a request are this one, and there is one: of none at all `ForAllValues` would be true, too.

    `events:TargetArn` holds a list: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    """
    return {"ForAllValues:ArnEquals": {"events:TargetArn": arn}, "Null": {"events:TargetArn": "false"}}


def _grant_functions(stack: "FunctionRerunStack") -> None:
    if patterns := stack.settings.invokable_patterns:
        # The pattern alone does not cover its versions and aliases.
        invokable = [*patterns, *(f"{pattern}:*" for pattern in patterns)]
        _allow(stack.api_registry, ["lambda:GetFunctionConfiguration"], *invokable)
        _allow(stack.execute_runs, ["lambda:InvokeFunction", "lambda:GetFunction", "lambda:PublishVersion"], *invokable)
    _deny_own_functions(stack, stack.execute_runs)


def _grant_sweep(stack: "FunctionRerunStack", sweep_deps: lambda_.Function) -> None:
    table = stack.storage.table.table_arn
    _allow(sweep_deps, ["dynamodb:Scan"], f"{table}/index/byWorkspace")
    _allow(sweep_deps, ["dynamodb:BatchGetItem"], table)
    if patterns := stack.settings.invokable_patterns:
        versions = [f"{pattern}:*" for pattern in patterns]
        _allow(sweep_deps, ["lambda:ListVersionsByFunction", "lambda:ListAliases"], *patterns, *versions)
        # Versions only: the ARN of a function itself, which would take all its versions with it, is not among these.
        _allow(sweep_deps, ["lambda:DeleteFunction"], *versions)
    _deny_own_functions(stack, sweep_deps)


def _deny_own_functions(stack: "FunctionRerunStack", function: lambda_.Function) -> None:
    function.add_to_role_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=["lambda:*"],
            resources=[stack.own_functions, f"{stack.own_functions}:*"],
        )
    )


def _starters(stack: "FunctionRerunStack") -> tuple[lambda_.Function, ...]:
    """Who records new runs and pushes them."""
    return stack.api_rerun, stack.api_triggers, stack.api_webhooks, stack.on_event, stack.on_run_failed


def _allow(function: lambda_.Function, actions: list[str], *resources: str) -> None:
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=list(resources)))

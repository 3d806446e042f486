"""What a role may be allowed to do, as small named bundles. Which function has which, its description says.

All grants of all functions can be read as one in docs/reference/grants.md, which a test compares with the template.
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_iam as iam

from handlers.domain.seal import NO_WORKSPACE
from infra.resources import Resources
from infra.storage import KEPT, STAGING

Grants = Sequence[iam.PolicyStatement]


def table(r: Resources, *actions: str) -> Grants:
    return [_allow("dynamodb", actions, r.storage.table.table_arn)]


def acts(r: Resources, *actions: str) -> Grants:
    """Of the table's items, the acts alone: to read them, or to write one that goes with no other change.

    An act that is written in one transaction with a run takes PutItem on the table: AWS does not say whether the keys
    of a transaction are those of each of its actions, or of all together.
    """
    return _items(r, "AUDIT#*", *actions)


def delete_overrides_of_batches(r: Resources) -> Grants:
    """Once a batch has ended. The condition is by partition: it holds for all items of batches, and for no others."""
    return _items(r, "BATCH#*", "DeleteItem")


def _items(r: Resources, partitions: str, *actions: str) -> Grants:
    # Of a request without any key `ForAllValues` would be true, too.
    conditions = {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": partitions},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }
    return [_allow("dynamodb", actions, r.storage.table.table_arn, conditions=conditions)]


def index(r: Resources, *names: str, action: str = "Query") -> Grants:
    return [_allow("dynamodb", [action], *(f"{r.storage.table.table_arn}/index/{name}" for name in names))]


def seal_inputs(r: Resources) -> Grants:
    return [_allow("kms", ["GenerateDataKey"], r.storage.input_key.key_arn)]


def unseal_inputs(r: Resources) -> Grants:
    return [_allow("kms", ["Decrypt"], r.storage.input_key.key_arn)]


def unseal_secrets(r: Resources) -> Grants:
    """The installation's own alone, no workspace's inputs: the emulator denies whatever names an encryption context."""
    only_secrets = {"StringEquals": {"kms:EncryptionContext:workspace": NO_WORKSPACE}}
    conditions = only_secrets if r.settings.production else None
    return [_allow("kms", ["Decrypt"], r.storage.input_key.key_arn, conditions=conditions)]


def seal_outcomes(r: Resources) -> Grants:
    return [_allow("kms", ["GenerateDataKey"], r.storage.outcome_key.key_arn)]


def unseal_outcomes(r: Resources) -> Grants:
    return [_allow("kms", ["Decrypt"], r.storage.outcome_key.key_arn)]


def read_large_parts(r: Resources) -> Grants:
    """Of parameters and outcomes that are too large for the table."""
    return [_allow("s3", ["GetObject"], *_objects(r)), _list_objects(r)]


def write_large_parts(r: Resources) -> Grants:
    """They are staged, then moved to where they stay; who merges into one reads it."""
    staged, kept = _objects(r)
    return [
        _allow("s3", ["PutObject", "GetObject"], staged, kept),
        _allow("s3", ["DeleteObject"], staged),
        _list_objects(r),
    ]


def finish_large_parts(r: Resources) -> Grants:
    """To move what others have left staged."""
    staged, kept = _objects(r)
    return [
        _allow("s3", ["GetObject", "DeleteObject"], staged),
        _allow("s3", ["GetObject", "PutObject"], kept),
        _list_objects(r),
    ]


def delete_large_parts(r: Resources) -> Grants:
    return [_allow("s3", ["DeleteObject"], *_objects(r)), _list_objects(r)]


def erase_large_parts(r: Resources) -> Grants:
    """By their names: nothing is listed."""
    return [_allow("s3", ["DeleteObject"], *_objects(r))]


def start_runs(r: Resources) -> Grants:
    """Record new runs and send them to the executor. UpdateItem notes that a large part was moved to where it stays."""
    return [
        *table(r, "BatchGetItem", "PutItem", "UpdateItem"),
        *(*seal_inputs(r), *unseal_inputs(r), *write_large_parts(r)),
        *send_runs(r),
    ]


def repeat_runs(r: Resources) -> Grants:
    """To see in the same transaction that the run that is repeated was not erased meanwhile."""
    return table(r, "ConditionCheckItem")


def send_runs(r: Resources) -> Grants:
    return [_allow("sqs", ["SendMessage"], r.messaging.run_queue.queue_arn)]


def start_batches(r: Resources) -> Grants:
    """Executions of the one state machine, and no other."""
    return [_allow("states", ["StartExecution"], r.batches_arn)]


def end_runs(r: Resources) -> Grants:
    """To note a failure in its error group, and to publish the end."""
    return [*table(r, "GetItem", "PutItem", "UpdateItem"), *publish_lifecycle_events(r)]


def publish_lifecycle_events(r: Resources) -> Grants:
    return [_allow("events", ["PutEvents"], r.messaging.lifecycle_bus.event_bus_arn)]


def queue(arn: str, *actions: str) -> Grants:
    return [_allow("sqs", actions, arn)]


def manage_trigger_sources(r: Resources) -> Grants:
    """The rules and schedules of triggers, of this stack's name only; all of them call on_event and nothing else."""
    sources = r.trigger_sources
    for_scheduler = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    return [
        _allow("events", ["PutRule"], *sources.rule_arns()),
        _allow("events", ["PutTargets"], *sources.rule_arns(), conditions=_only_target(r.function_arn("on_event"))),
        # A bus that the context no longer names still has rules, which have to go.
        _allow("events", ["RemoveTargets", "DeleteRule"], *sources.rule_arns_of_any_bus()),
        _allow(
            "scheduler",
            ["CreateSchedule", "GetSchedule", "UpdateSchedule", "DeleteSchedule"],
            sources.schedule_arns,
        ),
        _allow("iam", ["PassRole"], sources.scheduler_role.role_arn, conditions=for_scheduler),
    ]


def check_event_patterns() -> Grants:
    """It compares two texts: there is no resource to name."""
    return [_allow("events", ["TestEventPattern"], "*")]


def invokable_functions(r: Resources, *actions: str) -> Grants:
    """Functions that the context permits, with their versions and aliases, which the pattern alone does not cover."""
    patterns = r.settings.invokable_patterns
    return [_allow("lambda", actions, *patterns, *_qualified(r))] if patterns else []


def versions_of_invokable_functions(r: Resources, *actions: str) -> Grants:
    """Not the functions themselves: to delete one of these would delete all its versions."""
    return [_allow("lambda", actions, *_qualified(r))] if r.settings.invokable_patterns else []


def deny_own_functions(r: Resources) -> Grants:
    """For roles that may touch functions of the team: a wide pattern of the context covers this stack's, too."""
    resources = [r.own_functions, f"{r.own_functions}:*"]
    return [iam.PolicyStatement(effect=iam.Effect.DENY, actions=["lambda:*"], resources=resources)]


def _qualified(r: Resources) -> list[str]:
    return [f"{pattern}:*" for pattern in r.settings.invokable_patterns]


def _objects(r: Resources) -> tuple[str, str]:
    bucket = r.storage.bucket.bucket_arn
    return f"{bucket}/{STAGING}*", f"{bucket}/{KEPT}*"


def _list_objects(r: Resources) -> iam.PolicyStatement:
    """Without it S3 answers "forbidden" for an object that is not there."""
    return _allow("s3", ["ListBucket"], r.storage.bucket.bucket_arn)


def _only_target(arn: str) -> dict[str, dict[str, Any]]:
    """All targets of a request are this one, and there is one: of none at all `ForAllValues` would be true, too.

    `events:TargetArn` holds a list: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    """
    return {"ForAllValues:ArnEquals": {"events:TargetArn": arn}, "Null": {"events:TargetArn": "false"}}


def _allow(
    service: str, actions: Sequence[str], *resources: str, conditions: dict[str, Any] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=[f"{service}:{action}" for action in actions], resources=list(resources), conditions=conditions
    )

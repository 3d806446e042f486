"""What to do after each error of the API, by its code: the end of the line that the command line prints."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_ANOTHER_TRIGGER = "fnrun execute another trigger with the parameters: fnrun runs show {run} --include parameters"

NEXT_STEPS: Mapping[str, str] = MappingProxyType(
    {
        # Who asks.
        "UNAUTHENTICATED": "fnrun login",
        "FORBIDDEN": "ask for that grant; fnrun whoami shows those that you have",
        "FUNCTION_NOT_PERMITTED": "the operator names the function in invokableFunctions, then runs make deploy",
        "WRONG_WORKSPACE": "name the workspace of the run with --workspace",
        # What is asked.
        "INVALID_REQUEST": "correct what the message names",
        "TOO_LARGE": "keep large values in S3 and pass their keys; reveal parts one by one with --include",
        "INVALID_RUN_ID": "fnrun runs list shows ids",
        "RUN_NOT_FOUND": "fnrun runs list; runs are deleted after the retention time",
        "NOT_FOUND": "check id and workspace: fnrun runs list, triggers list, functions list, batch list, errors",
        "VERSION_REQUIRED": "read it again, and change what you find",
        "STALE": "read it again, and change what you find",
        "REFUSED": "read the message",
        # Why a run cannot be re-run.
        "ORCHESTRATION_RUN": "re-run the workflow that started it, or fnrun execute its trigger again",
        "NO_PARAMETERS": "fnrun runs show {run} says why; fnrun execute its trigger with a payload of yours",
        "DECRYPTION_FAILED": "tell the operator: stored content is damaged",
        "TRIGGER_NOT_FOUND": _ANOTHER_TRIGGER,
        "FUNCTION_NOT_FOUND": _ANOTHER_TRIGGER,
        "ALREADY_RECOVERED": "fnrun runs show {other}, or --even-if-recovered to re-run it all the same",
        "RERUN_OPEN": "fnrun runs show {other}; wait for it or fnrun cancel {other}, or --even-if-recovered",
        "EFFECT_KEY_UNKNOWN": "leave out --effects same, or wait until the run has been executed",
        "PLAN_OUTDATED": "fnrun rerun {run} --plan, and read what is different",
        "RERUN_LIMIT_REACHED": "fnrun execute its trigger again, or ask the operator to raise maxRerunsPerLineage",
        "IDEMPOTENCY_KEY_REUSED": "use a new --idempotency-key for each new request",
        # What stands in the way.
        "CONFLICT": "look at it again: it is not as the request expects",
        "RUN_ENDED": "fnrun runs show {run}",
        "BATCH_ENDED": "start another batch: it takes what is not recovered",
        "NAME_TAKEN": "see which there are: fnrun functions list, fnrun triggers list",
        "PATH_TAKEN": "see which there are: fnrun triggers list",
        "TRIGGER_DISABLED": "enable it: fnrun triggers edit",
        "TRIGGER_UNREADABLE": "remove the trigger, and add it again",
        "BEING_CHANGED": "try again in a minute",
        "SOURCE_LIMIT_REACHED": "raise AWS's quota, or remove triggers",
        "BAD_SIGNATURE": "check the webhook's secret and the sender's clock",
        # The service.
        "UNAVAILABLE": "try again in a minute; fnrun doctor says what is wrong",
        "SERVICE_MISCONFIGURED": "tell the operator, whose alarm says more; accepted runs wait",
        "INTERNAL_ERROR": "tell the operator the request id: the log has the rest",
    }
)
_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "reason": "--reason",
        "overrideParams": "--set and --params",
        "notBefore": "--not-before",
        "payload": "--payload and --set",
        "orchestrationId": "--orchestration-id",
        "Idempotency-Key": "--idempotency-key",
        "rerunBy": "--by",
        "errorCode": "--error",
        "functionVersion": "--version",
        "from": "--from",
        "to": "--to",
        "action": "--action",
        "experimentId": "--experiment",
        "batchId": "--batch",
        "candidateVersion": "--candidate-version",
        "ignore": "--ignore",
        "name": "the name",
        "functionArn": "the ARN",
        "ignoreDifferences": "--ignore-differences",
        "triggerId": "the trigger: fnrun triggers list",
        "triggerMetadata.cronExpression": "--cron",
        "triggerMetadata.timezone": "--timezone",
        "triggerMetadata.interval": "--rate",
        "triggerMetadata.at": "--at",
        "triggerMetadata.eventPattern": "--event-pattern",
        "triggerMetadata.eventBusName": "--bus",
        "triggerMetadata.path": "--path",
        "triggerMetadata.params": "--params",
        "retryPolicy.maxRetries": "--retries",
        "retryPolicy.initialDelaySeconds": "--retry-delay",
        "retryPolicy.backoffRate": "--retry-backoff",
        "retryPolicy.maxDelaySeconds": "--retry-max-delay",
        "retryPolicy.nonRetryableErrors": "--retry-not",
        "errorGroupId": "--group",
        "resolvedInVersion": "--in-version",
        "filter.errorGroupId": "--group",
        "filter.functionId": "--function",
        "filter.triggerId": "--trigger",
        "filter.errorCode": "--error",
        "filter.functionVersion": "--failed-on",
        "filter.from": "--from",
        "filter.to": "--to",
        "canary.count": "--canary",
        "pace": "--start-per-second and --max-per-second",
        "pace.startPerSecond": "--start-per-second",
        "pace.maxPerSecond": "--max-per-second",
        "pace.doubleEverySeconds": "--double-every",
        "stopWhen.failureRate": "--stop-on rate",
        "stopWhen.failures": "--stop-on failures",
    }
)
"""Where a field of the API is typed."""
_INSTEAD = (
    (r"fnrun errors: No such command '([0-9a-fA-F]{4,32})'", r"fnrun errors show \1"),
    (r"fnrun rerun: No such option: --group", "fnrun batch start --group GROUP"),
    (r"fnrun batch: No such command 'stop'", "fnrun batch pause BATCH, or for good fnrun batch cancel BATCH"),
    (
        r"fnrun batch resume: No such option: --(?:latest|version|set)",
        "fnrun batch cancel BATCH, then fnrun batch start",
    ),
)
"""What was probably meant, by the command and how its message begins."""
_OF_A_NEWER_SERVICE = "fnrun doctor"


def next_step(refusal: Mapping[str, Any], *, run: str | None = None) -> str:
    """Of an error of the API, or a refusal of a plan; `run` is what was asked about."""
    field = re.sub(r"\.\d+$", "", refusal.get("field") or "")  # of a list, whichever it is
    if field in _OPTIONS:
        return f"correct {_OPTIONS[field]}"
    step = NEXT_STEPS.get(refusal["code"], _OF_A_NEWER_SERVICE)
    return step.format(run=run or "RUN", other=refusal.get("runId") or "RUN")


def step_of_wrong_usage(command: str, message: str) -> str:
    """Of a command that cannot be read."""
    said = f"{command}: {message}"
    found = ((re.match(pattern, said), step) for pattern, step in _INSTEAD)
    return next((match.expand(step) for match, step in found if match), f"{command} --help")


def with_run(message: str, refusal: Mapping[str, Any]) -> str:
    """The API's sentence with the id that it names by its field's name."""
    run_id = refusal.get("runId")
    return message.replace("`runId`", run_id) if isinstance(run_id, str) else message

"""What this service tells its operators: log lines, the audit trail among them, and metrics.

Each line has the ids that `handlers.domain.log_context` knows: `requestId`, which callers see in error answers, `runId`
and `originalRunId`. Beside them stand types, ids, places and AWS's codes; never content, and never an error's message,
which may quote what a caller sent.

Metrics are lines, too, in CloudWatch's embedded metric format. Namespace is the stack's name; the one dimension,
`service`, is the same in every Lambda. So an alarm names exactly one metric, whichever Lambda has counted; which one it
was is in its log, beside the line.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import wraps
from logging import LogRecord
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic.alias_generators import to_camel

from handlers.domain.errors import Misconfigured, Refused, ServiceError
from handlers.domain.identity import WORKSPACE
from handlers.domain.ids import FOREIGN_ID, parse_group_id, parse_id
from handlers.domain.log_context import add_ids, current_ids, new_log_context

SERVICE = "function-rerun"
_FRAMES = 6
_PATH_IDS = frozenset({"runId", "triggerId", "functionId"})
logger = Logger()

Answer = TypeVar("Answer")
AuditLine = dict[str, Any]


class Metric(StrEnum):
    """What is counted."""

    PERMANENT_FAULTS = "PermanentFaults"
    EVENTS_LOST = "EventsLost"
    """What a schedule or a rule has delivered, or a failure that was to be retried, and can never start a run."""
    EVENTS_PASSED_OVER = "EventsPassedOver"
    """What was delivered to a trigger that is disabled, or not yet there: as people want it."""
    FAILURES_CAPTURED = "FailuresCaptured"
    FAILURES_CAPTURED_BEFORE = "FailuresCapturedBefore"
    FAILURES_NOT_PERMITTED = "FailuresNotPermitted"
    FAILURES_OF_UNREGISTERED_FUNCTIONS = "FailuresOfUnregisteredFunctions"
    FAILURES_NOT_CAPTURED = "FailuresNotCaptured"
    SUCCESSES_PASSED_OVER = "SuccessesPassedOver"
    BATCHES_STOPPED = "BatchesStopped"
    """Batches of re-runs that a rule of theirs has stopped: somebody has to look why."""


def entry_point(handler: Callable[[Any, LambdaContext], Answer]) -> Callable[[Any, LambdaContext], Answer]:
    """Decorates each `lambda_handler`. The ids of one invocation are on its own lines, and on no others."""

    @logger.inject_lambda_context
    @wraps(handler)
    def invoked(event: Any, context: LambdaContext) -> Answer:
        with new_log_context(requestId=_request_id(event) or context.aws_request_id):
            add_ids(**_path_ids(event))
            return handler(event, context)

    return invoked


def event_entry_point(handler: Callable[[Any, LambdaContext], dict[str, str]]) -> Callable[..., dict[str, str]]:
    """Decorates a `lambda_handler` that Lambda calls asynchronously.

    What can never succeed is counted, for an alarm, and answered with its code; any other fault is raised, for Lambda
    to try again. Either is logged.
    """

    @entry_point
    @wraps(handler)
    def invoked(event: Any, context: LambdaContext) -> dict[str, str]:
        try:
            return handler(event, context)
        except Refused as refused:
            count(Metric.EVENTS_LOST)
            log_fault(refused)
            return {"dropped": refused.code}
        except Exception as fault:
            log_fault(fault)
            raise

    return invoked


def _request_id(event: Any) -> str | None:
    """The id that API Gateway has given to the request; None for any other event."""
    try:
        request_id = event["requestContext"]["requestId"]
    except (KeyError, TypeError):
        return None
    return request_id if isinstance(request_id, str) and FOREIGN_ID.fullmatch(request_id) else None


def _path_ids(event: Any) -> dict[str, str | None]:
    """The ids in the path of a request; none of any other event."""
    parameters = event.get("pathParameters") if isinstance(event, dict) else None
    named = parameters.items() if isinstance(parameters, dict) else ()
    return {name: parse_id(value) for name, value in named if name in _PATH_IDS and isinstance(value, str)}


def _add_ids(record: LogRecord) -> bool:
    for name, each in current_ids().items():
        record.__dict__.setdefault(name, each)
    return True


logger.addFilter(_add_ids)


@contextmanager
def audited(action: str, *, workspace: str, **ids: str) -> Iterator[AuditLine]:
    """One audit line for what is done within: who, what, to which of our things, why and how it ended, refused or not.

    `ids` are of those things, `run_id` for example. The caller adds to the line what it learns: ids, never content. A
    text that is not an id, or not a workspace's name, could hold anything: it is left out.
    """
    known = {to_camel(name): parse_id(given) or parse_group_id(given) for name, given in ids.items()}
    line: AuditLine = {"action": action, "by": None, "workspace": workspace if WORKSPACE.fullmatch(workspace) else None}
    line |= known
    add_ids(**known)
    try:
        yield line
    except Exception as error:
        line["outcome"] = error.code if isinstance(error, ServiceError) else ServiceError.code
        raise
    else:
        line["outcome"] = "done"
    finally:
        logger.info("audit", extra={"audit": line})


def log_fault(fault: BaseException, **where: Any) -> None:
    """Log it with its causes, unless that was done by `log_permanent_fault` where AWS refused."""
    causes = _causes(fault)
    if not any(isinstance(each, Misconfigured) for each in causes):
        _log_causes(causes, _places(traceback.extract_tb(fault.__traceback__)), where)


def log_permanent_fault(fault: Exception) -> None:
    """What AWS refuses for good is also counted, for an alarm: the caller may go on retrying all the same."""
    # The error has hardly left the call: the stack shows where it was made.
    ours = [frame for frame in traceback.extract_stack() if "/handlers/" in frame.filename]
    _log_causes(_causes(fault), _places(ours[:-1]), {"permanent": True})
    count(Metric.PERMANENT_FAULTS)


def _log_causes(causes: list[BaseException], at: list[str], where: dict[str, Any]) -> None:
    logger.error("fault", extra={"causes": [_describe(each) for each in causes], "at": at, **where})


def _places(frames: list[traceback.FrameSummary]) -> list[str]:
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-_FRAMES:]]


def _causes(fault: BaseException | None) -> list[BaseException]:
    return [] if fault is None else [fault, *_causes(fault.__cause__)]


def _describe(cause: BaseException) -> dict[str, str]:
    described = {"type": type(cause).__qualname__}
    answer = getattr(cause, "response", None)
    if isinstance(answer, dict):
        described["awsError"] = str(answer.get("Error", {}).get("Code"))
        described["operation"] = str(getattr(cause, "operation_name", ""))
    return described


def count(metric: Metric) -> None:
    """One more. It is written at once: what is counted is not lost if the process dies afterwards.

    The namespace is POWERTOOLS_METRICS_NAMESPACE. Raises SchemaValidationError without it.
    """
    with single_metric(metric, MetricUnit.Count, 1, default_dimensions={"service": SERVICE}):
        pass

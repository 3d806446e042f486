"""What doors log: faults and the audit trail.

Types, ids, places and AWS's codes; never content, and never an error's message, which may quote what a caller sent.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger
from pydantic.alias_generators import to_camel

from handlers.domain.errors import ServiceError
from handlers.domain.identity import WORKSPACE
from handlers.domain.ids import parse_id
from handlers.metrics import Metric, count

_FRAMES = 6
logger = Logger()


AuditLine = dict[str, Any]


@contextmanager
def audited(action: str, *, workspace: str, **ids: str) -> Iterator[AuditLine]:
    """One audit line for what is done within: who, what, to which of our things, why and how it ended, refused or not.

    `ids` are of those things, `run_id` for example. The caller adds to the line what it learns: ids, never content. A
    text that is not an id, or not a workspace's name, could hold anything: it is left out.
    """
    line: AuditLine = {"action": action, "by": None}
    line["workspace"] = workspace if WORKSPACE.fullmatch(workspace) else None
    line |= {to_camel(name): parse_id(given) for name, given in ids.items()}
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
    frames = traceback.extract_tb(fault.__traceback__)[-_FRAMES:]
    at = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    logger.error("fault", extra={"causes": [_describe(each) for each in _causes(fault)], "at": at, **where})


def log_permanent_fault(fault: Exception) -> None:
    """What AWS refuses for good is also counted, for an alarm: the caller may go on retrying all the same."""
    log_fault(fault, permanent=True)
    count(Metric.PERMANENT_FAULTS)


def _causes(fault: BaseException | None) -> list[BaseException]:
    return [] if fault is None else [fault, *_causes(fault.__cause__)]


def _describe(cause: BaseException) -> dict[str, str]:
    described = {"type": type(cause).__qualname__}
    answer = getattr(cause, "response", None)
    if isinstance(answer, dict):
        described["awsError"] = str(answer.get("Error", {}).get("Code"))
        described["operation"] = str(getattr(cause, "operation_name", ""))
    return described

"""What doors log: faults and the audit trail.

Types, ids, places and AWS's codes; never content, and never an error's message, which may quote what a caller sent.
"""

import traceback
from typing import Any

from aws_lambda_powertools import Logger

_FRAMES = 6
logger = Logger()


def audit(action: str, *, by: str, workspace: str, run_id: str, outcome: str, **more: Any) -> None:
    """One line for each re-run, accepted or refused, and each reveal: who, what, why and how it ended."""
    line = {"action": action, "by": by, "workspace": workspace, "runId": run_id[:64], "outcome": outcome, **more}
    logger.info("audit", extra={"audit": line})


def log_fault(fault: BaseException, **where: Any) -> None:
    frames = traceback.extract_tb(fault.__traceback__)[-_FRAMES:]
    at = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    logger.error("fault", extra={"causes": [_told(each) for each in _causes(fault)], "at": at, **where})


def _causes(fault: BaseException | None) -> list[BaseException]:
    return [] if fault is None else [fault, *_causes(fault.__cause__)]


def _told(cause: BaseException) -> dict[str, str]:
    told = {"type": type(cause).__qualname__}
    answer = getattr(cause, "response", None)
    if isinstance(answer, dict):
        told["awsError"] = str(answer.get("Error", {}).get("Code"))
        told["operation"] = str(getattr(cause, "operation_name", ""))
    return told

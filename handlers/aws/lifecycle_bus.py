"""The lifecycle bus: tells that a run has ended, by its ids, never by its content."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from handlers.domain.run import FunctionRun, Status

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

EVENT_SOURCE = "function-rerun"
COMPLETED = "Function Run Completed"
FAILED = "Function Run Failed"

_TOLD = (
    *("id", "workspace", "functionId", "triggerId", "status", "errorCode", "executionSource", "isRerun"),
    *("originalRunId", "sourceRunId", "retryAttempt", "functionVersion", "createdAt", "endedAt"),
)


class LifecycleBus:
    def __init__(self, client: "EventBridgeClient", name: str, report: Callable[[Exception], None]) -> None:
        """`report` is told of what announce does not raise."""
        self._client = client
        self._name = name
        self._report = report

    def announce(self, run: FunctionRun) -> bool:
        document = run.document()
        detail = {"functionRunId" if name == "id" else name: document[name] for name in _TOLD}
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._name,
                        "Source": EVENT_SOURCE,
                        "DetailType": COMPLETED if run.status is Status.COMPLETED else FAILED,
                        "Detail": json.dumps(detail),
                    }
                ]
            )
        except (ClientError, BotoCoreError) as fault:
            self._report(fault)
            return False
        # PutEvents answers 200 even when it took nothing.
        return answer["FailedEntryCount"] == 0

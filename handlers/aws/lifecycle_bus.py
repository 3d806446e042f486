"""The lifecycle bus: tells that a run has ended, by its ids, never by its content."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from handlers.aws import aws_errors
from handlers.domain.errors import Unavailable
from handlers.domain.runs import lifecycle
from handlers.domain.runs.run import FunctionRun

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


class LifecycleBus:
    def __init__(self, client: "EventBridgeClient", name: str, report: Callable[[Exception], None]) -> None:
        """`report` receives what `publish` does not raise."""
        self._client = client
        self._name = name
        self._report = report

    def publish(self, run: FunctionRun) -> bool:
        try:
            with aws_errors.translated():
                answer = self._client.put_events(
                    Entries=[
                        {
                            "EventBusName": self._name,
                            "Source": lifecycle.EVENT_SOURCE,
                            "DetailType": lifecycle.detail_type(run),
                            "Detail": json.dumps(lifecycle.detail(run)),
                        }
                    ]
                )
        except Unavailable as fault:
            self._report(fault)
            return False
        # PutEvents answers 200 even when it took nothing.
        if answer["FailedEntryCount"]:
            code = answer["Entries"][0].get("ErrorCode", "")
            refused = aws_errors.EntryRefused(code)
            self._report(refused)
            if not aws_errors.is_passing_code(code):
                aws_errors.notify_observers(refused)
            return False
        return True

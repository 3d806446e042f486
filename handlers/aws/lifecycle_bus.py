"""The lifecycle bus: its events say that a run has ended, by ids, never by content."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from handlers.aws import aws_errors
from handlers.domain.errors import Unavailable
from handlers.domain.log_context import concerns_run, log_context
from handlers.domain.runs import lifecycle
from handlers.domain.runs.run import FunctionRun

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef


class LifecycleBus:
    def __init__(self, client: "EventBridgeClient", name: str, report: Callable[[Exception], None]) -> None:
        """`report` receives what `publish` does not raise."""
        self._client = client
        self._name = name
        self._report = report

    def publish(self, runs: Sequence[FunctionRun]) -> list[FunctionRun]:
        try:
            with aws_errors.translated():
                answers = self._client.put_events(Entries=[self._entry(run) for run in runs])["Entries"]
        except Unavailable as fault:
            self._report(fault)
            return []
        # PutEvents answers 200 even when it took nothing.
        codes = [answer.get("ErrorCode") for answer in answers]
        for run, code in zip(runs, codes, strict=False):
            if code is not None:
                self._refused(run, code)
        return [run for run, code in zip(runs, codes, strict=False) if code is None]

    def _entry(self, run: FunctionRun) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._name,
            "Source": lifecycle.EVENT_SOURCE,
            "DetailType": lifecycle.detail_type(run),
            "Detail": json.dumps(lifecycle.detail(run)),
        }

    def _refused(self, run: FunctionRun, code: str) -> None:
        refused = aws_errors.EntryRefused(code)
        with log_context():
            concerns_run(run.id, run.lineage_id)
            self._report(refused)
            if not aws_errors.is_passing_code(code):
                aws_errors.notify_observers(refused)

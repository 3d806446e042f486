"""The lifecycle bus: its events say that a run has ended, by ids, never by content."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from handlers.aws import aws_errors
from handlers.domain.error_groups import lifecycle as lifecycle_of_groups
from handlers.domain.error_groups.group import ErrorGroup
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

    def publish_group(self, group: ErrorGroup, run: FunctionRun) -> bool:
        return self._put([(run, lifecycle_of_groups.detail_type(group), lifecycle_of_groups.detail(group, run))]) == [
            run
        ]

    def publish(self, runs: Sequence[FunctionRun]) -> list[FunctionRun]:
        return self._put([(run, lifecycle.detail_type(run), lifecycle.detail(run)) for run in runs])

    def _put(self, events: Sequence[tuple[FunctionRun, str, dict[str, Any]]]) -> list[FunctionRun]:
        """The runs whose events the bus took; each event with its type and detail."""
        entries: list[PutEventsRequestEntryTypeDef] = [
            {
                "EventBusName": self._name,
                "Source": lifecycle.EVENT_SOURCE,
                "DetailType": detail_type,
                "Detail": json.dumps(detail),
            }
            for _, detail_type, detail in events
        ]
        try:
            with aws_errors.translated():
                answers = self._client.put_events(Entries=entries)["Entries"]
        except Unavailable as fault:
            self._report(fault)
            return []
        # PutEvents answers 200 even when it took nothing.
        codes = [answer.get("ErrorCode") for answer in answers]
        runs = [run for run, *_ in events]
        for run, code in zip(runs, codes, strict=False):
            if code is not None:
                self._refused(run, code)
        return [run for run, code in zip(runs, codes, strict=False) if code is None]

    def _refused(self, run: FunctionRun, code: str) -> None:
        refused = aws_errors.EntryRefused(code)
        with log_context():
            concerns_run(run.id, run.lineage_id)
            self._report(refused)
            if not aws_errors.is_passing_code(code):
                aws_errors.notify_observers(refused)

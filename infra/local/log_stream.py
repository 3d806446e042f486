"""What the emulated Lambdas log, in the order it was logged."""

from collections import Counter
from collections.abc import Iterator
from typing import Any


class LogStream:
    """Each call of `unread` gives the lines that have come since the last one, as (function, line)."""

    def __init__(self, logs: Any, functions: Any) -> None:
        """`logs` and `functions` are clients of CloudWatch Logs and Lambda."""
        self._logs = logs
        self._functions = functions
        self._read: set[tuple[str, str, int, str, int]] = set()
        self._latest: dict[str, int] = {}

    def unread(self) -> Iterator[tuple[str, str]]:
        fresh = [
            (event["timestamp"], function, event["message"].rstrip("\n"))
            for group, function in self._groups().items()
            for event in self._events(group)
        ]
        # The sort is stable: lines of one millisecond stay in the order of their group.
        for _, function, line in sorted(fresh, key=lambda entry: entry[0]):
            yield function, line

    def _groups(self) -> dict[str, str]:
        """Log group → the function that writes to it. CloudFormation chose the names of the service's own groups."""
        pages = self._functions.get_paginator("list_functions").paginate()
        names = [function["FunctionName"] for page in pages for function in page["Functions"]]
        configured = {name: self._functions.get_function(FunctionName=name)["Configuration"] for name in names}
        groups = {
            found.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}": name
            for name, found in configured.items()
        }
        existing = self._logs.get_paginator("describe_log_groups").paginate()
        return {
            group["logGroupName"]: groups[group["logGroupName"]]
            for page in existing
            for group in page["logGroups"]
            if group["logGroupName"] in groups
        }

    def _events(self, group: str) -> list[dict[str, Any]]:
        # The emulator has no pages: it answers at most 10,000 events, without ids. So each request starts at the latest
        # known time, and events of that millisecond are distinguished by their text and by how often it has occurred.
        since = self._latest.get(group, 0)
        seen: Counter[tuple[str, int, str]] = Counter()
        unread = []
        for event in self._logs.filter_log_events(logGroupName=group, startTime=since)["events"]:
            text = (event["logStreamName"], event["timestamp"], event["message"])
            seen[text] += 1
            if (group, *text, seen[text]) not in self._read:
                self._read.add((group, *text, seen[text]))
                unread.append(event)
                self._latest[group] = max(self._latest.get(group, 0), event["timestamp"])
        return unread

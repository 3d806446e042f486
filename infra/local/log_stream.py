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
        # Stable: lines of one millisecond stay as their group gave them.
        for _, function, line in sorted(fresh, key=lambda entry: entry[0]):
            yield function, line

    def _groups(self) -> dict[str, str]:
        """Which function writes to a log group. The service's own have groups that CloudFormation has named."""
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
        # The emulator pages nothing and gives 10,000 events at most, without ids: so ask from the latest time on, and
        # tell events of that very millisecond apart by what they say and by how often they have said it.
        since = self._latest.get(group, 0)
        alike: Counter[tuple[str, int, str]] = Counter()
        unread = []
        for event in self._logs.filter_log_events(logGroupName=group, startTime=since)["events"]:
            said = (event["logStreamName"], event["timestamp"], event["message"])
            alike[said] += 1
            if (group, *said, alike[said]) not in self._read:
                self._read.add((group, *said, alike[said]))
                unread.append(event)
                self._latest[group] = max(self._latest.get(group, 0), event["timestamp"])
        return unread

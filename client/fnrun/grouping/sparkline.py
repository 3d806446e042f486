"""How many failures there were in each hour, as a line of bars."""

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

COLUMNS = 24
_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", ".:-=+*#@"
_NONE, _ASCII_NONE = "·", " "


class Window:
    """The time that is looked at, in columns of one hour, or of several hours if it is longer than a day."""

    def __init__(self, since: str, until: str) -> None:
        """Timestamps of the API."""
        self._until = datetime.fromisoformat(until)
        first = datetime.fromisoformat(since).replace(minute=0, second=0, microsecond=0)
        # Both of its ends may lie within an hour: a column more than a day has is no reason to halve them all.
        hours = max(1, -(-(self._until - first) // timedelta(hours=1)))
        self.hours_each = 1 if hours <= COLUMNS + 1 else -(-hours // COLUMNS)
        self._columns = -(-hours // self.hours_each)

    @property
    def title(self) -> str:
        return "BY HOUR" if self.hours_each == 1 else f"BY {self.hours_each} HOURS"

    def line(self, hours: Iterable[Mapping[str, Any]]) -> str:
        """`hours`: as the API shows them, `hour` and `failures`. The last column ends where the window does."""
        counts = [0] * self._columns
        for hour in hours:
            before = (self._end - datetime.fromisoformat(hour["hour"])) // timedelta(hours=1) - 1
            column = self._columns - 1 - before // self.hours_each
            counts[min(max(column, 0), self._columns - 1)] += hour["failures"]  # this machine's clock may be wrong
        return _bars(counts)

    @property
    def _end(self) -> datetime:
        """Of the hour in which the window ends."""
        floor = self._until.replace(minute=0, second=0, microsecond=0)
        return floor if floor == self._until else floor + timedelta(hours=1)


def _bars(counts: list[int]) -> str:
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    bars, none = (_BARS, _NONE) if encoding.startswith("utf") else (_ASCII_BARS, _ASCII_NONE)
    most = max(counts, default=0)
    return "".join(bars[-(-count * len(bars) // most) - 1] if count else none for count in counts)

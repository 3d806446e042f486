"""Which runs a replay takes: the newest originals of a function that an experiment can say something about."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

Run = Mapping[str, Any]
LOOKED_AT = 5_000
"""A function of which nothing can be replayed is not looked through for hours."""

_NUMBER = re.compile(r"[0-9]+")
SKIPPED: Mapping[str, str] = MappingProxyType(
    {
        "open": "not ended yet",
        "erased": "erased",
        "workflow": "of a workflow",
        "no-parameters": "without parameters",
        "no-outcome": "without an outcome of the function that was kept",
        "version-unknown": "of a version that is not known",
        # Refused when they were to be executed.
        "DECRYPTION_FAILED": "whose parameters cannot be opened",
        "RERUN_LIMIT_REACHED": "with as many re-runs as are allowed",
        "RUN_NOT_FOUND": "deleted meanwhile",
        "TRIGGER_NOT_FOUND": "whose trigger was removed",
    }
)
"""What is said of runs that were left out, by the names of their reasons in the document."""
REFUSED_ALONE = frozenset({"ORCHESTRATION_RUN", "NO_PARAMETERS", *(each for each in SKIPPED if each.isupper())})
"""The service's codes that stand against one run, and not against the others."""


class Picker:
    """Reads on only as far as more runs are wanted."""

    def __init__(self, runs: Iterable[Run]) -> None:
        """`runs`: originals of the function, newest first."""
        self._runs = iter(runs)
        self.skipped: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Run]:
        for run in self._runs:
            reason = why_skipped(run)
            if reason is None:
                yield run
            else:
                self.skipped[reason] += 1

    def skipped_in_words(self) -> str:
        """Empty if there are none."""
        each = [f"{count} {SKIPPED.get(reason, reason)}" for reason, count in self.skipped.most_common()]
        return f"Skipped {self.skipped.total()}: {', '.join(each)}." if each else ""


def why_skipped(run: Run) -> str | None:
    """The first reason why an experiment on the run would be refused, or inconclusive."""
    reasons = {
        "open": run["status"] in ("pending", "running"),
        "erased": run["erasedAt"] is not None,
        "workflow": run["orchestrationId"] is not None or run["executionSource"] == "orchestration",
        "no-parameters": run["parametersOmitted"] is not None,
        "no-outcome": run["status"] == "cancelled" or run["errorSource"] == "service" or run["resultOmitted"],
        "version-unknown": not _NUMBER.fullmatch(run["functionVersion"] or ""),
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)

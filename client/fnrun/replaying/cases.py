"""One run of a replay, and what its experiment says about the candidate."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fnrun.errors import Exit

Document = Mapping[str, Any]
RESULTS = ("same", "different", "flaky", "inconclusive")
_RESULT_OF: Mapping[str, str] = MappingProxyType(
    {
        "same": "same",
        # Its own code, executed now, does not do either what the run did: that is no regression of the candidate.
        "world": "same",
        "code": "different",
        "code-and-world": "different",
        "flaky": "flaky",
        "inconclusive": "inconclusive",
    }
)


@dataclass
class Case:
    run: Document
    experiment_id: str
    run_ids: list[str]
    """Those of the experiment, of both sides."""
    experiment: Document | None = None
    """Once it has ended."""

    @property
    def result(self) -> str | None:
        """None if it has not ended. A verdict that only a newer service knows says nothing here."""
        return None if self.experiment is None else _RESULT_OF.get(self.experiment["verdict"], "inconclusive")

    @property
    def verdict(self) -> str | None:
        return None if self.experiment is None else self.experiment["verdict"]

    def document(self) -> dict[str, Any]:
        """As --output json shows it."""
        found = self.experiment or {}
        return {
            "runId": self.run["id"],
            "result": self.result,
            "verdict": self.verdict,
            "reasons": found.get("reasons", []),
            "experimentId": self.experiment_id,
            "pinnedVersion": found.get("pinnedVersion", self.run["functionVersion"]),
            "pinned": found.get("pinned", []),
            "candidate": found.get("candidate", []),
        }


def tally(cases: Iterable[Case]) -> dict[str, int]:
    """How many there are of each result, and how many are `open`."""
    counted = Counter(case.result or "open" for case in cases)
    return {name: counted[name] for name in (*RESULTS, "open")}


def exit_of(counts: Mapping[str, int]) -> Exit:
    """Of a replay that nothing has cut short."""
    if counts["different"]:
        return Exit.NOT_WELL
    if counts["flaky"] or counts["inconclusive"]:
        return Exit.UNDECIDED
    return Exit.DONE if counts["same"] else Exit.NOTHING_THERE

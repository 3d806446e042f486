"""The nodes of the tree: a re-run each, and the runs of an experiment together."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Entry = Mapping[str, Any]
"""A `RerunEntry` of the API."""


@dataclass
class RerunNode:
    number: int
    """Of all re-runs of the lineage, from 1."""
    entry: Entry
    source_version: str | None

    @property
    def is_retry(self) -> bool:
        return self.entry["retryAttempt"] is not None


@dataclass
class ExperimentNode:
    """Its runs are counted: how they differ is what the experiment itself says."""

    number: int
    entry: Entry
    """Of the first of its runs."""
    statuses: Counter[str] = field(default_factory=Counter)
    versions: set[str] = field(default_factory=set)

    def add(self, entry: Entry) -> None:
        self.statuses[entry["status"]] += 1
        if entry["functionVersion"]:
            self.versions.add(entry["functionVersion"])


Node = RerunNode | ExperimentNode


@dataclass
class Nodes:
    newest: list[Node]
    """Oldest first."""
    left_out: int
    """Nodes before these."""


def nodes_of(entries: Iterable[Entry], original: Entry, *, most: int | None) -> Nodes:
    """Of a lineage, oldest re-run first; the newest `most` of them, None for all."""
    newest: deque[Node] = deque(maxlen=most)
    experiments: dict[str, ExperimentNode] = {}
    versions: dict[str, str | None] = {original["id"]: original["functionVersion"]}
    count = 0
    for number, entry in enumerate(entries, 1):
        experiment_id = entry["experimentId"]
        if experiment_id is None:
            versions[entry["id"]] = entry["functionVersion"]
            newest.append(RerunNode(number, entry, versions.get(entry["sourceRunId"])))
            count += 1
        elif experiment_id in experiments:
            experiments[experiment_id].add(entry)
        else:
            experiments[experiment_id] = node = ExperimentNode(number, entry)
            node.add(entry)
            newest.append(node)
            count += 1
    return Nodes([*newest], count - len(newest))

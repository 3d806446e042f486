"""What a re-run writes to DynamoDB, in write units: `python -m tests.bench.write_units`.

Units are computed from the requests on the wire, by AWS's rules, with the items as they were before and after each:

* 1 for each KB of the larger of the two, twice that in a transaction
* 1 for each entry that an index gets or loses, 2 for one whose key changes, none for one that stays as it is

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from handlers.aws.table import Item, size_of
from handlers.domain.runs.execution import execute
from handlers.domain.starting.rerun import RerunBody, RerunRequest
from infra.local.local_stack import bring_up
from infra.storage import INDEXES
from tests.domain.starting.rerunning import rerun
from tests.stack.driver import Workspace
from tests.stack.lineage import Container, LineageFixture

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
DOLLARS_PER_MILLION = 0.625
FAILS_AT_FIRST = "def handler(event, context):\n    return event['a']\n"


class Write(NamedTuple):
    operation: str
    table: int
    indexes: int

    @property
    def units(self) -> int:
        return self.table + self.indexes


class Recorder(list[Write]):
    """The writes of one client; `reader` is another client of the same table."""

    def __init__(self, reader: Any) -> None:
        super().__init__()
        self._reader = reader
        self._before: list[tuple[Item, Item | None]] = []

    @contextmanager
    def of(self, client: Any) -> Iterator["Recorder"]:
        handlers: dict[str, Any] = {"before-call": self._note_before, "after-call": self._note_after}
        for operation in WRITES:
            for event, handler in handlers.items():
                client.meta.events.register(f"{event}.dynamodb.{operation}", handler)
        yield self
        for operation in WRITES:
            for event, handler in handlers.items():
                client.meta.events.unregister(f"{event}.dynamodb.{operation}", handler)

    def _note_before(self, *, params: dict[str, Any], **_: Any) -> None:
        body = json.loads(params["body"])
        actions = body.get("TransactItems")
        requests = [body] if actions is None else [request for action in actions for request in action.values()]
        self._table_name = requests[0]["TableName"]
        keys = [{name: (each.get("Key") or each["Item"])[name] for name in ("pk", "sk")} for each in requests]
        self._before = [(key, self._read(key)) for key in keys]

    def _note_after(self, *, model: Any, **_: Any) -> None:
        factor = 2 if model.name == "TransactWriteItems" else 1
        changes = [(before, self._read(key)) for key, before in self._before]
        self.append(
            Write(
                model.name,
                factor * sum(max(_units(before), _units(after)) for before, after in changes),
                sum(_of_indexes(before or {}, after or {}) for before, after in changes),
            )
        )

    def _read(self, key: Item) -> Item | None:
        found = self._reader.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        item: Item | None = found.get("Item")
        return item


def _units(item: Item | None) -> int:
    return max(1, ceil(size_of(item or {}) / 1024))


def _of_indexes(before: Item, after: Item) -> int:
    entries = [[each.get(name) for name in names] for names in INDEXES.values() for each in (before, after)]
    pairs = zip(entries[::2], entries[1::2], strict=True)
    return sum((None not in was) + (None not in will_be) for was, will_be in pairs if was != will_be)


class Units(NamedTuple):
    """Of one re-run."""

    post: int
    claim: int
    outcome: int
    mark: int
    """On the original, that it is recovered."""
    published: int

    @classmethod
    def of(cls, fixture: LineageFixture, container: Container, request: RerunRequest) -> "Units":
        client = container._session.client("dynamodb")
        recorder = Recorder(fixture.workspace.local_stack.client("dynamodb"))
        with recorder.of(client):
            new = rerun(request, container)
            post = sum(write.units for write in recorder)
            recorder.clear()
            execute(new.id, container.execution_deps)
        claim, *outcome, mark, published = (write.units for write in recorder)
        return cls(post, claim, sum(outcome), mark, published)


def a_rerun_of(fixture: LineageFixture, **body: Any) -> RerunRequest:
    body = {"reason": "Testing fix for edge case"} | body
    return RerunRequest(
        fixture.workspace.name, fixture.original, "3f1c1f0e-8d0f-4b4e-9f0c-9e0f3c1d2b3a", RerunBody.read(body)
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, httpx.Client(timeout=30, trust_env=False) as connection:
        local_stack = bring_up(Path(directory), report=print)
        try:
            fixture = LineageFixture.of(Workspace(local_stack, connection), Path(directory))
            trigger, _ = fixture.workspace.trigger_of()
            fixture.original = fixture.workspace.execute(trigger, payload={"orderId": "o-1"})
            fixture.workspace.ended(fixture.original)
            reruns = {"as it was": a_rerun_of(fixture), "with overrides": a_rerun_of(fixture, overrideParams={"a": 1})}
            found = {kind: Units.of(fixture, fixture.container(), request) for kind, request in reruns.items()}
            fixture.original = fixture.workspace.execute(fixture.workspace.trigger_of(FAILS_AT_FIRST)[0])
            fixture.workspace.ended(fixture.original)
            recovering = a_rerun_of(fixture, overrideParams={"a": 1})
            found["that recovers a failed run"] = Units.of(fixture, fixture.container(), recovering)
            fixture.close()
        finally:
            local_stack.take_down()
    for kind, units in found.items():
        print(f"\na re-run {kind}: {sum(units)} write units, ${sum(units) * DOLLARS_PER_MILLION:.2f} per million")
        for name, value in units._asdict().items():
            print(f"  {name:<10}{value:>3}")


if __name__ == "__main__":
    main()

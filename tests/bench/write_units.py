"""What a re-run, a failure and an experiment write to DynamoDB, in write units: `python -m tests.bench.write_units`.

Units are computed from the requests on the wire, by AWS's rules, with the items as they were before and after each:

* 1 for each KB of the larger of the two, twice that in a transaction
* 1 for each entry that an index gets or loses, 2 for one whose key changes, none for one that stays as it is

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from handlers.aws.run_items import shard
from handlers.aws.table import Item, size_of
from handlers.domain.runs.execution import execute
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from handlers.domain.starting.experiments import (
    ExperimentBody,
    ExperimentRequest,
    PreparedExperiment,
    commit_experiment,
    prepare_experiment,
)
from handlers.domain.starting.rerun import RerunBody, RerunRequest
from infra.local.local_stack import bring_up
from infra.storage import INDEXES
from tests.domain.starting.rerunning import rerun
from tests.stack.driver import Workspace
from tests.stack.lineage import Container, LineageFixture, act_in

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
DOLLARS_PER_MILLION = 0.625
CALLER = "3f1c1f0e-8d0f-4b4e-9f0c-9e0f3c1d2b3a"
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
        self.keys: Counter[tuple[str, str]] = Counter()
        """Units by the partition that takes them: of the table, or of an index."""
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
        of_table: Counter[tuple[str, str]] = Counter()
        of_indexes: Counter[tuple[str, str]] = Counter()
        for key, before in self._before:
            after = self._read(key)
            of_table["table", key["pk"]["S"]] += factor * max(_units(before), _units(after))
            of_indexes += _of_indexes(before or {}, after or {})
        self.append(Write(model.name, of_table.total(), of_indexes.total()))
        self.keys += of_table + of_indexes

    def _read(self, key: Item) -> Item | None:
        found = self._reader.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        item: Item | None = found.get("Item")
        return item


def _units(item: Item | None) -> int:
    return max(1, ceil(size_of(item or {}) / 1024))


def _of_indexes(before: Item, after: Item) -> Counter[tuple[str, str]]:
    """By index and partition key: one for each entry that leaves, and one for each that comes."""
    units: Counter[tuple[str, str]] = Counter()
    for index, names in INDEXES.items():
        was, will_be = ([item.get(name) for name in names] for item in (before, after))
        if was != will_be:
            units.update((index, partition["S"]) for partition, sort in (was, will_be) if partition and sort)
    return units


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
    return RerunRequest(fixture.workspace.name, fixture.original, CALLER, RerunBody.read(body))


def units_of_an_experiment(fixture: LineageFixture, container: Container, repeats: int) -> int:
    """Of its POST, not of its runs' executions."""
    body = ExperimentBody.read({"repeats": repeats, "reason": "Is the fix the reason?"})
    request = ExperimentRequest(fixture.workspace.name, fixture.original, CALLER, body)
    recorder = Recorder(fixture.workspace.local_stack.client("dynamodb"))
    with recorder.of(container._session.client("dynamodb")):
        prepared = prepare_experiment(request, container.rerun_deps)
        assert isinstance(prepared, PreparedExperiment)
        commit_experiment(prepared, container.experiment_deps)
    return sum(write.units for write in recorder)


class FailureUnits(NamedTuple):
    """Of an original run whose function raises, and by the partitions that take them."""

    recorded: int
    claim: int
    outcome: int
    rest: int
    """Its group, if that is news, and its publication."""
    keys: Counter[tuple[str, str]]

    @classmethod
    def of(cls, fixture: LineageFixture, container: Container, trigger: str) -> "FailureUnits":
        client, workspace = container._session.client("dynamodb"), fixture.workspace.name
        recorder = Recorder(fixture.workspace.local_stack.client("dynamodb"))
        with recorder.of(client):
            act = act_in(fixture, "execute")
            ports = (container.registry, container.start_deps)
            run = execute_trigger(workspace, trigger, ExecuteBody(), *ports, invokable=container.invokable, act=act)
            recorded = sum(write.units for write in recorder)
            recorder.clear()
            execute(run.id, container.execution_deps)
        claim, outcome, *rest = (write.units for write in recorder)
        return cls(recorded, claim, outcome, sum(rest), recorder.keys)

    @property
    def all(self) -> int:
        return self.keys.total()


FAILURES = 10_000
UNITS_OF_A_KEY = 1000
"""A second: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html"""


def hottest_keys(each: FailureUnits, opening: FailureUnits) -> dict[str, float]:
    """Units a second of each kind of partition, where so many runs of one group fail within a minute.

    What the shards of a key take together is counted for the one that gets the most of so many random ids.
    """
    shards = Counter(shard(str(uuid4())) for _ in range(FAILURES))
    share = max(shards.values()) / 60
    of_one_run = max(units for (_, key), units in each.keys.items() if key.startswith("RUN#"))
    rates: dict[str, float] = {"table RUN": of_one_run}
    for (where, key), units in each.keys.items():
        if not key.startswith("RUN#"):
            rates[f"{where} {key.partition('#')[0]}"] = units * share
    rates["table GROUP"] = sum(units for (_, key), units in opening.keys.items() if key.startswith("GROUP#")) / 60
    return rates


def report_failures(opening: FailureUnits, each: FailureUnits) -> None:
    whole = opening.all + (FAILURES - 1) * each.all
    print(f"\na run that fails: {each.all} write units; the first of its group {opening.all}")
    for name in ("recorded", "claim", "outcome", "rest"):
        print(f"  {name:<10}{getattr(each, name):>3}{getattr(opening, name):>5}")
    print(f"{FAILURES} failures of one group in a minute: {whole} units, ${whole * DOLLARS_PER_MILLION / 1e6:.2f}")
    for key, rate in sorted(hottest_keys(each, opening).items(), key=lambda each: -each[1]):
        print(f"  {key:<24}{rate:>6.1f} units/s{rate / UNITS_OF_A_KEY:>7.1%}")


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
            failing = fixture.workspace.trigger_of(FAILS_AT_FIRST)[0]
            opening, *_, each = (FailureUnits.of(fixture, fixture.container(), failing) for _ in range(3))
            experiments = [units_of_an_experiment(fixture, fixture.container(), repeats) for repeats in (2, 5)]
            fixture.close()
        finally:
            local_stack.take_down()
    for kind, units in found.items():
        print(f"\na re-run {kind}: {sum(units)} write units, ${sum(units) * DOLLARS_PER_MILLION:.2f} per million")
        for name, value in units._asdict().items():
            print(f"  {name:<10}{value:>3}")
    report_failures(opening, each)
    print(f"\nthe POST of an experiment with 2 and with 5 repeats: {experiments} write units")


if __name__ == "__main__":
    main()

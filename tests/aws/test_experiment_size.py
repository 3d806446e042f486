"""The largest experiment fits into one transaction: 100 items and 4 MB, whichever way that is counted.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from typing import Any

import pytest

from handlers.aws.part_store import PartStore
from handlers.aws.run_recorder import INLINE_IN_EXPERIMENT, RunRecorder
from handlers.aws.table import Table, size_of
from handlers.domain import clock
from handlers.domain.audit.act import seal_act
from handlers.domain.runs.experiment import SealedExperiment
from handlers.domain.runs.run import Part
from handlers.domain.starting.experiments import ExperimentBody, ExperimentRequest, prepare_experiment
from handlers.domain.starting.idempotency import SealedKey, request_key
from tests.builders import FUNCTION_ARN, RUN_ID, a_function, a_run
from tests.fakes import World

NAME = "€" * 128


class Noted(Table):
    """What would be written."""

    def __init__(self) -> None:
        self._name = "a-table"
        self.actions: list[dict[str, Any]] = []

    def transact(self, actions: dict[str, Any]) -> None:
        self.actions = [next(iter(each.values())) for each in actions.values()]


class Staging:
    """A bucket that takes everything."""

    def stage(self, _: bytes) -> str:
        return "staging/0f000000-0000-4000-8000-000000000001"

    def move(self, *_: str) -> None: ...


@pytest.mark.parametrize("sealed_bytes", [INLINE_IN_EXPERIMENT, INLINE_IN_EXPERIMENT + 1])
def test_the_largest_experiment_is_one_transaction(monkeypatch: pytest.MonkeyPatch, sealed_bytes: int) -> None:
    world = World()
    world.has_registered()
    world.has_run(a_run(created_at=clock.now()))
    pointers = ["/" + "€" * 511] * 50
    world.registry.functions[a_function().id] = a_function(function_arn=f"{FUNCTION_ARN}:{'a' * 128}")
    options = ExperimentBody.read({"repeats": 5, "ignore": pointers, "reason": "€" * 512})
    key = request_key("a-key", "acme", NAME, {})
    prepared: Any = prepare_experiment(ExperimentRequest("acme", RUN_ID, NAME, options, key), world.rerun_deps)
    table: Any = Noted()
    staging: Any = Staging()
    recorder = RunRecorder(table, PartStore(table, staging, lambda _: None), lambda _: None, max_reruns=1000)
    monkeypatch.setattr(recorder, "transition", lambda *_: True)
    recorder.record_experiment(
        SealedExperiment(prepared.experiment, b"x" * (len(str(pointers).encode()) + 1000)),
        [(run, {Part.PARAMETERS: b"x" * sealed_bytes}) for run in prepared.runs],
        SealedKey(key, b"x" * 1000) if key else None,
        seal_act(prepared.act, world.cipher),
    )
    sizes = [
        size_of(each.get("Item") or {**each["Key"], **each["ExpressionAttributeValues"]}) for each in table.actions
    ]
    an_original = 4096
    assert len(table.actions) <= 100
    assert sum(sizes) + an_original < 4_000_000
    a_new_table_takes = 4_000
    assert 2 * sum(-(-size // 1024) for size in sizes) < a_new_table_takes

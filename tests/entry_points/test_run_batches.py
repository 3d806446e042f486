"""A step of a batch, as the state machine calls it."""

import json
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers import run_batches
from handlers.domain.batches.batch import BatchState, Progress, StopWhen
from handlers.telemetry import Metric
from tests.entry_points.batching import a_batch
from tests.entry_points.events import CONTEXT
from tests.fakes import World

ABSENT = {"batchId": "00000000-0000-4000-8000-00000000dead", "generation": 1, "steps": 7}


def stepped(event: dict[str, Any]) -> dict[str, Any]:
    return run_batches.lambda_handler(event, cast("LambdaContext", CONTEXT))


@pytest.mark.usefixtures("world")
def test_what_it_answers_it_can_be_called_with_again() -> None:
    answer = stepped(ABSENT)
    assert answer == ABSENT | {"steps": 8, "isOver": True, "waitSeconds": 0}
    assert stepped(answer) == answer | {"steps": 9}


def test_a_batch_that_stops_itself_is_counted_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    batch = a_batch(stop_when=StopWhen(failures=1), progress=Progress(selected=1, started=1, failed=1))
    world.batches.create(batch, [])
    for _ in range(2):
        stepped({"batchId": batch.id, "generation": 1, "steps": 0})
    assert world.batches.batches[batch.id].state is BatchState.STOPPED
    assert capsys.readouterr().out.count(f'"{Metric.BATCHES_STOPPED}":[') == 1


def test_an_execution_is_told_no_message_of_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: str) -> None:
        raise ValueError("s3cr3t")

    monkeypatch.setattr(world.batches, "read", broken)
    with pytest.raises(run_batches.StepFailed) as failed:
        stepped(ABSENT)
    assert (str(failed.value), failed.value.__cause__, failed.value.__suppress_context__) == ("", None, True)
    [fault] = (vars(record) for record in caplog.records if record.message == "fault")
    assert [cause["type"] for cause in fault["causes"]] == ["ValueError"]
    assert (fault["batchId"], "s3cr3t" in json.dumps(fault, default=str)) == (ABSENT["batchId"], False)

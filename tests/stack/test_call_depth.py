"""How far it is from a re-run's entry point to AWS: what a reader has to follow."""

import json
import traceback
from pathlib import Path
from typing import Any

import pytest

from handlers import api_rerun
from tests.entry_points.events import CONTEXT, RERUN, http_event
from tests.stack.driver import Workspace
from tests.stack.fuzz.deployed import Deployed, settings_of

HANDLERS = Path(api_rerun.__file__).parent
MAX_FRAMES, MAX_FILES = 6, 4


def test_from_the_entry_point_of_a_re_run_to_the_call_of_the_sdk_it_is_six_functions_in_four_files(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_stack = workspace.local_stack
    trigger, _ = workspace.trigger_of()
    run_id = workspace.execute(trigger)
    workspace.ended(run_id)
    wiring = Deployed(local_stack, settings_of(local_stack, run_queue_url=local_stack.outputs["RunQueueUrl"]))
    monkeypatch.setattr(api_rerun, "wiring", wiring)
    stacks: list[list[traceback.FrameSummary]] = []

    def note(**_: Any) -> None:
        own = [frame for frame in traceback.extract_stack() if Path(frame.filename).is_relative_to(HANDLERS)]
        # What decorates the entry point is above it, and nothing that a reader has to follow.
        first = next(number for number, frame in enumerate(own) if frame.name == "lambda_handler")
        stacks.append(own[first:])

    wiring._core.register("before-send.dynamodb.TransactWriteItems", note)
    claims = {"sub": "alice", "token_use": "access", "cognito:groups": f"[{workspace.name}/*:*]"}
    event = http_event(RERUN, {"workspace": workspace.name, "runId": run_id}, body="{}", claims=claims)
    answer = api_rerun.lambda_handler(event, CONTEXT)

    assert answer["statusCode"] == 202, json.loads(answer["body"])
    [frames] = stacks
    readable = [f"{Path(frame.filename).name}: {frame.name}" for frame in frames]
    assert len(frames) <= MAX_FRAMES, readable
    assert len({frame.filename for frame in frames}) <= MAX_FILES, readable

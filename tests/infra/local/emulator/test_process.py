import json
import os
from pathlib import Path

import pytest

from infra.local.emulator.process import Emulator, EmulatorError, is_emulator, stop_by_pid
from infra.local.waiting import wait_for
from tests.infra.local.functions import functions_on
from tests.infra.local.processes import members_of

SLEEPING = """
import pathlib, time
def handler(event, context):
    pathlib.Path(event).touch()
    time.sleep(60)
"""


def with_a_busy_worker(emulator: Emulator) -> int:
    """Gives the process group in which a Lambda is now running."""
    function, busy = functions_on(emulator)(SLEEPING), emulator.directory / "busy"
    function.client.invoke(FunctionName=function.arn, InvocationType="Event", Payload=json.dumps(str(busy)).encode())
    assert wait_for(busy.exists)
    assert emulator.pid is not None
    assert len(members_of(emulator.pid)) > 1
    return emulator.pid


def test_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    with Emulator(tmp_path) as emulator:
        group = with_a_busy_worker(emulator)
    assert wait_for(lambda: members_of(group) == [])
    assert not emulator.is_healthy()
    assert emulator.pid is None


def test_another_process_can_stop_it_by_pid(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path).start()
    try:
        group = with_a_busy_worker(emulator)
        stop_by_pid(group)
        assert wait_for(lambda: members_of(group) == [])
        stop_by_pid(group)  # a second time is no error
    finally:
        emulator.stop()


def test_a_pid_that_belongs_to_something_else_is_left_alone() -> None:
    assert not is_emulator(os.getpid())
    stop_by_pid(os.getpid())


def test_an_emulator_that_dies_while_starting_says_why(emulator: Emulator, tmp_path: Path) -> None:
    class ElsewhereHealthy(Emulator):
        def is_healthy(self) -> bool:
            return False

    with pytest.raises(EmulatorError, match=r"(?s)ended with status 1 while starting.*already in use"):
        ElsewhereHealthy(tmp_path, port=emulator.port).start()


def test_clients_take_nothing_from_the_environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    client = emulator.client("sts")
    assert client.meta.region_name == "us-east-1"
    assert client.get_caller_identity()["Arn"].endswith(":root")

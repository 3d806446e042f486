import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.emulator.process import Emulator, EmulatorError, is_emulator, stop_by_pid
from infra.local.waiting import wait_for

Package = Callable[[str], bytes]  # of conftest

SLEEPING = """
import pathlib, time
def handler(event, context):
    pathlib.Path(event).touch()
    time.sleep(60)
"""


def members_of(group: int) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,pid="], capture_output=True, text=True, check=True).stdout
    entries = [line.split() for line in listed.splitlines()]
    return [pid for pgid, state, pid in entries if int(pgid) == group and not state.startswith("Z")]


def with_a_busy_worker(emulator: Emulator, package: Package) -> int:
    """Gives the process group in which a Lambda is now running."""
    role = emulator.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client = emulator.client("lambda")
    client.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": package(SLEEPING)},
        Timeout=60,
    )
    busy = emulator.directory / "busy"
    client.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps(str(busy)).encode())
    assert wait_for(busy.exists)
    assert emulator.pid is not None
    assert len(members_of(emulator.pid)) > 1
    return emulator.pid


def test_stopping_leaves_no_process_behind(package: Package, tmp_path: Path) -> None:
    with Emulator(tmp_path) as emulator:
        group = with_a_busy_worker(emulator, package)
    assert wait_for(lambda: members_of(group) == [])
    assert not emulator.is_healthy()
    assert emulator.pid is None


def test_another_process_can_stop_it_by_pid(package: Package, tmp_path: Path) -> None:
    emulator = Emulator(tmp_path).start()
    try:
        group = with_a_busy_worker(emulator, package)
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

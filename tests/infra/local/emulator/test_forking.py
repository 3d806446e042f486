"""Functions whose process is forked cannot tell; nor can those for which it is not."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.emulator.forking import server
from infra.local.emulator.process import Emulator
from infra.local.waiting import wait_for
from tests.infra.local.functions import MakeFunction, functions_on
from tests.infra.local.processes import processes

FORKS = sys.platform == "linux"
PLAIN = {"PYTHONNODEBUGRANGES": ""}  # an interpreter reads it when it starts; empty, it changes nothing

SURROUNDINGS = """
import os, signal, sys, threading
main = sys.modules["__main__"]
def handler(event, context):
    own = os.path.dirname(os.environ["LAMBDA_TASK_ROOT"])
    streams = (sys.stdin, sys.stdout, sys.stderr)
    def plain(value):
        return repr(value).replace(own, "OWN")
    return {
        "environment": {name: plain(value) for name, value in os.environ.items()},
        "path": plain(sys.path),
        "argv": plain(sys.argv),
        "main": [plain(main.__file__), main.__name__, main.__spec__, "handler" in dir(main)],
        "directory": plain(os.getcwd()),
        "descriptors": len(os.listdir("/dev/fd")),
        "streams": [[each.encoding, each.errors, each.line_buffering, each.fileno()] for each in streams],
        "parent": os.getppid(),
        "group": os.getpgid(0),
        "threads": threading.active_count(),
        "blocked": plain(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "signals": {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        "flags": str(sys.flags),
        "executable": sys.executable,
    }
"""
UNIQUE = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_LAMBDA_FUNCTION_NAME", "_LAMBDA_FUNCTION_ARN", "AWS_LAMBDA_LOG_STREAM_NAME", *PLAIN),
}
"""Variables that no two environments have the same."""

IMPORTED = "import sys\nbefore = 'pydantic' in sys.modules\ndef handler(event, context): return before"


def test_a_function_s_process_is_forked_after_the_imports(a_function: MakeFunction) -> None:
    assert a_function(IMPORTED).invoke().payload is FORKS


def test_a_forked_function_finds_what_one_finds_that_is_not(a_function: MakeFunction) -> None:
    forked, plain = (surroundings(a_function(SURROUNDINGS, environment=each)) for each in ({}, PLAIN))
    assert forked == plain


def surroundings(function: Any) -> dict[str, Any]:
    found: dict[str, Any] = function.invoke().payload
    variables = found["environment"]
    assert UNIQUE - PLAIN.keys() <= variables.keys()
    return found | {"environment": {name: value for name, value in variables.items() if name not in UNIQUE}}


def test_no_function_sees_the_environment_of_another(a_function: MakeFunction) -> None:
    code = "import os\ndef handler(event, context): return dict(os.environ)"
    first, second = (a_function(code, environment={name: "set"}).invoke().payload for name in ("FIRST", "SECOND"))
    assert (first.get("FIRST"), first.get("SECOND")) == ("set", None)
    assert (second.get("FIRST"), second.get("SECOND")) == (None, "set")


def test_a_function_is_in_its_own_time_zone(a_function: MakeFunction) -> None:
    code = "import time\ndef handler(event, context): return time.strftime('%H', time.localtime(0))"
    assert a_function(code, environment={"TZ": "Asia/Tokyo"}).invoke().payload == "09"


def test_no_two_processes_draw_the_same_numbers(a_function: MakeFunction) -> None:
    code = (
        "import random, secrets, uuid\n"
        "def handler(event, context): return [random.random(), secrets.token_hex(), str(uuid.uuid4())]"
    )
    first, second = (a_function(code).invoke().payload for _ in range(2))
    assert not set(first) & set(second)


@pytest.mark.parametrize(
    ("place", "imports"),
    [
        ("pydantic.py", "import pydantic"),
        ("pydantic/__init__.py", "import pydantic"),
        ("vendor/pydantic/__init__.py", "import sys; sys.path.insert(0, 'vendor'); import pydantic"),
        ("zoneinfo.py", "import zoneinfo as pydantic"),
    ],
)
def test_a_function_that_brings_a_module_gets_its_own(a_function: MakeFunction, place: str, imports: str) -> None:
    code = f"{imports}\ndef handler(event, context): return pydantic.OWN"
    assert a_function(code, others={place: "OWN = 'its own'"}).invoke().payload == "its own"


@pytest.mark.parametrize(
    ("name", "value", "shows"),
    [
        ("PYTHONPATH", "/somewhere", "'/somewhere' in sys.path"),
        ("PYTHONWARNINGS", "error", "sys.warnoptions == ['error']"),
        ("PYTHONHASHSEED", "0", "sys.flags.hash_randomization == 0"),
    ],
)
def test_what_the_interpreter_reads_at_its_start_is_the_function_s(
    a_function: MakeFunction, name: str, value: str, shows: str
) -> None:
    code = f"import sys\ndef handler(event, context): return {shows}"
    assert a_function(code, environment={name: value}).invoke().payload is True


def test_functions_start_without_the_process_they_are_forked_from(tmp_path: Path) -> None:
    with Emulator(tmp_path) as emulator:
        a_function = functions_on(emulator)
        assert a_function(IMPORTED).invoke().payload is FORKS
        for pid in fork_server_and_workers(emulator):
            os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda: not fork_server_and_workers(emulator))
        assert a_function(IMPORTED).invoke().payload is False


def fork_server_and_workers(emulator: Emulator) -> list[int]:
    return [each.id for each in processes() if each.parent == emulator.pid and server.__file__ in each.command]

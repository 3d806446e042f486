"""The process of a function that is called here: what it sees of its caller, and that it ends."""

import os
import select
import signal
import stat
import sys
from pathlib import Path

import pytest
from fnrun.debugging import child
from fnrun.debugging.environment import credentials_of, own_variables
from fnrun.errors import CommandError, UsageFault

from tests.client.debugging.calling import outcome_of

ENVIRON = "import os\ndef handler(e, c): return dict(os.environ)"
SET_BY_LAMBDA = {
    *(
        "_HANDLER",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "TZ",
    ),
    *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
}
CLOSED = {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED"}


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with what a function must not see."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.setenv(f"AWS_{name}", "a-secret")
    for name in (
        "HTTPS_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "FNRUN_TOKEN",
        "SSH_AUTH_SOCK",
        "PYTHONPATH",
        "LD_PRELOAD_X",
    ):
        monkeypatch.setenv(name, "a-secret")


@pytest.mark.usefixtures("crowded")
def test_a_function_sees_what_lambda_sets_and_nearly_nothing_of_its_caller(tmp_path: Path) -> None:
    seen = outcome_of(tmp_path, ENVIRON).result
    assert "a-secret" not in seen.values()
    assert seen.keys() - SET_BY_LAMBDA - CLOSED <= {"PATH", "LANG", "LC_CTYPE", "HOME", "TMPDIR"}
    assert (seen["AWS_REGION"], seen["_HANDLER"], seen["TZ"]) == ("eu-west-1", "app.handler", ":UTC")
    assert (seen["AWS_LAMBDA_FUNCTION_NAME"], seen["AWS_LAMBDA_FUNCTION_VERSION"]) == ("orders", "3")
    assert seen["LAMBDA_TASK_ROOT"] == str(tmp_path / "code")
    assert seen["AWS_CONFIG_FILE"] == seen["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


@pytest.mark.usefixtures("crowded")
def test_home_is_empty_and_gone_afterwards_and_the_working_directory_is_the_code(tmp_path: Path) -> None:
    code = """
import os, pathlib, tempfile
def handler(event, context):
    home = pathlib.Path.home()
    return [str(home), os.listdir(home), os.getcwd(), tempfile.mkdtemp()]
"""
    home, content, current, temporary = outcome_of(tmp_path, code).result
    assert (content, current) == ([], str(tmp_path / "code"))
    assert home != str(Path.home())
    assert not Path(home).exists()
    assert not Path(temporary).exists()
    assert [each.name for each in (tmp_path / "code").iterdir()] == ["app.py"]  # no __pycache__


@pytest.mark.usefixtures("crowded")
def test_boto3_finds_no_credentials(tmp_path: Path) -> None:
    code = "import boto3\ndef handler(e, c): return boto3.Session().get_credentials()"
    assert outcome_of(tmp_path, code).result is None


def test_variables_and_credentials_are_those_that_are_asked_for_and_lambda_s_own_win(tmp_path: Path) -> None:
    call = {"variables": {"TABLE": "t", "AWS_REGION": "x"}, "credentials": {"AWS_ACCESS_KEY_ID": "k"}}
    seen = outcome_of(tmp_path, ENVIRON, of_call=call).result
    assert (seen["TABLE"], seen["AWS_REGION"], seen["AWS_ACCESS_KEY_ID"]) == ("t", "eu-west-1", "k")


def test_neither_parameters_nor_credentials_stand_in_the_list_of_processes(tmp_path: Path) -> None:
    code = """
import os, pathlib, stat, sys
def handler(event, context):
    invocation = pathlib.Path(sys.orig_argv[-1])
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (invocation, invocation.parent)]
    return [sys.orig_argv, modes, invocation.read_text()]
"""
    call = {"credentials": {"AWS_SECRET_ACCESS_KEY": "secret-key"}}
    argv, (file, folder), invocation = outcome_of(tmp_path, code, event="secret-event", of_call=call).result
    assert "secret" not in " ".join(argv) + invocation
    assert folder == stat.S_IRWXU
    assert not file & 0o022


GRANDCHILD = """
import subprocess, sys, time
def start(fifo):
    # It writes to the fifo once, and holds it open until it ends.
    script = "import sys, time; fifo = open(sys.argv[1], 'wb', 0); fifo.write(b'x'); print(flush=True); time.sleep(600)"
    started = subprocess.Popen([sys.executable, "-c", script, fifo], stdout=subprocess.PIPE)
    started.stdout.readline()
"""


class Fifo:
    """Tells whether a process that has opened it has ended."""

    def __init__(self, file: Path) -> None:
        os.mkfifo(file)
        self._reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK)

    def assert_opened_and_closed(self) -> None:
        try:
            assert os.read(self._reader, 1) == b"x"
            assert select.select([self._reader], [], [], 10)[0], "its writer is still there"
            assert os.read(self._reader, 1) == b""
        finally:
            os.close(self._reader)


@pytest.fixture
def fifo(tmp_path: Path) -> Fifo:
    return Fifo(tmp_path / "fifo")


def test_a_timeout_ends_the_function_and_the_processes_that_it_has_started(tmp_path: Path, fifo: Fifo) -> None:
    code = "import grandchild, time\ndef handler(fifo, c):\n    grandchild.start(fifo)\n    time.sleep(600)"
    outcome = outcome_of(
        tmp_path, code, files={"grandchild.py": GRANDCHILD}, event=str(tmp_path / "fifo"), timeout_seconds=1
    )
    assert (outcome.status, outcome.error_code) == ("timeout", "Sandbox.Timedout")
    assert outcome.error is not None
    assert outcome.error["errorMessage"].endswith(" Task timed out after 1.00 seconds")
    fifo.assert_opened_and_closed()


def test_what_a_function_has_started_ends_with_it(tmp_path: Path, fifo: Fifo) -> None:
    code = "import grandchild\ndef handler(fifo, c):\n    grandchild.start(fifo)\n    return 'done'"
    files = {"grandchild.py": GRANDCHILD}
    assert outcome_of(tmp_path, code, files=files, event=str(tmp_path / "fifo")).result == "done"
    fifo.assert_opened_and_closed()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_and_the_end_of_the_terminal_end_the_function(
    tmp_path: Path, fifo: Fifo, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    code = (
        "import time\ndef handler(name, c):\n    fifo = open(name, 'wb', 0)\n    fifo.write(b'x')\n    time.sleep(600)"
    )
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    def interrupted(*_: object) -> None:
        assert select.select([fifo._reader], [], [], 20)[0]
        signal.raise_signal(number)

    monkeypatch.setattr(child, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        outcome_of(tmp_path, code, event=str(tmp_path / "fifo"))
    fifo.assert_opened_and_closed()
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_importing_does_not_count_for_the_timeout_but_may_not_last_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "import time\ntime.sleep(1.2)\ndef handler(e, c): return 'in time'"
    assert outcome_of(tmp_path, slow, timeout_seconds=1).result == "in time"
    monkeypatch.setattr(child, "INIT_SECONDS", 0.0)
    endless = "import time\ntime.sleep(600)"
    assert outcome_of(tmp_path, endless, timeout_seconds=1).status == "timeout"


def test_with_a_debugger_there_is_no_timeout(tmp_path: Path) -> None:
    code = "import time\ndef handler(e, c):\n    time.sleep(1.2)\n    return 'done'"
    debugpy = {"debugpy.py": "def listen(_): pass\ndef wait_for_client(): pass"}
    outcome = outcome_of(tmp_path, code, files=debugpy, of_call={"debugpy_port": 5678}, timeout_seconds=1)
    assert outcome.result == "done"


def test_a_file_of_variables_is_read_as_docker_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text('# a comment\n\nTABLE=orders\nQUOTED="as it is"\nEMPTY=\n  URL=a=b\n')
    assert own_variables(file) == {"TABLE": "orders", "QUOTED": '"as it is"', "EMPTY": "", "URL": "a=b"}


@pytest.mark.parametrize(
    "text", ["TABLE", "export A=secret", "AWS_SECRET_ACCESS_KEY=secret", "AWS_PROFILE=secret", "=secret"]
)
def test_a_file_of_variables_that_is_wrong_is_refused_without_its_values(tmp_path: Path, text: str) -> None:
    file = tmp_path / "env"
    file.write_text(f"OTHER=secret\n{text}\n")
    with pytest.raises(UsageFault) as refused:
        own_variables(file)
    assert "secret" not in refused.value.message
    with pytest.raises(UsageFault, match=r"cannot be read \(FileNotFoundError\)"):
        own_variables(tmp_path / "missing")


def test_credentials_are_those_of_the_named_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text("[mine]\naws_access_key_id = k\naws_secret_access_key = s\n[empty]\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    assert credentials_of("mine") == {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    with pytest.raises(CommandError, match="The AWS profile other gives no credentials"):
        credentials_of("other")


def test_without_boto3_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(CommandError) as missing:
        credentials_of("mine")
    assert missing.value.next_step == "pip install 'fnrun[aws]'"

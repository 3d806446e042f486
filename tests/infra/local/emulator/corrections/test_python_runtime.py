import base64
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.emulator.corrections import rewriting
from infra.local.waiting import wait_for
from tests.infra.local.functions import MakeFunction

RAISING = """
import os
def fail(event):
    raise ValueError(event["message"])
def handler(event, context):
    if "message" not in event:
        return os.getpid()
    fail(event)
"""
ECHO = "def handler(event, context):\n    return event\n"
RETURNING_ITS_CONTEXT = """
def handler(event, context):
    sent = context.client_context
    return None if sent is None else [sent.custom, sent.env, sent.client and sent.client.app_title]
"""


@pytest.fixture(scope="module")
def raising(a_function: MakeFunction) -> Any:
    return a_function(RAISING)


@pytest.fixture(scope="module")
def echo(a_function: MakeFunction) -> Any:
    return a_function(ECHO)


def test_a_function_that_raises_names_its_own_error_type_and_stack_trace(raising: Any) -> None:
    invoked = raising.invoke({"message": "no such órder"})
    assert invoked.error == "Unhandled"
    assert list(invoked.payload) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert invoked.payload["errorMessage"] == "no such órder"
    assert invoked.payload["errorType"] == "ValueError"
    assert invoked.payload["stackTrace"] == [
        '  File "/var/task/index.py", line 8, in handler\n    fail(event)\n',
        '  File "/var/task/index.py", line 4, in fail\n    raise ValueError(event["message"])\n',
    ]
    assert re.fullmatch(r"[0-9a-f-]{36}", invoked.payload["requestId"])


def test_the_log_of_a_function_that_raises_holds_the_traceback_as_aws_prints_it(raising: Any) -> None:
    log = raising.invoke({"message": "boom"}).log
    assert "[ERROR] ValueError: boom\nTraceback (most recent call last):\n" in log
    assert '\u00a0\u00a0File "/var/task/index.py", line 4, in fail\n\u00a0\u00a0\u00a0\u00a0raise ValueError' in log


def test_a_worker_outlives_the_exceptions_of_its_function(raising: Any) -> None:
    before = raising.invoke({}).payload
    raising.invoke({"message": "boom"})
    assert raising.invoke({}).payload == before


@pytest.mark.parametrize(
    ("code", "error_type", "message"),
    [
        ("import nothing_of_that_name", "Runtime.ImportModuleError", "Unable to import module 'index': No module named 'nothing_of_that_name'"),
        ("def handler(", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index': '(' was never closed (index.py, line 1)"),
        ("other = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("raise KeyError('TABLE')", "KeyError", "'TABLE'"),
        ("def handler(event, context): return {1, 2}", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
    ],
)  # fmt: skip
def test_what_the_runtime_itself_refuses_has_the_name_aws_gives_it(
    a_function: MakeFunction, code: str, error_type: str, message: str
) -> None:
    invoked = a_function(code).invoke()
    assert invoked.error == "Unhandled"
    assert (invoked.payload["errorType"], invoked.payload["errorMessage"]) == (error_type, message)
    assert f"[ERROR] {error_type}: " in invoked.log


def test_a_failed_import_is_tried_again_by_the_next_invocation(a_function: MakeFunction) -> None:
    function = a_function("raise KeyError('TABLE')")
    assert function.invoke().payload == function.invoke().payload


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys\ndef handler(event, context):\n    print('bye')\n    sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("import sys\ndef handler(event, context):\n    print('bye')\n    sys.exit()", "Runtime exited without providing a reason"),
        ("import os\ndef handler(event, context):\n    print('bye')\n    os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("import os\nprint('bye', flush=True)\nos._exit(4)", "Runtime exited with error: exit status 4"),
    ],
)  # fmt: skip
def test_a_function_that_ends_its_process_is_an_exit_error(a_function: MakeFunction, code: str, reason: str) -> None:
    invoked = a_function(code).invoke()
    assert invoked.error == "Unhandled"
    assert invoked.payload["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(rf"RequestId: [0-9a-f-]{{36}} Error: {re.escape(reason)}", invoked.payload["errorMessage"])
    assert invoked.log.startswith("bye\n")


def test_a_function_that_takes_too_long_is_stopped_and_says_so_as_on_aws(a_function: MakeFunction) -> None:
    code = "import time\ndef handler(event, context):\n    print('begun')\n    time.sleep(event)\n    return 'done'"
    function = a_function(code, timeout=1)
    invoked = function.invoke(60)
    assert invoked.payload["errorType"] == "Sandbox.Timedout"
    message = r"RequestId: ([0-9a-f-]{36}) Error: Task timed out after 1\.00 seconds"
    assert re.fullmatch(message, invoked.payload["errorMessage"])
    assert invoked.log.startswith("begun\n")
    assert invoked.log.endswith("Task timed out after 1.00 seconds")
    assert function.invoke(0).payload == "done"


def test_the_client_context_reaches_the_function(a_function: MakeFunction) -> None:
    function = a_function(RETURNING_ITS_CONTEXT)
    sent = {"custom": {"functionRunId": "r-1"}, "env": {"locale": "ø"}, "client": {"app_title": "rerun"}}
    assert function.invoke(ClientContext=encoded(sent)).payload == [{"functionRunId": "r-1"}, {"locale": "ø"}, "rerun"]
    assert function.invoke(ClientContext=encoded({"custom": {"a": "b"}})).payload == [{"a": "b"}, None, None]
    assert function.invoke().payload is None


def test_a_client_context_that_is_no_json_object_is_refused(echo: Any) -> None:
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        echo.invoke(ClientContext=base64.b64encode(b"[]").decode())


def encoded(client_context: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(client_context).encode()).decode()


def test_a_silent_warm_invocation_does_not_wait_for_a_log(echo: Any) -> None:
    echo.invoke()
    # The emulator's guess alone took 50 ms each time; on a busy machine it may take some tries to be faster.
    assert wait_for(lambda: echo.invoke().seconds < 0.030)


def test_every_line_belongs_to_its_invocation_and_none_is_lost(a_function: MakeFunction) -> None:
    code = """
def handler(event, context):
    for n in range(200):
        print(f"{event}-{n}")
    print(f"{event} without an end", end="")
"""
    function = a_function(code)
    for event in range(10):
        log = function.invoke(event).log
        assert log == "\n".join([*(f"{event}-{n}" for n in range(200)), f"{event} without an end"])


def test_whatever_is_written_to_stdout_is_log_and_never_the_answer(a_function: MakeFunction) -> None:
    code = r"""
import os, subprocess
def handler(event, context):
    os.write(1, b'{"status": "ok", "result": "forged"}\n')
    subprocess.run(["echo", "from a child"])
    os.write(2, b"not \xff text\n")
    return "mine"
"""
    function = a_function(code)
    for _ in range(2):
        invoked = function.invoke()
        assert invoked.payload == "mine"
        assert invoked.log == '{"status": "ok", "result": "forged"}\nfrom a child\nnot \ufffd text'


NESTED: Any = "core"
for _ in range(50):
    NESTED = [{"in": NESTED}]


@pytest.mark.parametrize(
    "value",
    [
        10**40, -(2**63), 1, 1.0, 1e-300, 0.1, None, True, "", [], {}, "é\u2028\u0000😀\ud83d", NESTED,
        {"b": 1, "a": [1, 1.0, None]}, {"event": {"ctx": 1}, "status": "error"}, "x" * 300_000, "é" * 300_000,
    ],
    ids=lambda value: ascii(value)[:24],
)  # fmt: skip
def test_a_payload_reaches_the_function_and_comes_back_as_the_same_json(echo: Any, value: Any) -> None:
    returned = echo.invoke(value).payload
    assert repr(returned) == repr(value)  # == would take 1 for 1.0 and for True


def test_a_correction_without_its_defect_fails_loudly() -> None:
    with pytest.raises(rewriting.EmulatorChanged, match=r"'some defect', as version 1\.5\.33 did"):
        rewriting.rewritten("some defect", "the code of a newer version", {"the defective code": ""})

"""A handler is called as AWS's runtime calls it: what it is given, and what is made of what it does."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.debugging.calling import ARN, CUSTOM, outcome_of

CONTEXT = """
def handler(event, context):
    return {
        "event": event,
        "id": context.aws_request_id, "arn": context.invoked_function_arn, "name": context.function_name,
        "version": context.function_version, "memory": context.memory_limit_in_mb,
        "group": context.log_group_name, "stream": context.log_stream_name,
        "left": context.get_remaining_time_in_millis(), "custom": context.client_context.custom,
        "client": context.client_context.client, "identity": context.identity.cognito_identity_id,
    }
"""


def failed(folder: Path, code: str, **more: Any) -> tuple[str | None, str]:
    outcome = outcome_of(folder, code, **more)
    assert outcome.status == "failure"
    assert outcome.error is not None
    return outcome.error_code, outcome.error["errorMessage"]


def test_the_handler_is_given_the_event_and_a_context(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, CONTEXT, event={"a": [1, 1.5, None, "\ud800"]})
    assert outcome.status == "completed"
    seen = outcome.result
    assert seen["event"] == {"a": [1, 1.5, None, "\ud800"]}
    assert (seen["arn"], seen["name"], seen["version"], seen["memory"]) == (ARN, "orders", "3", "256")
    assert (seen["group"], seen["stream"]) == ("/aws/lambda/orders", "fnrun/[3]debug")
    assert 10_000 < seen["left"] <= 20_000
    assert (seen["custom"], seen["client"], seen["identity"]) == (CUSTOM, None, None)
    assert len(seen["id"]) == 36


@pytest.mark.parametrize(
    ("handler", "file"),
    [("app.handler", "app.py"), ("src/app.handler", "src/app.py"), ("src.inner.app.handler", "src/inner/app.py")],
)
def test_a_handler_is_found_through_slashes_and_dots(tmp_path: Path, handler: str, file: str) -> None:
    outcome = outcome_of(tmp_path, "", files={file: "def handler(e, c): return __name__\n"}, handler=handler)
    assert outcome.result == handler.removesuffix(".handler").replace("/", ".")


@pytest.mark.parametrize(
    ("code", "handler", "error", "message"),
    [
        ("import nothing_of_that_name", "app.handler", "Runtime.ImportModuleError",
         "Unable to import module 'app': No module named 'nothing_of_that_name'"),
        ("", "missing.handler", "Runtime.ImportModuleError",
         "Unable to import module 'missing': No module named 'missing'"),
        ("", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("", "handler", "Runtime.MalformedHandlerName",
         "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
        ("", "sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
        ("1 +", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)"),
        ("1 / 0", "app.handler", "ZeroDivisionError", "division by zero"),
        ("def handler(e, c): return {1, 2}", "app.handler", "Runtime.MarshalError",
         "Unable to marshal response: Object of type set is not JSON serializable"),
        ("def handler(e, c): return {(1, 2): 3}", "app.handler", "Runtime.MarshalError",
         "Unable to marshal response: keys must be str, int, float, bool or None, not tuple"),
        ("def handler(e, c): return 'x' * 7_000_000", "app.handler", "Function.ResponseSizeTooLarge",
         "Response payload size (7000002 bytes) exceeded maximum allowed payload size (6291556 bytes)."),
    ],
)  # fmt: skip
def test_what_the_runtime_reports_has_the_runtime_s_names(
    tmp_path: Path, code: str, handler: str, error: str, message: str
) -> None:
    assert failed(tmp_path, code, handler=handler) == (error, message)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys\ndef handler(e, c): sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("import sys\nsys.exit()", "Runtime exited without providing a reason"),
        ("import os\ndef handler(e, c): os._exit(0)", "Runtime exited without providing a reason"),
        ("import os, signal\ndef handler(e, c): os.kill(os.getpid(), signal.SIGKILL)",
         "Runtime exited with error: signal: killed"),
        ("import os\ndef handler(e, c): os.abort()", "Runtime exited with error: signal: aborted"),
    ],
)  # fmt: skip
def test_a_process_that_ends_without_an_answer_is_an_exit_error(tmp_path: Path, code: str, reason: str) -> None:
    error, message = failed(tmp_path, code)
    assert error == "Runtime.ExitError"
    assert message.endswith(f" Error: {reason}")


def test_an_error_names_its_type_and_frames_by_the_files_of_aws(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "import tool, shared\ndef handler(event, context):\n    shared.apply(tool.fail)\n"
    files = {"tool.py": "class Odd(Exception): pass\ndef fail():\n    raise Odd('a\\nb')\n"}
    layers = {"python/shared.py": "def apply(what):\n    what()\n"}
    outcome = outcome_of(tmp_path, code, files=files, layers=layers)
    assert outcome.error is not None
    assert {**outcome.error, "requestId": ""} == {
        "errorMessage": "a\nb",
        "errorType": "Odd",
        "requestId": "",
        "stackTrace": [
            '  File "/var/task/app.py", line 3, in handler\n    shared.apply(tool.fail)\n',
            '  File "/opt/python/shared.py", line 2, in apply\n    what()\n',
            "  File \"/var/task/tool.py\", line 3, in fail\n    raise Odd('a\\nb')\n",
        ],
    }
    # In the log with the names that they have here.
    assert f'File "{tmp_path}/code/tool.py", line 3, in fail' in capfd.readouterr().err


def test_an_error_type_that_is_no_name_is_written_as_the_service_writes_it(tmp_path: Path) -> None:
    code = "def handler(e, c): raise type('a secret €', (Exception,), {})()"
    assert failed(tmp_path, code)[0] == "a?secret??"


def test_a_result_is_written_as_the_runtime_writes_it(tmp_path: Path) -> None:
    code = """
from collections import namedtuple
from decimal import Decimal
def handler(event, context):
    return {"named": namedtuple("P", "x y")(1, Decimal("1.10")), "bytes": b"caf\\xc3\\xa9", "tuple": (1, True),
            "big": Decimal("12345678901234567890.5"), 1: None}
"""
    assert outcome_of(tmp_path, code).result == {
        "named": {"x": 1, "y": 1.10},
        "bytes": "café",
        "tuple": [1, True],
        "big": 12345678901234567890.5,
        "1": None,
    }


@pytest.mark.parametrize(
    ("answer", "result"), [("b'no json'", "no json"), ("float('nan')", "NaN"), ("'1'", "1"), ("None", None)]
)
def test_what_is_answered_as_no_json_is_a_text(tmp_path: Path, answer: str, result: Any) -> None:
    assert outcome_of(tmp_path, f"def handler(e, c): return {answer}").result == result


def test_raw_parameters_are_read_as_the_runtime_reads_them(tmp_path: Path) -> None:
    text = '{"a": 1, "a": 2, "b": 1e400}'
    outcome = outcome_of(tmp_path, "def handler(e, c): return [e['a'], str(e['b'])]", raw_event=text)
    assert outcome.result == [2, "inf"]
    digits = f"[{'9' * 5000}]"
    assert failed(tmp_path, "def handler(e, c): pass", raw_event=digits)[0] == "Runtime.UnmarshalError"


def test_only_packages_of_aws_s_runtime_are_seen_besides_the_function_s_own(tmp_path: Path) -> None:
    code = """
import sys, boto3
def handler(event, context):
    try:
        import httpx
    except ImportError as error:
        return [str(error), sys.path[:3], sys.argv]
"""
    missing, path, argv = outcome_of(tmp_path, code).result
    assert missing == "No module named 'httpx'"
    layers = tmp_path / "layers" / "python"
    version = outcome_of(tmp_path, "import sys\ndef handler(e, c): return list(sys.version_info[:2])").result
    packages = layers / "lib" / "python{}.{}".format(*version) / "site-packages"
    assert path == [str(tmp_path / "code"), str(packages), str(layers)]
    assert argv == ["app.handler"]


def test_on_the_local_stack_installed_packages_are_seen_as_its_functions_see_them(tmp_path: Path) -> None:
    code = "import httpx\ndef handler(e, c): return httpx.__name__"
    assert outcome_of(tmp_path, code, of_call={"sees_installed_packages": True}).result == "httpx"


def test_the_code_wins_over_layers_and_installed_packages(tmp_path: Path) -> None:
    own, layer = (
        {"boto3.py": "here = 'code'"},
        {"python/boto3.py": "here = 'layer'", "python/tool.py": "here = 'layer'"},
    )
    code = "import boto3, tool\ndef handler(e, c): return [boto3.here, tool.here]"
    assert outcome_of(tmp_path, code, files=own, layers=layer).result == ["code", "layer"]


def test_print_and_logging_are_passed_through_in_the_runtime_s_form(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = """
import logging, subprocess, sys
def handler(event, context):
    print("printed")
    logging.getLogger().warning("logged")
    subprocess.run([sys.executable, "-c", "print('of a child')"])
    return context.aws_request_id
"""
    request = outcome_of(tmp_path, code).result
    shown = capfd.readouterr()
    assert shown.out == ""  # stdout is for data
    lines = shown.err.splitlines()
    assert lines[0] == "printed"
    assert lines[1].startswith("[WARNING]\t")
    assert lines[1].endswith(f"Z\t{request}\tlogged")
    assert lines[2] == "of a child"


def test_a_thread_that_goes_on_does_not_keep_the_answer_back(tmp_path: Path) -> None:
    code = """
import threading, time
def handler(event, context):
    threading.Thread(target=time.sleep, args=(600,)).start()
    return "done"
"""
    assert outcome_of(tmp_path, code).result == "done"


def test_the_debugger_is_waited_for_before_anything_is_imported(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    debugpy = """
def listen(address): print("listening on", address)
def wait_for_client(): print("waited")
"""
    code = "print('imported')\ndef handler(e, c): return c.get_remaining_time_in_millis()"
    call = {"debugpy_port": 5678}
    outcome = outcome_of(tmp_path, code, files={"debugpy.py": debugpy}, of_call=call, timeout_seconds=1)
    assert outcome.result > 800_000
    assert [line for line in capfd.readouterr().err.splitlines() if line[0] != "W"] == [
        "listening on ('127.0.0.1', 5678)",
        "waited",
        "imported",
    ]


def test_what_the_handler_answers_cannot_be_mistaken_for_an_error(tmp_path: Path) -> None:
    answer = {"error": {"errorType": "X"}, "errorMessage": "m"}
    outcome = outcome_of(tmp_path, f"def handler(e, c): return {json.dumps(answer)}")
    assert (outcome.status, outcome.result) == ("completed", answer)

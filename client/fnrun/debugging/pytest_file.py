"""The pytest file that `fnrun export-test` writes: plain pytest and the standard library, nothing of fnrun."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = '''"""{title}

Written by `fnrun export-test`. What the function is called with stands beside this file, in {fixture}.
{redacted}"""

import importlib
import json
{imports}from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

RUN = json.loads(Path(__file__).with_name("{fixture}").read_text(encoding="utf-8"))


def module() -> ModuleType:
    """Import the handler's module, which is there in the folder of the code."""
    name = RUN["handler"].rpartition(".")[0].replace("/", ".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{{name}}.".startswith(f"{{error.name}}."):
            raise
    why = f"cannot import {{name}}: run this in the folder of the code"
    pytest.fail(why, pytrace=False)


def call() -> object:
    """Call the handler as Lambda would."""
    handler = getattr(module(), RUN["handler"].rpartition(".")[2])
    context = SimpleNamespace(
        aws_request_id=RUN["runId"],
        function_name=RUN["functionName"],
        function_version=RUN["functionVersion"],
        invoked_function_arn=RUN["functionArn"],
        memory_limit_in_mb="128",
        log_group_name="/aws/lambda/" + RUN["functionName"],
        log_stream_name="test",
        client_context=SimpleNamespace(custom=RUN["custom"], env=None, client=None),
        get_remaining_time_in_millis=lambda: 60_000,
    )
    return handler(RUN["parameters"], context)
'''

_NO_LONGER_FAILS = """

def test_{name}_no_longer_fails() -> None:
    {call}
"""

_ENDS_IN_TIME = """

def test_{name}_ends_in_time() -> None:
    module()
    ended = []
    thread = threading.Thread(target=lambda: ended.append(call()), daemon=True)
    thread.start()
    thread.join(RUN["timeoutSeconds"])
    assert ended, "it has failed, or is still at work"
"""

_ANSWERS_AS_RECORDED = """

def test_{name}_answers_as_recorded() -> None:
    result = json.loads(json.dumps(call(), default=float))
    assert {result} == {recorded}
"""

_IGNORED = '''

def blanked(value: object, *pointers: str) -> object:
    """Leave out what is another at each call: JSON Pointers, with `*` for any member or element."""
    for pointer in pointers:
        keys = pointer.split("/")[1:]
        blank(value, [key.replace("~1", "/").replace("~0", "~") for key in keys])
    return value


def blank(value: object, path: list[str]) -> None:
    if not isinstance(value, dict | list):
        return
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        if path[0] in ("*", str(key)):
            if path[1:]:
                blank(value[key], path[1:])
            else:
                value[key] = None
'''


def pytest_file(
    *,
    name: str,
    fixture: str,
    run: Mapping[str, Any],
    handler: str,
    redacted: Mapping[str, int],
    ignored: Sequence[str],
) -> str:
    """`run` is the API's document of a run that has ended by its function; `name` and `fixture` are safe."""
    status = run["status"]
    error = re.sub(r"[^\w.:]", "?", run["errorCode"] or "", flags=re.ASCII)
    how = {"completed": "completed", "timeout": "timed out"}.get(status, f"failed with {error}")
    lines = [
        f"    {_one_line(pointer)}  ({count} {'place' if count == 1 else 'places'})\n"
        for pointer, count in redacted.items()
    ]
    head = _HEAD.format(
        title=f"{handler} on the input of run {_one_line(run['id'])}, which {how}.",
        fixture=fixture,
        imports="import threading\n" if status == "timeout" else "",
        redacted="".join(["\nRedacted:\n\n", *lines]) if lines else "",
    )
    return head + _test(name, run, ignored)


def _test(name: str, run: Mapping[str, Any], ignored: Sequence[str]) -> str:
    if run["status"] == "timeout":
        return _ENDS_IN_TIME.format(name=name)
    if run["status"] == "completed":
        result, recorded = "result", 'RUN["result"]'
        if ignored:
            result, recorded = (f'blanked({each}, *RUN["ignored"])' for each in (result, recorded))
        return (_IGNORED if ignored else "") + _ANSWERS_AS_RECORDED.format(name=name, result=result, recorded=recorded)
    # Such a result is no error of the function itself, only of what is made of it.
    of_result = run["errorCode"] == "Runtime.MarshalError"
    return _NO_LONGER_FAILS.format(name=name, call="json.dumps(call())" if of_result else "call()")


def _one_line(text: str) -> str:
    """As it may stand in a docstring."""
    return ascii(text)[1:-1].replace("\\", "/").replace('"', "'")

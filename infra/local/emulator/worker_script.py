"""The parts of AWS's runtime that the emulator's Python worker lacks. This text is put before the worker's own script.

It therefore runs as `__main__` of every function's process: standard library only. Shapes and texts are those of
https://github.com/aws/aws-lambda-python-runtime-interface-client (awslambdaric/bootstrap.py, lambda_context.py).
"""

import decimal
import importlib
import json
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TextIO

END_OF_LOG = "\x1eend of "
TASK_ROOT = "/var/task"  # where AWS unpacks the package, dependencies included
LANGUAGE_ROOT = "/var/lang"
LAYERS_ROOT = "/opt"
CLIENT_FIELDS = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
# AWS indents a traceback in the log with these, so that agents which trim or split on spaces leave it whole.
NO_BREAK_SPACE = "\u00a0"

Handler = Callable[[Any, Any], Any]


class RuntimeFaultError(Exception):
    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.trace = trace or []


def take_protocol_channel() -> TextIO:
    """Stdout, for answers to the emulator only: from here on, whatever else is written to it goes to the log.

    Descriptor 1 itself is moved, not just `sys.stdout`: a child process or an extension module writes there too.
    """
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


def load_handler(module_name: str, handler_name: str, code_dir: str) -> Handler:
    """The function's handler; if its import fails, one that answers every call with that failure."""
    try:
        return _find_handler(module_name, handler_name)
    except Exception as error:  # noqa: BLE001 - whatever a module raises at import is the function's answer
        failure = _error_payload(error, code_dir, request_id="")

        def refuse(_event: Any, _context: Any) -> Any:
            raise FailedInitError(failure)

        return refuse


class FailedInitError(Exception):
    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__(payload["errorMessage"])
        self.payload = payload


def _find_handler(module_name: str, handler_name: str) -> Handler:
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise RuntimeFaultError("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise RuntimeFaultError("Runtime.UserCodeSyntaxError", message, trace) from error
    try:
        handler: Handler = getattr(module, handler_name)
    except AttributeError as error:
        message = f"Handler '{handler_name}' missing on module '{module_name}'"
        raise RuntimeFaultError("Runtime.HandlerNotFound", message) from error
    return handler


def answer_of(handler: Handler, event: Any, context: Any, code_dir: str) -> str:
    """One line of JSON: the result, or the error in AWS's form. An error is also logged as AWS logs it."""
    try:
        return _marshal(handler(event, context))
    except FailedInitError as error:
        payload, ends = error.payload, True
    except Exception as error:  # noqa: BLE001 - SystemExit passes: it ends the process, as on AWS
        payload, ends = _error_payload(error, code_dir, context.aws_request_id), False
    _log(payload)
    return json.dumps({"status": "error", "error_payload": payload, "ends": ends})


def _marshal(result: Any) -> str:
    try:
        return json.dumps({"status": "ok", "result": result}, default=_plain_number)
    except Exception as error:
        raise RuntimeFaultError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _plain_number(value: Any) -> float:
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _error_payload(error: Exception, code_dir: str, request_id: str) -> dict[str, Any]:
    if isinstance(error, RuntimeFaultError):
        error_type, trace = error.error_type, error.trace
    else:
        error_type, trace = type(error).__name__, _stack_trace(error)
    return {
        "errorMessage": str(error),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": [_as_on_aws(entry, code_dir) for entry in trace],
    }


def _as_on_aws(entry: str, code_dir: str) -> str:
    installed = sysconfig.get_path("purelib")
    layers = filter(None, os.environ.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep))
    places = ((code_dir, TASK_ROOT), (installed, TASK_ROOT), (sys.base_prefix, LANGUAGE_ROOT))
    for here, there in (*places, *((layer, LAYERS_ROOT) for layer in layers)):
        entry = entry.replace(f'"{here}/', f'"{there}/')
    return entry


def _stack_trace(error: Exception) -> list[str]:
    # As tuples, because AWS's lines have no carets; and only from the function's own first frame on.
    frames = [(f.filename, f.lineno or 0, f.name, f.line) for f in traceback.extract_tb(error.__traceback__)]
    own = next((i for i, frame in enumerate(frames) if frame[0] != __file__), 0)
    return traceback.format_list(frames[own:])


def _log(payload: dict[str, Any]) -> None:
    colon = f": {payload['errorMessage']}" if payload["errorMessage"] else ""
    lines = [f"[ERROR] {payload['errorType']}{colon}", "Traceback (most recent call last):"]
    for entry in payload["stackTrace"]:
        for line in entry.splitlines():
            text = line.lstrip(" ")
            lines.append(NO_BREAK_SPACE * (len(line) - len(text)) + text)
    sys.stderr.write("\n".join(lines) + "\n")


def end_log(request_id: str) -> None:
    """Write the marker after which no log line of this invocation follows."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None and not stream.closed:
            stream.flush()
    os.write(2, f"{END_OF_LOG}{request_id}\n".encode())


def client_context_of(sent: dict[str, Any] | None) -> SimpleNamespace | None:
    if sent is None:
        return None
    client = sent.get("client")
    return SimpleNamespace(
        custom=sent.get("custom"),
        env=sent.get("env"),
        client=None if client is None else SimpleNamespace(**{name: client.get(name) for name in CLIENT_FIELDS}),
    )

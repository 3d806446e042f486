"""Calls a handler once, as AWS's runtime of Python does.

A script of its own, for any Python that Lambda offers (`python -I runner.py INVOCATION`): standard library only, and
nothing of fnrun. INVOCATION is the file that `child.py` writes; the answer goes to the file that it names.

Shapes and texts are those of https://github.com/aws/aws-lambda-python-runtime-interface-client (bootstrap.py,
lambda_context.py, lambda_runtime_marshaller.py), which reads and writes JSON with simplejson.
"""

from __future__ import annotations

import decimal
import importlib
import importlib.machinery
import json
import logging
import os
import re
import sys
import sysconfig
import time
import traceback
from types import SimpleNamespace
from typing import Any, Callable  # noqa: UP035 - of Python 3.9, too

Handler = Callable[[Any, Any], Any]
Invocation = dict[str, Any]

# What AWS has put beside its runtime. Another package has to be in the function's own, here as there.
PACKAGES_OF_THE_RUNTIME = frozenset(
    ("awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "simplejson", "six", "urllib3")
)
CLIENT_FIELDS = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
MAX_RESULT_BYTES = 6_291_556
RAW_NUMBER = "\ue000number "
"""Marks a string that stands for a number; a character for private use."""
_STANDARD_FINDERS = (
    importlib.machinery.BuiltinImporter,
    importlib.machinery.FrozenImporter,
    importlib.machinery.PathFinder,
)


class RuntimeFault(Exception):
    """What the runtime itself reports, and not the function's code."""

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.trace = trace or []


class RuntimePackages:
    """Finds what AWS's runtime has among the packages that are installed here, and nothing else."""

    def __init__(self, names: frozenset[str], folders: list[str]) -> None:
        self.names, self.folders = names, folders

    def find_spec(self, name: str, path: Any = None, _target: Any = None) -> Any:
        if path is None and name in self.names:
            return importlib.machinery.PathFinder.find_spec(name, self.folders)
        return None


def set_search_path(invocation: Invocation) -> None:
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    own = [each for each in sys.path if each in standard or each.endswith((".zip", "lib-dynload"))]
    installed = [each for each in sys.path if each not in own]
    layers, version = invocation["layerRoot"], f"python{sys.version_info[0]}.{sys.version_info[1]}"
    of_layers = [f"{layers}/python/lib/{version}/site-packages", f"{layers}/python"]
    sys.path[:] = [invocation["taskRoot"], *of_layers, *own]
    if invocation["seesInstalledPackages"]:
        sys.path += installed
        return
    names = PACKAGES_OF_THE_RUNTIME | ({"debugpy"} if invocation["debugpyPort"] else set())
    # Without those of packages that are installed as links to their sources.
    sys.meta_path[:] = [each for each in sys.meta_path if each in _STANDARD_FINDERS]
    sys.meta_path.append(RuntimePackages(names, installed))


def load_handler(handler: str) -> Handler:
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        message = f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        raise RuntimeFault("Runtime.MalformedHandlerName", message)
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module_name} as a handler module"
        raise RuntimeFault("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise RuntimeFault("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise RuntimeFault("Runtime.UserCodeSyntaxError", message, trace) from error
    try:
        return getattr(module, name)  # type: ignore[no-any-return]
    except AttributeError as error:
        message = f"Handler '{name}' missing on module '{module_name}'"
        raise RuntimeFault("Runtime.HandlerNotFound", message) from error


class Context:
    def __init__(self, invocation: Invocation, deadline: float) -> None:
        sent = invocation["clientContext"]
        self.aws_request_id = invocation["requestId"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = invocation["functionArn"]
        self.tenant_id = None
        self.client_context = SimpleNamespace(custom=sent["custom"], env=None, client=None)
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, message: Any) -> None:
        sys.stdout.write(str(message))


def read_event(file: str) -> Any:
    try:
        with open(file, "rb") as event:  # noqa: PTH123 - fewer imports before the function's own
            return json.loads(event.read())
    except Exception as error:
        raise RuntimeFault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def marshalled(result: Any) -> str:
    """As simplejson writes it: named tuples are objects, decimals are numbers, bytes are text."""
    if isinstance(result, bytes):
        return result.decode("utf-8", "replace")
    try:
        text = json.dumps(_without_named_tuples(result), default=_as_simplejson, ensure_ascii=False)
    except Exception as error:
        raise RuntimeFault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    text = re.sub(f'"{RAW_NUMBER}([^"]*)"', r"\1", text)
    size = len(text.encode("utf-8", "backslashreplace"))
    if size > MAX_RESULT_BYTES:
        message = (
            f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({MAX_RESULT_BYTES} bytes)."
        )
        raise RuntimeFault("Function.ResponseSizeTooLarge", message)
    return text


def _without_named_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_named_tuples(member) for name, member in value.items()}
    if isinstance(value, tuple) and callable(getattr(value, "_asdict", None)):
        return _without_named_tuples(value._asdict())  # type: ignore[attr-defined]
    if isinstance(value, (list, tuple)):
        return [_without_named_tuples(each) for each in value]
    return value


def _as_simplejson(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return RAW_NUMBER + str(value) if value.is_finite() else float(value)
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def error_document(error: Exception, request_id: str) -> dict[str, Any]:
    if isinstance(error, RuntimeFault):
        error_type, trace = error.error_type, error.trace
    else:
        error_type, trace = type(error).__name__, _stack_trace(error)
    return {"errorMessage": str(error), "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def _stack_trace(error: Exception) -> list[str]:
    # As tuples, because AWS's lines have no carets; and only from the function's own first frame on.
    frames = [
        (each.filename, each.lineno or 0, each.name, each.line) for each in traceback.extract_tb(error.__traceback__)
    ]
    own = next((at for at, frame in enumerate(frames) if frame[0] != __file__), 0)
    return traceback.format_list(frames[own:])


def log_error(error: dict[str, Any]) -> None:
    message = f": {error['errorMessage']}" if error["errorMessage"] else ""
    sys.stderr.write(f"[ERROR] {error['errorType']}{message}\nTraceback (most recent call last):\n")
    sys.stderr.writelines(each if each.endswith("\n") else each + "\n" for each in error["stackTrace"])


def as_on_aws(error: dict[str, Any], invocation: Invocation) -> dict[str, Any]:
    """The files of the trace by the names that they have in Lambda."""
    standard = sysconfig.get_path("stdlib")
    places = (
        (invocation["taskRoot"], "/var/task"),
        (invocation["layerRoot"], "/opt"),
        (standard, "/var/lang/lib/" + standard.rpartition("/")[2]),
    )
    trace = []
    for entry in error["stackTrace"]:
        for here, there in places:
            entry = entry.replace(f'"{here}/', f'"{there}/')  # noqa: PLW2901
        trace.append(entry)
    return {**error, "stackTrace": trace}


def set_up_logging(request_id: str) -> None:
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.terminator = ""
    form = f"[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t{request_id}\t%(message)s\n"
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    if level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        root.setLevel(level)


def wait_for_debugger(port: int) -> None:
    import debugpy  # type: ignore[import-not-found] # noqa: T100

    debugpy.listen(("127.0.0.1", port))  # noqa: T100
    sys.stderr.write(f"Waiting for a debugger on 127.0.0.1:{port}.\n")
    debugpy.wait_for_client()  # noqa: T100


def write(file: str, text: str) -> None:
    # Renamed into place: what is there is whole.
    unfinished = file + ".unfinished"
    with open(unfinished, "w", encoding="utf-8") as answer:  # noqa: PTH123
        answer.write(text)
    os.replace(unfinished, file)  # noqa: PTH105


def answer_of(invocation: Invocation) -> dict[str, Any]:
    request_id = ""  # an error while the module is imported is of no request
    try:
        handler = load_handler(invocation["handler"])
        write(invocation["startedFile"], "")
        request_id = invocation["requestId"]
        context = Context(invocation, time.time() + invocation["timeoutSeconds"])
        return {"result": marshalled(handler(read_event(invocation["eventFile"]), context))}
    except Exception as error:  # noqa: BLE001 - SystemExit passes: it ends the process, as on AWS
        document = error_document(error, request_id)
        log_error(document)
        return {"error": as_on_aws(document, invocation)}


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123
        invocation = json.load(file)
    sys.argv[:] = [invocation["handler"]]
    set_search_path(invocation)
    set_up_logging(invocation["requestId"])
    if invocation["debugpyPort"]:
        wait_for_debugger(invocation["debugpyPort"])
    write(invocation["answerFile"], json.dumps(answer_of(invocation)))
    sys.stdout.flush()
    sys.stderr.flush()
    # As Lambda freezes it: without waiting for its threads, and without what it has left for its exit.
    os._exit(0)


if __name__ == "__main__":
    main()

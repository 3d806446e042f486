"""The emulator's defects that the product would notice, each corrected in one function named after it.

Every correction first verifies that the code it corrects is still there. It raises `EmulatorChanged` if not, so a new
version of the emulator cannot make it silently useless.
"""

import base64
import binascii
import functools
import inspect
import json
import linecache
from typing import Any

from ministack.core import iam_actions, lambda_runtime
from ministack.services import apigateway, lambda_svc, scheduler

from infra.local import emulated_scheduler, emulated_versions, emulated_worker, python_worker

WRITTEN_FOR = "1.5.33"


class EmulatorChanged(RuntimeError):
    def __init__(self, defect: str) -> None:
        super().__init__(
            f"The emulator no longer contains the code behind the defect '{defect}', as version {WRITTEN_FOR} did: "
            "see what became of it, then adapt or delete the correction of that name."
        )


def apply_all() -> None:
    the_python_worker_lacks_the_runtime_of_aws()
    an_error_loses_its_type_and_stack_trace()
    an_exception_ends_the_worker()
    a_lone_surrogate_cannot_be_returned()
    the_client_context_never_arrives()
    the_end_of_a_log_is_guessed()
    jwt_claims_might_not_be_strings()
    a_version_escapes_the_reserved_concurrency()
    a_changed_schedule_never_fires_again()
    a_schedule_hands_over_placeholders()
    a_schedule_waits_ten_seconds_for_its_tick()
    iam_mistakes_the_names_of_rules_and_schedules()
    a_failed_invocation_is_told_without_its_id()
    a_version_s_number_is_used_again()


def _rewritten(defect: str, text: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        if text.count(old) != 1:
            raise EmulatorChanged(defect)
        text = text.replace(old, new)
    return text


def _rewrite_worker_script(defect: str, replacements: dict[str, str]) -> None:
    script = lambda_runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001
    lambda_runtime._PYTHON_WORKER_SCRIPT = _rewritten(defect, script, replacements)  # noqa: SLF001


def _rewrite_function(defect: str, module: Any, name: str, replacements: dict[str, str]) -> None:
    source = _rewritten(defect, inspect.getsource(getattr(module, name)), replacements)
    file = f"<{name}, corrected>"
    exec(compile(source, file, "exec"), vars(module))  # noqa: S102 - the emulator's own source
    # Tracebacks show this source, and the next correction of the same function finds it.
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)


def _require(defect: str, subject: Any, *snippets: str) -> None:
    source = inspect.getsource(subject)
    if not all(snippet in source for snippet in snippets):
        raise EmulatorChanged(defect)


def the_python_worker_lacks_the_runtime_of_aws() -> None:
    script = lambda_runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001
    if not script.endswith("\nrun()\n"):
        raise EmulatorChanged("the Python worker lacks the runtime of AWS")
    lambda_runtime._PYTHON_WORKER_SCRIPT = inspect.getsource(python_worker) + script  # noqa: SLF001


def an_error_loses_its_type_and_stack_trace() -> None:
    defect = "an error loses its type and stack trace"
    _rewrite_worker_script(
        defect,
        {
            "        mod = importlib.import_module(module_name)\n        handler_fn = getattr(mod, handler_name)\n": (
                "        handler_fn = load_handler(module_name, handler_name, code_dir)\n"
            ),
            "        try:\n"
            "            result = handler_fn(event, context)\n"
            '            _real_stdout.write(json.dumps({"status": "ok", "result": result}) + "\\n")\n'
            "        except Exception as e:\n"
            '            _real_stdout.write(json.dumps({"status": "error", "error": str(e), '
            '"trace": traceback.format_exc()}) + "\\n")\n': (
                '        _real_stdout.write(answer_of(handler_fn, event, context, code_dir) + "\\n")\n'
            ),
        },
    )
    before = '            error_msg = result.get("error", "Unknown error")\n'
    _rewrite_function(
        defect,
        lambda_svc,
        "_execute_function_warm",
        {
            before: '            if "error_payload" in result:\n'
            '                return {"body": result["error_payload"], "error": True, "log": result["log"]}\n' + before
        },
    )


def an_exception_ends_the_worker() -> None:
    _require(
        "an exception ends the worker",
        lambda_runtime.Worker.invoke,
        "durable: dict | None = None, invoked_function_arn: str | None = None) -> dict:",
        '            if response.get("status") == "error":\n'
        "                proc, self._proc = self._proc, None\n"
        "                _signal(proc)\n",
        '"error": f"Task timed out after {timeout}.00 seconds"',
    )
    uncorrected = lambda_runtime._worker_class_for  # noqa: SLF001

    def worker_class_for(config: dict[str, Any]) -> Any:
        is_python = str(config.get("Runtime", "python3.12")).startswith("python")
        return emulated_worker.PythonWorker if is_python else uncorrected(config)

    lambda_runtime._worker_class_for = worker_class_for  # noqa: SLF001


def a_lone_surrogate_cannot_be_returned() -> None:
    """Otherwise half of a surrogate pair, which JSON allows in a string, comes back as the emulator's InternalError."""
    before = '    return 200, resp_headers, json.dumps(payload, ensure_ascii=False).encode("utf-8")'
    # What Python writes for half a pair, \\ud800, is JSON's own escape for it.
    after = before.replace('"utf-8"', '"utf-8", "backslashreplace"')
    _rewrite_function("a lone surrogate cannot be returned", lambda_svc, "_invoke", {before: after})


def the_client_context_never_arrives() -> None:
    defect = "the client context never arrives"
    _rewrite_worker_script(
        defect, {'"client_context": None,': '"client_context": client_context_of(_ms_ctx.get("client_context")),'}
    )
    uncorrected = lambda_svc._invoke  # noqa: SLF001
    if list(inspect.signature(uncorrected).parameters)[:3] != ["name", "event", "headers"]:
        raise EmulatorChanged(defect)

    @functools.wraps(uncorrected)
    async def invoke(name: str, event: Any, headers: dict[str, str], *rest: Any, **named: Any) -> Any:
        try:
            sent = _client_context_in(headers)
        except (ValueError, binascii.Error):
            message = "Client context must be a valid Base64-encoded JSON object."
            return lambda_svc.error_response_json("InvalidRequestContentException", message, 400)
        token = emulated_worker.client_context.set(sent)
        try:
            return await uncorrected(name, event, headers, *rest, **named)
        finally:
            emulated_worker.client_context.reset(token)

    lambda_svc._invoke = invoke  # noqa: SLF001


def _client_context_in(headers: dict[str, str]) -> dict[str, Any] | None:
    encoded = headers.get("x-amz-client-context")
    # "Lambda passes the ClientContext object to your function for synchronous invocations only" (API reference).
    if not encoded or headers.get("x-amz-invocation-type", "RequestResponse") != "RequestResponse":
        return None
    sent = json.loads(base64.b64decode(encoded, validate=True))
    if not isinstance(sent, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one kind of error for every malformed context
    return sent


def the_end_of_a_log_is_guessed() -> None:
    defect = "the end of a log is guessed"
    _require(defect, lambda_runtime.Worker._drain_stderr_bounded, "first_line_wait: float = 0.050")  # noqa: SLF001
    _require(defect, lambda_runtime.Worker._read_stderr, "for line in self._proc.stderr:")  # noqa: SLF001
    _rewrite_worker_script(
        defect,
        {
            "    _real_stdout = sys.stdout\n": "    _real_stdout = take_protocol_channel()\n",
            "        _real_stdout.flush()\n\nrun()\n": (
                "        end_log(context.aws_request_id)\n        _real_stdout.flush()\n\nrun()\n"
            ),
        },
    )


def jwt_claims_might_not_be_strings() -> None:
    """Corrected by the emulator since it was first measured; the product reads `"[a b]"`, so it has to stay."""
    defect = "JWT claims might not be strings"
    expected = {"[a b]": ["a", "b"], "1700000000": 1700000000, "true": True, "text": "text"}
    proxy = apigateway._invoke_lambda_proxy  # noqa: SLF001
    _require(defect, proxy, '"claims": {k: _jwt_claim_to_string(v)')
    if any(apigateway._jwt_claim_to_string(claim) != text for text, claim in expected.items()):  # noqa: SLF001
        raise EmulatorChanged(defect)


def a_version_escapes_the_reserved_concurrency() -> None:
    """Reserved concurrency is the function's, shared by its versions, whose records here do not have it."""
    defect = "a version escapes the reserved concurrency"
    uncorrected = lambda_svc._reserved_concurrency  # noqa: SLF001
    _require(defect, uncorrected, 'reserved = (func or {}).get("concurrency")')

    @functools.wraps(uncorrected)
    def reserved_concurrency(func: dict[str, Any], config: dict[str, Any]) -> int | None:
        whole = lambda_svc._functions.get(config.get("FunctionName"))  # noqa: SLF001
        return uncorrected(whole or func, config)  # type: ignore[no-any-return]

    lambda_svc._reserved_concurrency = reserved_concurrency  # noqa: SLF001


def a_schedule_hands_over_placeholders() -> None:
    """The product needs the moment a schedule was for, not the one of the emulator's tick."""
    vars(scheduler)["target_at"] = emulated_scheduler.target_at
    defect = "a schedule hands over placeholders"
    _rewrite_function(defect, scheduler, "_tick_schedules", emulated_scheduler.NOMINAL_MOMENTS)


def a_changed_schedule_never_fires_again() -> None:
    defect = "a changed schedule never fires again"
    _require(defect, scheduler._delete_schedule, "del _schedules[key]\n    _tags.pop(arn, None)\n\n    return")  # noqa: SLF001
    _require(defect, scheduler._update_schedule, '"LastModificationDate": _now(),\n    }\n\n    return')  # noqa: SLF001
    memory = emulated_scheduler.Memory(scheduler._schedule_last_fired)  # noqa: SLF001
    vars(scheduler)["forget_if_changed"] = memory.forget_if_changed
    _rewrite_function(defect, scheduler, "_tick_schedules", emulated_scheduler.HEEDED_CHANGES)


def a_schedule_waits_ten_seconds_for_its_tick() -> None:
    """AWS is no more precise; but tests and the demo would only wait."""
    if scheduler._SCHEDULE_TICK_INTERVAL != 10:  # noqa: SLF001, PLR2004
        raise EmulatorChanged("a schedule waits ten seconds for its tick")
    scheduler._SCHEDULE_TICK_INTERVAL = 1  # noqa: SLF001


def iam_mistakes_the_names_of_rules_and_schedules() -> None:
    """Every schedule is taken for one of the group `default`, and the targets of a rule for ones of its bus."""
    _rewrite_function(
        "IAM mistakes the names of rules and schedules",
        iam_actions,
        "extract_resource_arn",
        {
            "schedule/default/{parts[si + 1]}": (
                "schedule/{_param(body, query_params, 'GroupName', 'groupName') or 'default'}/{parts[si + 1]}"
            ),
            '_safe_json_field(body, "RuleName")': '_safe_json_field(body, "Rule")',
            "rule/{bus}/{name}": "rule/{bus + '/' if bus != 'default' else ''}{name}",
        },
    )


def a_failed_invocation_is_told_without_its_id() -> None:
    """A record names the request, the moment and the version that was executed, as AWS documents it."""
    _rewrite_function(
        "a failed invocation is told without its id",
        lambda_svc,
        "_route_async_failure",
        {
            '        "requestContext": {\n': (
                '        "version": "1.0",\n'
                '        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),\n'
                '        "requestContext": {\n'
                '            "requestId": new_uuid(),\n'
            ),
            '.get("FunctionArn", ""),\n': '.get("FunctionArn", "") + ":$LATEST",\n',
            '            "statusCode": 200,\n': '            "statusCode": 200, "executedVersion": "$LATEST",\n',
        },
    )


def a_version_s_number_is_used_again() -> None:
    """A run that is pinned to a version of a function that was deleted would be executed by another's code."""
    defect = "a version's number is used again"
    vars(lambda_svc)["first_version_of"] = emulated_versions.first_version_of
    vars(lambda_svc)["remember_versions_of"] = emulated_versions.remember_versions_of
    _rewrite_function(defect, lambda_svc, "_create_function", emulated_versions.FIRST_VERSION)
    _rewrite_function(defect, lambda_svc, "_delete_function", emulated_versions.DELETION)

"""Lambda: what Invoke accepts, passes to the function, answers and reports."""

import base64
import binascii
import functools
import inspect
import json
from typing import Any

from ministack.services import lambda_svc

from infra.local.emulator import worker
from infra.local.emulator.corrections.python_runtime import rewrite_worker_script
from infra.local.emulator.corrections.rewriting import EmulatorChanged, require, rewrite_function

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
MAX_EVENT_BYTES = 1024 * 1024


def a_lone_surrogate_cannot_be_returned() -> None:
    """JSON allows half of a surrogate pair in a string; the emulator answered it with an InternalError."""
    before = '    return 200, resp_headers, json.dumps(payload, ensure_ascii=False).encode("utf-8")'
    # What Python writes for half a pair, \\ud800, is JSON's own escape for it.
    after = before.replace('"utf-8"', '"utf-8", "backslashreplace"')
    rewrite_function("a lone surrogate cannot be returned", lambda_svc, "_invoke", {before: after})


def the_client_context_never_arrives() -> None:
    defect = "the client context never arrives"
    rewrite_worker_script(
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
        token = worker.client_context.set(sent)
        try:
            return await uncorrected(name, event, headers, *rest, **named)
        finally:
            worker.client_context.reset(token)

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


def a_version_escapes_the_reserved_concurrency() -> None:
    """All versions share the reserved concurrency of their function; the emulator's records of versions lack it."""
    defect = "a version escapes the reserved concurrency"
    uncorrected = lambda_svc._reserved_concurrency  # noqa: SLF001
    require(defect, uncorrected, 'reserved = (func or {}).get("concurrency")')

    @functools.wraps(uncorrected)
    def reserved_concurrency(func: dict[str, Any], config: dict[str, Any]) -> int | None:
        whole = lambda_svc._functions.get(config.get("FunctionName"))  # noqa: SLF001
        return uncorrected(whole or func, config)  # type: ignore[no-any-return]

    lambda_svc._reserved_concurrency = reserved_concurrency  # noqa: SLF001


def a_failed_invocation_is_recorded_without_its_id() -> None:
    """A record names the request, the moment and the version that was executed, as AWS documents it."""
    rewrite_function(
        "a failed invocation is recorded without its id",
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


def a_payload_may_be_anything() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB, or 1 MB for asynchronous ones.

    The sentence and the code, which API reference and model do not have: https://github.com/ASFHyP3/hyp3/issues/2241.
    """
    vars(lambda_svc)["refusal_of_size"] = refusal_of_size
    before = "            return await _invoke(func_name, data, headers, path_qualifier, query_params)\n"
    unparsed = "    except json.JSONDecodeError:\n        data = {}\n"
    rewrite_function(
        "a payload may be anything",
        lambda_svc,
        "handle_request",
        {
            before: "            if refused := refusal_of_size(headers, len(body)):\n"
            "                return refused\n" + before,
            unparsed: "    except ValueError as error:\n"
            '        if parts[-1] == "invocations":\n'
            '            problem = f"Could not parse request body into json: {error}"\n'
            '            return error_response_json("InvalidRequestContentException", problem, 400)\n'
            "        data = {}\n",
        },
    )


def refusal_of_size(headers: dict[str, str], size: int) -> Any:
    kind = headers.get("x-amz-invocation-type", "RequestResponse")
    limit = MAX_EVENT_BYTES if kind == "Event" else MAX_PAYLOAD_BYTES
    if size <= limit:
        return None
    problem = f"{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
    return lambda_svc.error_response_json("RequestEntityTooLargeException", problem, 413)


def a_version_s_number_is_used_again() -> None:
    """A run that is pinned to a version of a function that was deleted would be executed by another's code.

    AWS never uses one again, "even for a function that has been deleted and recreated":
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
    """
    defect = "a version's number is used again"
    next_of_deleted = lambda_svc.AccountRegionScopedDict()

    def remember_versions_of(name: str, function: dict[str, Any]) -> None:
        next_of_deleted[name] = function["next_version"]

    vars(lambda_svc)["first_version_of"] = lambda name: int(next_of_deleted.get(name, 1))
    vars(lambda_svc)["remember_versions_of"] = remember_versions_of
    first = {'        "next_version": 1,\n': '        "next_version": first_version_of(name),\n'}
    deletion = {"        del _functions[name]\n": "        remember_versions_of(name, _functions.pop(name))\n"}
    rewrite_function(defect, lambda_svc, "_create_function", first)
    rewrite_function(defect, lambda_svc, "_delete_function", deletion)


def a_version_s_code_is_that_of_its_function() -> None:
    """Where GetFunction says that a version's code is, there was the current code."""
    defect = "a version's code is that of its function"
    address = '            "Location": _presigned_code_url(name),\n'
    of_version = address.replace("(name)", '(f"{name}:{effective_config[\'Version\']}".removesuffix(":$LATEST"))')
    rewrite_function(defect, lambda_svc, "_get_function", {address: of_version})
    rewrite_function(
        defect,
        lambda_svc,
        "serve_function_code",
        {
            "    if account_id and region:\n": (
                '    func_name, _, version = func_name.partition(":")\n    if account_id and region:\n'
            ),
            "    if not func:\n": (
                '    func = func["versions"].get(version) if func and version else func\n    if not func:\n'
            ),
        },
    )

"""What an exception that a command let through means to who has typed the command."""

import math
import os
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

from fnrun.errors import CommandError, Exit
from fnrun.next_steps import NEXT_STEPS, next_step, with_run

if TYPE_CHECKING:
    from function_rerun import ApiError, FunctionRerunError

_FUNCTION_NOT_PERMITTED = "FUNCTION_NOT_PERMITTED"


def explained(error: Exception, *, run: str | None = None) -> CommandError:
    """`run` is what was asked about."""
    from function_rerun import FunctionRerunError

    if isinstance(error, CommandError):
        return error
    if isinstance(error, FunctionRerunError):
        return _of_client(error, run)
    if isinstance(error, RecursionError):
        return CommandError("What was given is nested too deep", "100 levels are taken at most", Exit.USAGE)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {frame.name}, {frame.filename}:{frame.lineno}"
    # Not its message, which may hold what was sent or shown.
    return CommandError(f"A fault of fnrun itself: {where}", "report it with this line", Exit.FAULT)


_OF_THE_CLIENT: Mapping[str, tuple[str, Exit]] = MappingProxyType(
    {
        "InvalidAnswer": ("fnrun doctor, fnrun profiles list", Exit.NOT_REACHED),
        "WaitTimeout": ("fnrun runs list: it goes on", Exit.UNKNOWN),
        "InsecureUrl": ("use https, or name another stack with --profile", Exit.USAGE),
        "InvalidToken": ("fnrun login, or set FNRUN_TOKEN again", Exit.NOT_PERMITTED),
    }
)
"""The next step and the exit code, by the name of the exception."""


def _of_client(error: "FunctionRerunError", run: str | None) -> CommandError:
    import function_rerun as client

    if isinstance(error, client.ApiError):
        return _of_api(error, run)
    if isinstance(error, client.TokenUnavailable) and isinstance(error.__cause__, CommandError):
        return error.__cause__
    if isinstance(error, client.OutcomeUnknown):
        look = f"fnrun history {run}" if run else "fnrun runs list"
        return CommandError(error.message, f"look with {look}", Exit.UNKNOWN, request_id=error.request_id or "")
    if isinstance(error, client.ConnectionFailed):
        return CommandError(error.message, _how_to_reach_it(), Exit.NOT_REACHED)
    step, exit_code = _OF_THE_CLIENT.get(type(error).__name__, ("fnrun doctor", Exit.NOT_REACHED))
    return CommandError(error.message, step, exit_code)


def _of_api(error: "ApiError", run: str | None) -> CommandError:
    import function_rerun as client

    code, message = error.code, error.message
    if not code:  # API Gateway has answered, whose phrases are few
        code, message = _of_gateway(error)
    exit_code = Exit.REFUSED
    if isinstance(error, client.Unauthorized | client.Forbidden) and code != _FUNCTION_NOT_PERMITTED:
        exit_code = Exit.NOT_PERMITTED
    elif isinstance(error, client.Unavailable | client.ServiceFault):
        exit_code = Exit.NOT_REACHED
    step = _log_in_again() if code == "UNAUTHENTICATED" else next_step({**error.document, "code": code}, run=run)
    if isinstance(error, client.Unavailable) and error.retry_after:
        step = f"try again in {math.ceil(error.retry_after)} s"
    return CommandError(
        with_run(message, error.document), step, exit_code, code=code, request_id=error.request_id or ""
    )


_OF_THE_GATEWAY: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        401: ("UNAUTHENTICATED", "The access token is not valid here, or has expired"),
        403: ("FORBIDDEN", "The API does not let this caller in"),
        404: ("NOT_FOUND", "There is no such path in this API"),
        413: ("TOO_LARGE", "The request is larger than API Gateway takes"),
        429: ("UNAVAILABLE", "The API is throttled: there are too many requests"),
    }
)
"""The service's own code for the same, and a sentence, by HTTP's status."""


def _of_gateway(error: "ApiError") -> tuple[str, str]:
    if error.status in _OF_THE_GATEWAY:
        return _OF_THE_GATEWAY[error.status]
    is_refused = error.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return ("REFUSED", error.message) if is_refused else ("UNAVAILABLE", f"The service cannot answer ({error.status})")


def _log_in_again() -> str:
    """A login is not asked as long as there is a token in the environment."""
    from fnrun.connection.sources import NEW_TOKEN

    return NEW_TOKEN if os.environ.get("FNRUN_TOKEN", "").strip() else NEXT_STEPS["UNAUTHENTICATED"]


def _how_to_reach_it() -> str:
    from fnrun.connection.session import current

    try:
        is_local = current().is_local
    except CommandError:
        is_local = False
    return "is the stack up? fnrun local up" if is_local else "check network and address: fnrun doctor"

"""What api_registry answers about compute functions."""

from http import HTTPStatus

from handlers.api.operations import IF_MATCH, PAGE, Grant, Operation
from handlers.api.views import Deleted, PageMeta, View, absent_if_none
from handlers.domain import errors
from handlers.domain.clock import Timestamp
from handlers.domain.registry.functions import ChangeFunction, RegisterFunction


class CapturingView(View):
    """To which trigger the runs belong that are captured from failed asynchronous invocations."""

    trigger_id: str


class FunctionView(View):
    """A Lambda function under a workspace's name for it."""

    headers = ("ETag",)
    id: str
    workspace: str
    name: str
    version: int
    created_at: Timestamp
    updated_at: Timestamp
    function_arn: str
    capture_failures: CapturingView | None = absent_if_none()


class FunctionList(View):
    data: list[FunctionView]
    meta: PageMeta


_FUNCTIONS = "/compute-functions"
_FUNCTION = f"{_FUNCTIONS}/{{functionId}}"
_READ = Grant("compute-functions", "read")
_WRITE = Grant("compute-functions", "write")

POST_FUNCTION = Operation(
    id="registerFunction",
    entry_point="api_registry",
    method="POST",
    path=_FUNCTIONS,
    access=_WRITE,
    summary="Register a function",
    description="A Lambda function, or an alias of it. The context (`invokableFunctions`) says which ones a workspace "
    "may register.",
    request=RegisterFunction,
    example={"name": "orders", "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:orders-import:live"},
    responses={HTTPStatus.CREATED: FunctionView},
    refusals=(errors.NameTaken,),
    audited="register-function",
)
LIST_FUNCTIONS = Operation(
    id="listFunctions",
    entry_point="api_registry",
    method="GET",
    path=_FUNCTIONS,
    access=_READ,
    summary="List functions, newest first",
    query=PAGE,
    responses={HTTPStatus.OK: FunctionList},
)
GET_FUNCTION = Operation(
    id="getFunction",
    entry_point="api_registry",
    method="GET",
    path=_FUNCTION,
    access=_READ,
    summary="Read a function",
    responses={HTTPStatus.OK: FunctionView},
    refusals=(errors.NotFound,),
)
PUT_FUNCTION = Operation(
    id="changeFunction",
    entry_point="api_registry",
    method="PUT",
    path=_FUNCTION,
    access=_WRITE,
    summary="Change a function",
    description="What is left out stays as it is. `functionArn` may change to another alias of the same Lambda "
    "function. `captureFailures: {}` ends capturing. What GET answered can be edited and put back whole.",
    request=ChangeFunction,
    example={"captureFailures": {"triggerId": "07000000-0000-4000-8000-000000000001"}, "version": 3},
    headers=(IF_MATCH,),
    responses={HTTPStatus.OK: FunctionView},
    refusals=(
        errors.NotFound,
        errors.VersionRequired,
        errors.Stale,
        errors.FunctionNotPermitted,
        errors.NameTaken,
    ),
    audited="change-function",
)
DELETE_FUNCTION = Operation(
    id="deleteFunction",
    entry_point="api_registry",
    method="DELETE",
    path=_FUNCTION,
    access=_WRITE,
    summary="Delete a function",
    description="Its runs stay, but can no longer be re-run. Its triggers start nothing any more: delete them first.",
    responses={HTTPStatus.OK: Deleted},
    refusals=(errors.NotFound,),
    audited="delete-function",
)

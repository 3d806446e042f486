"""What api_registry answers about compute functions."""

from http import HTTPStatus

from handlers.api.operations import IF_MATCH, PAGE, registry_operation
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
    ignore_differences: list[str] | None = absent_if_none(
        description="JSON Pointers to what is left out when results of its runs are compared."
    )


class FunctionList(View):
    data: list[FunctionView]
    meta: PageMeta


_FUNCTIONS = "/compute-functions"
_FUNCTION = f"{_FUNCTIONS}/{{functionId}}"

POST_FUNCTION = registry_operation(
    "registerFunction",
    f"POST {_FUNCTIONS}",
    "Register a function",
    description="A Lambda function, or an alias of it. The context (`invokableFunctions`) says which ones a workspace "
    "may register.",
    request=RegisterFunction,
    example={"name": "orders", "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:orders-import:live"},
    responses={HTTPStatus.CREATED: FunctionView},
    refusals=(errors.NameTaken,),
)
LIST_FUNCTIONS = registry_operation(
    "listFunctions",
    f"GET {_FUNCTIONS}",
    "List functions, newest first",
    query=PAGE,
    responses={HTTPStatus.OK: FunctionList},
)
GET_FUNCTION = registry_operation(
    "getFunction",
    f"GET {_FUNCTION}",
    "Read a function",
    responses={HTTPStatus.OK: FunctionView},
    refusals=(errors.NotFound,),
)
PUT_FUNCTION = registry_operation(
    "changeFunction",
    f"PUT {_FUNCTION}",
    "Change a function",
    description="What is left out stays as it is. `functionArn` may change to another alias of the same Lambda "
    "function. `captureFailures: {}` ends capturing, `ignoreDifferences: []` lets all differences count. What GET "
    "answered can be edited and put back whole.",
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
)
DELETE_FUNCTION = registry_operation(
    "deleteFunction",
    f"DELETE {_FUNCTION}",
    "Delete a function",
    description="Its runs stay, but can no longer be re-run. Its triggers start nothing any more: delete them first.",
    responses={HTTPStatus.OK: Deleted},
    refusals=(errors.NotFound,),
)

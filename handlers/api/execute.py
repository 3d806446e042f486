"""What api_triggers answers."""

from http import HTTPStatus

from handlers.api.operations import IDEMPOTENCY_KEY, Grant, Operation
from handlers.api.views import JobAccepted
from handlers.domain import errors
from handlers.domain.starting.execute_trigger import ExecuteBody

EXECUTE = Operation(
    id="executeTrigger",
    entry_point="api_triggers",
    method="POST",
    path="/function-triggers/{triggerId}/execute",
    access=Grant("function-triggers", "execute"),
    summary="Start a run",
    description="The run's parameters are the trigger's params, merged with `payload`.",
    request=ExecuteBody,
    example={"payload": {"orderId": "o-1"}},
    headers=(IDEMPOTENCY_KEY,),
    responses={HTTPStatus.ACCEPTED: JobAccepted},
    refusals=(
        errors.NotFound,
        errors.FunctionNotFound,
        errors.FunctionNotPermitted,
        errors.TriggerDisabled,
        errors.TriggerUnreadable,
        errors.IdempotencyKeyReused,
    ),
    audited="execute",
)

"""What api_rerun answers."""

from http import HTTPStatus

from handlers.api.operations import IDEMPOTENCY_KEY, REPEATING_REFUSALS, Grant, Operation
from handlers.api.views import JobAccepted
from handlers.domain import errors
from handlers.domain.starting.rerun import RerunBody

RERUN = Operation(
    id="rerun",
    entry_point="api_rerun",
    method="POST",
    path="/function-runs/{runId}/rerun",
    access=Grant("function-triggers", "execute"),
    summary="Re-run a run",
    description="Executes the function again with the source run's parameters, merged with `overrideParams`, on the "
    "version that the source run executed, or on today's with `useLatestCode`. A re-run can be re-run in turn.",
    request=RerunBody,
    example={
        "reason": "The carrier's address is corrected",
        "overrideParams": {"order": {"carrier": "dhl"}},
        "useLatestCode": True,
        "notBefore": "2026-12-24T18:00:00Z",
        "ifNotRecovered": True,
    },
    headers=(IDEMPOTENCY_KEY,),
    responses={HTTPStatus.ACCEPTED: JobAccepted},
    # In the order in which they are checked, once the body is valid.
    refusals=(
        *REPEATING_REFUSALS,
        errors.EffectKeyUnknown,
        errors.PlanOutdated,
        errors.AlreadyRecovered,
        errors.RerunOpen,
        errors.RerunLimitReached,
    ),
    audited="rerun",
)

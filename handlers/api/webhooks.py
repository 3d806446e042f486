"""What api_webhooks answers."""

from http import HTTPStatus
from typing import Literal

from pydantic import Field

from handlers.api.operations import ANY_CONTENT, IDEMPOTENCY_KEY, Operation, Parameter, Public
from handlers.api.views import View
from handlers.domain import errors
from handlers.domain.starting.webhook_signatures import ID, SIGNATURE, TIMESTAMP


class WebhookAccepted(View):
    """The run is recorded and will be executed."""

    headers = ("Location",)
    status: Literal["queued"] = "queued"
    job_id: str = Field(description="The id of the new run, or of the one that this webhook has started before.")


RECEIVE = Operation(
    id="receiveWebhook",
    entry_point="api_webhooks",
    method="POST",
    path="/http-trigger/{path+}",
    access=Public.SIGNATURE,
    summary="Receive a webhook",
    description="Starts a run of the HTTP trigger of this path. Its webhooks are signed after "
    "[Standard Webhooks](https://www.standardwebhooks.com), unless the trigger says `signature: none`. A webhook that "
    "is sent again, with the same `webhook-id`, starts nothing again.",
    request=ANY_CONTENT,
    headers=(
        Parameter(ID, "The webhook's own id.", {"type": "string", "pattern": "^[!-~]{1,256}$"}),
        Parameter(
            TIMESTAMP,
            "When it was sent, in seconds since 1970: five minutes off at most, if it is signed.",
            {"type": "string", "pattern": "^[0-9]{1,12}$"},
        ),
        Parameter(SIGNATURE, "`v1,` and the signature in base64; several stand apart by spaces."),
        IDEMPOTENCY_KEY._replace(description="For webhooks without a `webhook-id`, which only unsigned ones can be."),
    ),
    responses={HTTPStatus.ACCEPTED: WebhookAccepted},
    refusals=(
        errors.BadSignature,
        errors.NotFound,
        errors.FunctionNotFound,
        errors.TriggerDisabled,
        errors.TriggerUnreadable,
        errors.IdempotencyKeyReused,
    ),
)

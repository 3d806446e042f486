"""Lambda's record of a failed asynchronous invocation, as its on-failure destination gets it.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
Nobody can correct a record: its payloads are taken as the text that they are, and of all else what can be read. One
that would be larger than its destination takes comes without them:
https://docs.aws.amazon.com/lambda/latest/api/API_OnFailure.html
"""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from handlers.domain.errors import InvalidRequest
from handlers.domain.ids import FOREIGN_ID
from handlers.domain.json_text import JsonText, NotJson


class RequestContext(BaseModel):
    """Which invocation it was. We read what we need, and leave the rest to AWS's next release."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, frozen=True, hide_input_in_errors=True)

    request_id: str = Field(pattern=FOREIGN_ID)
    function_arn: str
    condition: str = ""


class InvocationRecord(NamedTuple):
    request_context: RequestContext
    request_payload: str | None
    """JSON, to the character; None if the record has come without it."""
    executed_version: str
    """Empty if the record does not say, or not so that we understand."""
    response_payload: str | None
    """JSON, to the character; None if the function has not answered."""

    @classmethod
    def read(cls, document: str) -> "InvocationRecord":
        """The record, alone or as the detail of an EventBridge event. Raises InvalidRequest."""
        try:
            members = JsonText.read(document).members()
        except NotJson:
            raise InvalidRequest("body", "is not valid JSON.") from None
        detail = members.get("detail")
        if detail is not None and detail.text.startswith("{"):
            members = detail.members()
        payload, answer = members.get("requestPayload"), members.get("responsePayload")
        return cls(
            _context(members.get("requestContext")),
            None if payload is None else payload.text,
            _executed_version(members.get("responseContext")),
            None if answer is None or answer.text == "null" else answer.text,
        )


def _context(found: JsonText | None) -> RequestContext:
    """Raises InvalidRequest."""
    if found is None or not found.text.startswith("{"):
        raise _malformed("requestContext")
    try:
        return RequestContext.model_validate(found.strings())
    except ValidationError as error:
        field = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))[:100]
        raise _malformed(f"requestContext.{field}") from None


def _executed_version(found: JsonText | None) -> str:
    return "" if found is None else found.strings().get("executedVersion") or ""


def _malformed(field: str) -> InvalidRequest:
    return InvalidRequest(field, "does not have the form of Lambda's invocation records.")

"""HTTP triggers: the `path` of their webhooks, how these are signed, and whether their body is always handed on raw."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from handlers.domain.registry.trigger_metadata import TriggerMetadata
from handlers.domain.runs.run import ExecutionSource, ExecutionType

_PATH = r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*"


def _check_path(path: str) -> str:
    """Plain segments: nothing to decode, nothing to climb."""
    if not re.fullmatch(_PATH, path):
        problem = "must be segments of letters, digits and . _ ~ - with one / between them, none beginning with a dot"
        raise PydanticCustomError("path", problem)
    return path


class HttpTrigger(TriggerMetadata):
    execution_type = ExecutionType.HTTP
    execution_source = ExecutionSource.WEBHOOK

    path: Annotated[
        str, Field(max_length=200, json_schema_extra={"pattern": f"^{_PATH}$"}), AfterValidator(_check_path)
    ]
    signature: Literal["standard-webhooks", "none"] = "standard-webhooks"
    raw_body: bool = Field(
        default=False,
        exclude_if=lambda raw: not raw,
        description="Whether the function gets the body as the text that was sent, also where it is JSON.",
    )

    @property
    def needs_secret(self) -> bool:
        return self.signature != "none"

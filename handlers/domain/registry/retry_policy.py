"""What a trigger says about retries: how many, after which pause, and of which failures."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from handlers.domain.json_document import JsonObject
from handlers.domain.requests import Body, explained
from handlers.domain.runs.outcome import error_name

FIELD = "retryPolicy"
MAX_RETRIES = 100
MAX_DELAY_SECONDS = 30 * 24 * 3600
Jitter = Literal["full", "none"]
# As Lambda reports it for any language; it is kept in the form that a run's `errorCode` has.
ErrorName = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s\p{Cc}]+$", max_length=512),
    Field(json_schema_extra={"pattern": r"^\S+$"}),  # not every reader of schemas knows \p
    explained("must be the name of an error, without spaces"),
    AfterValidator(error_name),
]


class RetryPolicy(Body):
    """Of a trigger: `maxRetries: 0` ends retrying."""

    max_retries: int = Field(ge=0, le=MAX_RETRIES)
    initial_delay_seconds: int = Field(default=10, ge=0, le=MAX_DELAY_SECONDS)
    backoff_rate: float = Field(default=2.0, ge=1, le=10)
    max_delay_seconds: int = Field(default=3600, ge=0, le=MAX_DELAY_SECONDS)
    jitter: Jitter = "full"
    non_retryable_errors: list[ErrorName] = Field(default_factory=list, max_length=50)
    retry_manual_reruns: bool = False

    def delay(self, attempt: int, draw: Callable[[float, float], float] = random.uniform) -> timedelta:
        """How long the nth retry waits after the failure before it. With full jitter: anything up to that."""
        grown = self.initial_delay_seconds * self.backoff_rate ** min(attempt - 1, MAX_RETRIES)
        seconds = min(grown, self.max_delay_seconds)
        return timedelta(seconds=draw(0, seconds) if self.jitter == "full" else seconds)


def read_retry_policy(body: JsonObject) -> RetryPolicy | None:
    """The policy; None for one that never retries. Raises InvalidRequest."""
    policy = RetryPolicy.read(body, within=FIELD)
    return policy if policy.max_retries else None

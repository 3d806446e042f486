"""The description of a Lambda function: all that the stack has to know of it, in one place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.event_sources import EventSource

# API Gateway gives up after 30 seconds.
API_TIMEOUT = Duration.seconds(29)
# For functions that read and merge parameters of megabytes.
LARGE_MEMORY_MB = 1024


@dataclass(frozen=True, kw_only=True)
class AsyncRetries:
    """How Lambda repeats an asynchronous invocation that failed; a throttled one it repeats until `max_event_age`."""

    attempts: int
    max_event_age: Duration


@dataclass(frozen=True)
class Alarm:
    """An operator is woken when the function's metric has counted anything within five minutes."""

    name: str
    metric: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Function:
    """The routes of the API are not here: an operation of the API names its entry point."""

    entry_point: ModuleType
    """Its `READS` are the settings that the function gets as its environment."""
    description: str
    timeout: Duration
    memory_mb: int = 512
    grants: Sequence[Iterable[iam.PolicyStatement]]
    """All that its role may do besides logs, traces and receiving what `sources` brings: see `infra.grants`."""
    sources: Sequence[EventSource] = ()
    """What calls it besides the API. Nobody waits for the answer then: an alarm tells of its errors."""
    alarms: Sequence[Alarm] = ()
    async_retries: AsyncRetries | None = None
    recursive_loop: lambda_.RecursiveLoop | None = None
    nag_answers: Mapping[str, str] = field(default_factory=dict)
    """Why findings of cdk-nag about this function are right as they are."""

    @property
    def module(self) -> str:
        return self.entry_point.__name__.rpartition(".")[2]

    @property
    def reads(self) -> Sequence[str]:
        """The names of settings in `handlers.settings`."""
        reads: Sequence[str] = self.entry_point.READS
        return reads

"""The description of a Lambda function: all that the stack has to know of it, in one place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.event_sources import EventSource

# For functions that read and merge parameters of megabytes.
LARGE_MEMORY_MB = 1024


@dataclass(frozen=True)
class Alarm:
    """An operator is woken when the function's metric has counted anything within five minutes."""

    name: str
    metric: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Function:
    """Routes of the API are not here: an operation of the API names the entry point that serves it."""

    entry_point: ModuleType
    """Its `READS` are the settings that the function gets; the first line of its docstring describes the function."""
    timeout: Duration = field(default_factory=lambda: Duration.seconds(29))
    """API Gateway gives up after 30 seconds."""
    memory_mb: int = 512
    grants: Sequence[Iterable[iam.PolicyStatement]]
    """What its role may do besides logs, traces and receiving what `sources` bring: see `infra.grants`."""
    sources: Sequence[EventSource] = ()
    """What calls it besides the API. No caller sees its errors then: they raise an alarm."""
    alarms: Sequence[Alarm] = ()
    retry_attempts: int | None = None
    """How often Lambda repeats an asynchronous invocation that failed."""
    max_event_age: Duration | None = None
    """How long Lambda repeats an asynchronous invocation that is throttled."""
    recursive_loop: lambda_.RecursiveLoop | None = None
    nag_answers: Mapping[str, str] = field(default_factory=dict)
    """Why findings of cdk-nag about this function are right as they are."""

    @property
    def module(self) -> str:
        return self.entry_point.__name__.rpartition(".")[2]

"""What the descriptions of the functions are written in terms of: the stack's resources, and what the context says."""

from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack

from infra.api import Api
from infra.identity import Identity
from infra.messaging import FailureCapture, Messaging
from infra.settings import Settings
from infra.storage import Storage
from infra.trigger_sources import TriggerSources


@dataclass(frozen=True, kw_only=True)
class Resources:
    settings: Settings
    storage: Storage
    messaging: Messaging
    capture: FailureCapture
    trigger_sources: TriggerSources
    identity: Identity
    api: Api

    @property
    def stack(self) -> Stack:
        return Stack.of(self.storage)

    def function_name(self, module: str) -> str:
        """Each begins with the stack's name, so that one pattern covers its functions and no others."""
        return f"{self.stack.stack_name}-{module.replace('_', '-')}"

    def function_arn(self, module: str) -> str:
        """Of a function of this stack. It is known before the function is made: a description may name any other."""
        return self._arn(self.function_name(module))

    @property
    def own_functions(self) -> str:
        """The pattern of this stack's own functions, which cannot be registered and which no role may touch."""
        return self._arn(f"{self.stack.stack_name}-*")

    def _arn(self, function_name: str) -> str:
        return self.stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=function_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

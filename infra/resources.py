"""What the descriptions of the functions are written in terms of: the stack's resources, and what the context says."""

import json
from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack

from infra.api import Api
from infra.batches import state_machine_arn
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

    @property
    def batches_arn(self) -> str:
        """Of the state machine that drives batches of re-runs."""
        return state_machine_arn(self.stack)

    def setting_values(self) -> dict[str, str]:
        """What entry points read, by names of `handlers.settings`; nothing that the context does not ask for."""
        storage, messaging, sources = self.storage, self.messaging, self.trigger_sources
        settings = self.settings
        limit = settings.max_concurrent_executions_per_workspace
        optional = {
            "require_reason": "true" if settings.require_reason else None,
            "delete_unused_versions": "true" if settings.delete_unused_versions else None,
            "max_concurrent_executions_per_workspace": None if limit is None else str(limit),
            "client_id": self.identity.login_client_id,
        }
        return {
            "table_name": storage.table.table_name,
            "input_key_arn": storage.input_key.key_arn,
            "outcome_key_arn": storage.outcome_key.key_arn,
            "bucket_name": storage.bucket.bucket_name,
            "run_queue_url": messaging.run_queue.queue_url,
            "dead_letter_queue_url": messaging.dead_letters.queue_url,
            "lifecycle_bus_name": messaging.lifecycle_bus.event_bus_name,
            "trigger_bus_name": sources.bus.event_bus_name,
            "other_buses": json.dumps(settings.other_buses),
            "schedule_group": sources.schedule_group,
            "on_event_arn": self.function_arn("on_event"),
            "scheduler_role_arn": sources.scheduler_role.role_arn,
            "rule_prefix": sources.rule_prefix,
            "batches_arn": self.batches_arn,
            "invokable_functions": json.dumps(settings.invokable_functions),
            "own_functions": self.own_functions,
            "max_reruns_per_lineage": str(settings.max_reruns_per_lineage),
            "max_concurrent_executions": str(settings.max_concurrent_executions),
            "retention_days": str(settings.retention_days),
            "audit_retention_days": str(settings.audit_retention_days),
            "api_url": self.api.url,
            "issuer": self.identity.trusted_issuer,
            "audience": json.dumps(settings.audience if settings.issuer else []),
            **{name: value for name, value in optional.items() if value is not None},
        }

    def _arn(self, function_name: str) -> str:
        return self.stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=function_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

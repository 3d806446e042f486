"""The environment variables of each entry point: what `handlers.settings` says that it reads, and nothing else."""

import json
from typing import TYPE_CHECKING

from handlers.settings import OPTIONAL, READ_BY, variable

if TYPE_CHECKING:
    from infra.stack import FunctionRerunStack


class Environment:
    def __init__(self, stack: "FunctionRerunStack") -> None:
        """`stack` must have its storage, messaging and trigger sources."""
        self._values = _values(stack)

    def add(self, setting: str, value: str) -> None:
        """A setting that is known only once one of the Lambdas has been made."""
        self._values[setting] = value

    def of(self, module: str) -> dict[str, str]:
        """The variables of an entry point, by name."""
        read = [name for name in READ_BY[module] if name in self._values or name not in OPTIONAL]
        return {variable(name): self._values[name] for name in read}


def _values(stack: "FunctionRerunStack") -> dict[str, str]:
    """By the settings' names in `handlers.settings`."""
    settings = stack.settings
    limit = settings.max_concurrent_executions_per_workspace
    optional = {
        "delete_unused_versions": "true" if settings.delete_unused_versions else None,
        "max_concurrent_executions_per_workspace": None if limit is None else str(limit),
    }
    return {
        "table_name": stack.storage.table.table_name,
        "input_key_arn": stack.storage.input_key.key_arn,
        "outcome_key_arn": stack.storage.outcome_key.key_arn,
        "bucket_name": stack.storage.bucket.bucket_name,
        "run_queue_url": stack.messaging.run_queue.queue_url,
        "dead_letter_queue_url": stack.messaging.dead_letters.queue_url,
        "lifecycle_bus_name": stack.messaging.lifecycle_bus.event_bus_name,
        "trigger_bus_name": stack.sources.bus.event_bus_name,
        "other_buses": json.dumps(settings.other_buses),
        "schedule_group": stack.sources.schedule_group,
        "scheduler_role_arn": stack.sources.scheduler_role.role_arn,
        "rule_prefix": stack.sources.rule_prefix,
        "invokable_functions": json.dumps(settings.invokable_functions),
        "own_functions": stack.own_functions,
        "max_reruns_per_lineage": str(settings.max_reruns_per_lineage),
        "max_concurrent_executions": str(settings.max_concurrent_executions),
        "retention_days": str(settings.retention_days),
        **{name: value for name, value in optional.items() if value is not None},
    }

"""The values of the settings that entry points read, by their names in `handlers.settings`."""

import json

from infra.resources import Resources


def values(resources: Resources) -> dict[str, str]:
    """Without those that the context does not ask for."""
    storage, messaging, sources = resources.storage, resources.messaging, resources.trigger_sources
    settings = resources.settings
    limit = settings.max_concurrent_executions_per_workspace
    optional = {
        "delete_unused_versions": "true" if settings.delete_unused_versions else None,
        "max_concurrent_executions_per_workspace": None if limit is None else str(limit),
        "client_id": resources.identity.login_client_id,
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
        "on_event_arn": resources.function_arn("on_event"),
        "scheduler_role_arn": sources.scheduler_role.role_arn,
        "rule_prefix": sources.rule_prefix,
        "invokable_functions": json.dumps(settings.invokable_functions),
        "own_functions": resources.own_functions,
        "max_reruns_per_lineage": str(settings.max_reruns_per_lineage),
        "max_concurrent_executions": str(settings.max_concurrent_executions),
        "retention_days": str(settings.retention_days),
        "api_url": resources.api.url,
        "issuer": resources.identity.trusted_issuer,
        "audience": json.dumps(settings.audience if settings.issuer else []),
        **{name: value for name, value in optional.items() if value is not None},
    }

"""The settings that the stack gives each entry point, as RERUN_… variables.

Each entry point says in `READS` which of them it reads, and checks when it is loaded that it has them: it fails with
the name of what is missing before any request needs it. The stack gives a function what `READS` says, and no more.
"""

import os
from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel, Json


class MissingSettingsError(RuntimeError):
    """A Lambda of this stack was deployed without what it reads."""

    def __init__(self, *variables: str) -> None:
        super().__init__(f"Not in the environment: {', '.join(variables)}")


class Settings(BaseModel):
    """All that any of them reads. An entry point has only what it reads; the rest keeps its default."""

    table_name: str = ""
    input_key_arn: str = ""
    outcome_key_arn: str = ""
    bucket_name: str = ""
    run_queue_url: str = ""
    dead_letter_queue_url: str = ""
    lifecycle_bus_name: str = ""
    trigger_bus_name: str = ""
    other_buses: Json[dict[str, list[str]]] = {}
    schedule_group: str = ""
    on_event_arn: str = ""
    scheduler_role_arn: str = ""
    rule_prefix: str = ""
    batches_arn: str = ""
    invokable_functions: Json[dict[str, list[str]]] = {}
    own_functions: str = ""
    max_reruns_per_lineage: int = 1000
    max_concurrent_executions: int = 100
    max_concurrent_executions_per_workspace: int | None = None
    retention_days: int = 90
    audit_retention_days: int = 400
    require_reason: bool = False
    delete_unused_versions: bool = False
    api_url: str = ""
    issuer: str = ""
    client_id: str = ""
    audience: Json[list[str]] = []

    @classmethod
    def from_environment(cls) -> Self:
        variables = {name: variable(name) for name in cls.model_fields}
        return cls.model_validate({name: os.environ[each] for name, each in variables.items() if os.environ.get(each)})


# What several entry points read together.
RUNS = ("table_name", "bucket_name")
RECORDED_RUNS = ("max_reruns_per_lineage", "input_key_arn", "retention_days", "audit_retention_days")
STARTED_RUNS = (*RUNS, *RECORDED_RUNS, "run_queue_url")
ENDED_RUNS = (*RUNS, "outcome_key_arn", "lifecycle_bus_name")
INVOKABLE = ("invokable_functions", "own_functions")
TRIGGER_SOURCES = (
    *("trigger_bus_name", "other_buses", "schedule_group"),
    *("on_event_arn", "scheduler_role_arn", "rule_prefix"),
)
# Left out by the stack where the context does not ask for it.
OPTIONAL = frozenset(
    {"require_reason", "delete_unused_versions", "max_concurrent_executions_per_workspace", "client_id"}
)
METRICS_NAMESPACE = "POWERTOOLS_METRICS_NAMESPACE"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"RERUN_{name.upper()}"


def check_environment(reads: Iterable[str]) -> None:
    """Check, when an entry point is loaded, that it was given the settings that it reads.

    Only a Lambda has such an environment: a test or a synthesis that imports the module is not checked.
    Raises MissingSettingsError naming all that is missing, or ValueError for what cannot be read.
    """
    if not _is_deployed():
        return
    required = [variable(name) for name in reads if name not in OPTIONAL]
    missing = [each for each in (*required, METRICS_NAMESPACE) if not os.environ.get(each)]
    if missing:
        raise MissingSettingsError(*missing)
    Settings.from_environment()


def _is_deployed() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ or any(name.startswith("RERUN_") for name in os.environ)

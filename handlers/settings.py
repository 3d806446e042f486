"""The settings that the stack gives each entry point, as RERUN_… variables.

Which entry point reads which of them is one table: the stack gives each what it reads and nothing else, and an entry
point that lacks one fails when it is loaded, with its name, and not when somebody's request needs it.
"""

import os
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
    invokable_functions: Json[dict[str, list[str]]] = {}
    own_functions: str = ""
    max_reruns_per_lineage: int = 1000
    max_concurrent_executions: int = 100
    max_concurrent_executions_per_workspace: int | None = None
    retention_days: int = 90
    delete_unused_versions: bool = False

    @classmethod
    def from_environment(cls) -> Self:
        variables = {name: variable(name) for name in cls.model_fields}
        return cls.model_validate({name: os.environ[each] for name, each in variables.items() if os.environ.get(each)})


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"RERUN_{name.upper()}"


_RUNS = ("table_name", "bucket_name", "max_reruns_per_lineage")
_KEYS = ("input_key_arn", "outcome_key_arn")
_START = (*_RUNS, *_KEYS, "run_queue_url", "retention_days")
_END = (*_RUNS, *_KEYS, "lifecycle_bus_name")
_INVOKABLE = ("invokable_functions", "own_functions")
_SOURCES = (
    *("trigger_bus_name", "other_buses", "schedule_group"),
    *("on_event_arn", "scheduler_role_arn", "rule_prefix"),
)

_BY_CONTEXT = ("delete_unused_versions", "max_concurrent_executions_per_workspace")

READ_BY: dict[str, tuple[str, ...]] = {
    "api_rerun": (*_START, *_INVOKABLE),
    "api_cancel": _END,
    "api_runs": (*_RUNS, *_KEYS),
    "api_registry": ("table_name", *_KEYS, *_INVOKABLE, *_SOURCES, "delete_unused_versions"),
    "api_triggers": (*_START, *_INVOKABLE),
    "api_webhooks": _START,
    "on_event": (*_START, "other_buses"),
    "on_run_failed": (*_START, *_INVOKABLE),
    "capture_failures": (*_END, "retention_days", *_INVOKABLE),
    "execute_runs": (*_END, "run_queue_url", *_INVOKABLE, *_BY_CONTEXT),
    "watchdog": (*_END, "run_queue_url", "dead_letter_queue_url", "max_concurrent_executions", *_SOURCES),
    "housekeeping": ("table_name", "bucket_name"),
    "sweep_versions": ("table_name",),
}
# Left out by the stack where the context does not ask for it.
OPTIONAL = frozenset(_BY_CONTEXT)
METRICS_NAMESPACE = "POWERTOOLS_METRICS_NAMESPACE"


def check_environment(module: str) -> None:
    """Check, when an entry point is loaded, that it was given what it reads.

    `module` is its `__name__`. Only a Lambda has such an environment: a test that imports the module is not checked.
    Raises MissingSettingsError naming all that is missing, or ValueError for what cannot be read.
    """
    if not _is_deployed():
        return
    read = [variable(name) for name in READ_BY[module.rpartition(".")[2]] if name not in OPTIONAL]
    missing = [each for each in (*read, METRICS_NAMESPACE) if not os.environ.get(each)]
    if missing:
        raise MissingSettingsError(*missing)
    Settings.from_environment()


def _is_deployed() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ or any(name.startswith("RERUN_") for name in os.environ)

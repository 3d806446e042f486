"""The sweep of versions on the local stack, whose stack has no entry point for it: the context does not ask for one."""

from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers import sweep_versions
from handlers.settings import Settings
from handlers.sweep_versions import function_versions
from infra.local.local_stack import LocalStack
from tests.entry_points.events import Context
from tests.stack.lineage import Clients, Container


class AQuarterOfAnHour(Context):
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def sweep(local_stack: LocalStack, event: Any = None) -> dict[str, int]:
    """What the entry point answers, called in this process, without its pauses, on the stack's table and all functions."""
    settings = Settings(table_name=local_stack.outputs["TableName"])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("handlers.sweep_versions.sweep.PAUSE_SECONDS", 0)
        patched.setattr(function_versions, "PACE_SECONDS", 0)
        patched.setattr(sweep_versions, "wiring", Container(settings, Clients(local_stack)))
        return sweep_versions.lambda_handler(event, cast("LambdaContext", AQuarterOfAnHour()))

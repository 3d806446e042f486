"""A run store on the deployed stack's table and bucket."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from handlers.aws.part_objects import PartObjects
from handlers.aws.part_store import PartStore
from handlers.aws.run_recorder import RunRecorder
from handlers.aws.table import Table
from handlers.domain.runs.run import FunctionRun
from infra.local.local_stack import LocalStack
from tests.builders import a_run


def new_run(**changes: Any) -> FunctionRun:
    """Pending, and of this very second: DynamoDB expires by seconds."""
    at = datetime.now(UTC).replace(microsecond=0)
    return a_run(**{"id": str(uuid4()), "status": "pending", "created_at": at} | changes)


def nowhere(_: Exception) -> None:
    """Nobody is told."""


def objects_of(local_stack: LocalStack) -> PartObjects:
    return PartObjects(lambda: local_stack.client("s3"), local_stack.outputs["BucketName"])


def parts_of(local_stack: LocalStack, table: Table, report: Callable[[Exception], Any] = nowhere) -> PartStore:
    return PartStore(table, objects_of(local_stack), report)


def store_of(
    local_stack: LocalStack, table: Table, *, max_reruns: int = 1000, report: Callable[[Exception], Any] = nowhere
) -> RunRecorder:
    return RunRecorder(table, parts_of(local_stack, table, report), report, max_reruns=max_reruns)

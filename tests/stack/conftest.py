from collections.abc import Iterator

import httpx
import pytest

from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS
from tests.stack.driver import Workspace


@pytest.fixture(scope="session")
def connection() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False, limits=httpx.Limits(max_connections=50)) as client:
        yield client


@pytest.fixture
def workspace(local_stack: LocalStack, connection: httpx.Client) -> Workspace:
    """A workspace of the test's own, with a caller who may do everything in it."""
    return Workspace(local_stack, connection)

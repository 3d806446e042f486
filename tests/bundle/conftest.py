from collections.abc import Iterator

import httpx
import pytest

from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS
from tests.stack.driver import Workspace


@pytest.fixture
def workspace(local_stack: LocalStack) -> Iterator[Workspace]:
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as connection:
        yield Workspace(local_stack, connection)

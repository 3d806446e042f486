from collections.abc import Iterator

import httpx
import pytest

from infra.local.laptop import Laptop
from tests.stack.driver import Workspace


@pytest.fixture
def workspace(laptop: Laptop) -> Iterator[Workspace]:
    with httpx.Client(timeout=60, trust_env=False) as connection:
        yield Workspace(laptop, connection)

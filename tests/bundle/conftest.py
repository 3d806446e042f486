from collections.abc import Iterator

import httpx
import pytest

from infra.local.laptop import Laptop
from infra.local.patience import PATIENCE_SECONDS
from tests.stack.driver import Workspace


@pytest.fixture
def workspace(laptop: Laptop) -> Iterator[Workspace]:
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as connection:
        yield Workspace(laptop, connection)

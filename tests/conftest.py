import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from infra.local.laptop import Laptop, bring_up

# A loaded machine must not fail a test.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# As in every Lambda: what is counted has a namespace.
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "tests"


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """The real stack, deployed on an emulator of its own: one for all tests, each in a workspace of its own."""
    directory: Path = tmp_path_factory.mktemp("laptop")
    deployed = bring_up(directory)
    yield deployed
    deployed.take_down()

"""Each port as a fixture with two values. The real one starts the emulator only where it is asked for."""

from typing import Any

import pytest

from tests.aws.conftest import cipher as real_cipher
from tests.aws.conftest import dynamodb, kms_events, kms_session, table
from tests.aws.conftest import registry as real_registry
from tests.aws.registering import RegistryPorts
from tests.fakes.registry import InMemoryRegistry

__all__ = ["dynamodb", "kms_events", "kms_session", "real_cipher", "real_registry", "table"]


@pytest.fixture(params=["fake", "real"])
def implementation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def registry(request: pytest.FixtureRequest, implementation: str) -> RegistryPorts:
    if implementation == "fake":
        return InMemoryRegistry()
    real: Any = request.getfixturevalue("real_registry")
    return real  # type: ignore[no-any-return]

"""Each port as a fixture with two values. The real one starts the emulator only where it is asked for."""

import pytest

from tests.aws.conftest import (
    a_slot,
    audit_log_in_table,
    dynamodb,
    kms_events,
    kms_session,
    published_function,
    slots_in_the_table,
    table,
)
from tests.aws.conftest import registry as registry_on_the_table
from tests.aws.conftest import runs as runs_in_the_table
from tests.aws.registering import RegistryPorts
from tests.fakes.registry import InMemoryRegistry

__all__ = [
    "a_slot",
    "audit_log_in_table",
    "dynamodb",
    "kms_events",
    "kms_session",
    "published_function",
    "registry_on_the_table",
    "runs_in_the_table",
    "slots_in_the_table",
    "table",
]

FAKE, REAL = "fake", "real"


@pytest.fixture(params=[FAKE, REAL])
def implementation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def registry(request: pytest.FixtureRequest, implementation: str) -> RegistryPorts:
    found: RegistryPorts = (
        InMemoryRegistry() if implementation == FAKE else request.getfixturevalue("registry_on_the_table")
    )
    return found

import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from infra.local.local_stack import LocalStack, assemble, bring_up

SYNTHESISING = "tests/infra/test_"

# A loaded machine must not fail a test.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("patient", _PATIENT)
settings.register_profile("quick", _PATIENT, max_examples=10)  # make unit
settings.register_profile("long", _PATIENT, max_examples=1000)  # make proof
settings.load_profile("patient")

# As in every Lambda: what is counted has a namespace.
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "tests"

# A shell has its background jobs ignore ctrl-C, and what they start inherits that: tests of ctrl-C would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start the emulator, for `-m "not emulator"`."""
    for item in items:
        if "local_stack" in getattr(item, "fixturenames", ()):
            item.add_marker("emulator")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One process for each file, but one for all that synthesise: what they share takes longer than they do."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - only where tests are distributed

    class Scheduling(LoadFileScheduling):  # type: ignore[misc] # xdist is untyped
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return SYNTHESISING if file.startswith(SYNTHESISING) else file

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stacks, synthesised once for all processes among which the tests are distributed."""
    own = tmp_path_factory.getbasetemp()
    # The folder of such a process is in the one of all.
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    finished = shared / "cdk.out"
    with (shared / "cdk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            assemble(shared / "cdk.unfinished").rename(finished)
    return finished


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory, assembly: Path) -> Iterator[LocalStack]:
    """The real stack, deployed on an emulator of its own: one for all tests, each in a workspace of its own."""
    directory: Path = tmp_path_factory.mktemp("local-stack")
    deployed = bring_up(directory, assembly=assembly)
    yield deployed
    deployed.take_down()

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.emulator.process import Emulator
from tests.infra.local.functions import MakeFunction, functions_on


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="session")
def a_function(emulator: Emulator) -> MakeFunction:
    return functions_on(emulator)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "local"

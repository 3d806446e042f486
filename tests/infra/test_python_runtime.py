"""The Lambdas run the Python that builds and tests them."""

import sys

import pytest

from infra.python_runtime import python_runtime


def test_the_runtime_is_that_of_this_interpreter() -> None:
    assert python_runtime().name == f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_lambda_s_own_versions_are_taken(minor: int) -> None:
    assert python_runtime((3, minor)).name == f"python3.{minor}"


@pytest.mark.parametrize("version", [(3, 10), (3, 15), (4, 0)])
def test_a_python_that_lambda_does_not_offer_stops_the_synthesis(version: tuple[int, int]) -> None:
    with pytest.raises(
        ValueError, match=rf"no runtime for Python {version[0]}\.{version[1]}, only for 3\.11, .*PYTHON="
    ):
        python_runtime(version)

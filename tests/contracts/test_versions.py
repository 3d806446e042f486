"""Published versions, as the sweep of versions reads and deletes them."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from handlers.sweep_versions import function_versions
from handlers.sweep_versions.function_versions import FunctionVersions
from handlers.sweep_versions.sweep import Versions
from tests.builders import FUNCTION_ARN
from tests.contracts.conftest import FAKE
from tests.fakes.versions import FakeVersions, a_version
from tests.stack.driver import TeamFunction

ABSENT = "arn:aws:lambda:us-east-1:000000000000:function:absent"


class Published(NamedTuple):
    """A function with three versions: two published by this service, the last by the team."""

    arn: str
    versions: Versions
    point_alias_to: Callable[[int], object]


@pytest.fixture
def published(request: pytest.FixtureRequest, implementation: str, monkeypatch: pytest.MonkeyPatch) -> Published:
    if implementation == FAKE:
        return published_in_memory()
    monkeypatch.setattr(function_versions, "PACE_SECONDS", 0)
    function: TeamFunction = request.getfixturevalue("published_function")
    return Published(
        function.arn,
        FunctionVersions(function.client),
        lambda number: function.client.create_alias(
            FunctionName=function.name, Name="live", FunctionVersion=str(number)
        ),
    )


def published_in_memory() -> Published:
    fake = FakeVersions()
    fake.has(a_version(1), a_version(2), a_version(3, is_ours=False))

    def point_alias_to(number: int) -> None:
        versions = fake.published[FUNCTION_ARN]
        fake.published[FUNCTION_ARN] = [each._replace(is_aliased=each.number == number) for each in versions]
        fake.locked.add(f"{FUNCTION_ARN}:{number}")

    return Published(FUNCTION_ARN, fake, point_alias_to)


def test_versions_say_who_published_them(published: Published) -> None:
    assert [(each.arn, each.number, each.is_ours) for each in published.versions.of(published.arn)] == [
        (f"{published.arn}:1", 1, True),
        (f"{published.arn}:2", 2, True),
        (f"{published.arn}:3", 3, False),
    ]
    assert published.versions.of(ABSENT) == []


def test_one_version_is_deleted_and_what_was_deleted_before_is_deleted(published: Published) -> None:
    assert published.versions.delete(f"{published.arn}:1")
    assert published.versions.delete(f"{published.arn}:1")
    assert published.versions.delete(f"{ABSENT}:1")
    assert [each.number for each in published.versions.of(published.arn)] == [2, 3]


def test_what_an_alias_points_to_is_not_deleted(published: Published) -> None:
    published.point_alias_to(1)
    assert not published.versions.delete(f"{published.arn}:1")
    assert [(each.number, each.is_aliased) for each in published.versions.of(published.arn)] == [
        (1, True),
        (2, False),
        (3, False),
    ]

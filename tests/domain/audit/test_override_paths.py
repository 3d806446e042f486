"""Which parameters were overridden is kept sealed with the act, and that it is shown is an act itself."""

import pytest

from handlers.domain.audit.act import SealedAct, seal_act
from handlers.domain.audit.override_paths import MAX_CHARACTERS, override_paths, reveal_paths
from handlers.domain.errors import Unavailable
from tests.builders import an_act, an_id, nested
from tests.fakes.audit import InMemoryAuditLog
from tests.fakes.services import FakeCipher


@pytest.mark.parametrize(
    ("overrides", "paths"),
    [
        ({"a": 1}, ["/a"]),
        ({"a": {"b": 1, "c": {"d": None}}, "e": [{"f": 1}]}, ["/a/b", "/a/c/d", "/e"]),
        ({"a": {}}, ["/a"]),
        ({"": {"~/": 1}}, ["//~0~1"]),
        (nested(100), ["/top/down"]),
    ],
)
def test_a_path_leads_to_each_value_that_replaces_another(overrides: dict[str, object], paths: list[str]) -> None:
    assert override_paths(overrides) == tuple(paths)


def test_of_many_paths_the_first_are_kept() -> None:
    paths = override_paths({f"{n:03}": n for n in range(1000)})
    assert paths[-1] == "…"
    assert sum(map(len, paths[:-1])) == MAX_CHARACTERS
    assert override_paths({"x" * MAX_CHARACTERS: 1}) == ("…",)


REVEALING = an_act(id=an_id(9), action="reveal-override-paths", by="bob")


def sealed(number: int, *paths: str, cipher: FakeCipher) -> SealedAct:
    act = seal_act(an_act(id=an_id(number), override_paths=paths), cipher)
    assert act is not None
    return act


def test_paths_are_sealed_as_the_act_s_own() -> None:
    cipher, log = FakeCipher(), InMemoryAuditLog()
    one = sealed(1, "/secret", cipher=cipher)
    assert b"secret" not in (one.sealed_paths or b"")
    [shown] = reveal_paths([one], REVEALING, log, cipher)
    assert shown.override_paths == ("/secret",)
    # Moved to another act they do not open.
    [moved] = reveal_paths([one._replace(act=one.act.evolve(id=an_id(3), override_paths=()))], REVEALING, log, cipher)
    assert moved.override_paths == ()


def test_to_show_them_is_one_act_however_many_they_are() -> None:
    cipher, log = FakeCipher(), InMemoryAuditLog()
    acts = [sealed(n, "/a", cipher=cipher) for n in range(3)]
    assert [act.override_paths for act in reveal_paths(acts, REVEALING, log, cipher)] == [("/a",)] * 3
    assert log.acts == [REVEALING]


def test_where_there_is_nothing_to_show_there_is_no_act() -> None:
    cipher, log = FakeCipher(), InMemoryAuditLog()
    assert reveal_paths([sealed(1, cipher=cipher)], REVEALING, log, cipher) == [an_act(id=an_id(1))]
    assert log.acts == []


def test_a_key_that_does_not_answer_fails_the_request() -> None:
    cipher, log = FakeCipher(), InMemoryAuditLog()
    act = sealed(1, "/a", cipher=cipher)
    cipher.cannot_open = True
    with pytest.raises(Unavailable):
        reveal_paths([act], REVEALING, log, cipher)
    assert log.acts == []


def test_paths_whose_key_is_refused_are_left_out() -> None:
    cipher, log = FakeCipher(), InMemoryAuditLog()
    act = sealed(1, "/a", cipher=cipher)
    cipher.refused = True
    assert reveal_paths([act], REVEALING, log, cipher) == [act.act]
    assert log.acts == []

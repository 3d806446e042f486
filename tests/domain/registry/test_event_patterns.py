import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handlers.domain.errors import InvalidRequest, TooLarge
from handlers.domain.json_document import dump
from handlers.domain.registry.event_driven import MAX_PATTERN, check_event_pattern, is_of, scoped_to
from handlers.domain.registry.trigger_kinds import read_metadata
from handlers.domain.registry.trigger_metadata import TriggerMetadata
from handlers.domain.registry.trigger_sources import PermittedBuses
from handlers.domain.runs.run import ExecutionType
from tests.builders import WORKSPACE
from tests.domain.triggering import create
from tests.fakes import World

Json = Any
FIELD = "triggerMetadata.eventPattern"
NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="."), min_size=1, max_size=8).filter(
    lambda name: name not in ("$or", "workspace", "detail")
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("ab")
MATCHERS = st.lists(SCALARS | st.dictionaries(st.sampled_from(["prefix", "suffix", "exists"]), SCALARS), max_size=2)


def under(field: Json) -> Json:
    """Patterns around `field`: beside other fields, in objects of names, among the alternatives of $or."""
    return st.dictionaries(NAMES, field, max_size=3) | st.lists(
        st.dictionaries(NAMES, field, max_size=2), min_size=2, max_size=3
    ).map(lambda ways: {"$or": ways})


FIELDS = st.recursive(MATCHERS, under, max_leaves=6)
DETAILS = st.dictionaries(NAMES, FIELDS, max_size=3)
PATTERNS = st.builds(
    lambda top, detail: top | ({} if detail is None else {"detail": detail}),
    st.dictionaries(NAMES, FIELDS, max_size=3),
    st.none() | DETAILS,
)


@st.composite
def spoken_of_the_owner(draw: st.DrawFn) -> Json:
    """A pattern that says something of detail.workspace: in objects or dotted names, under any depth of $or."""
    condition: Json = draw(MATCHERS | st.dictionaries(NAMES, MATCHERS, max_size=1))
    said = draw(st.sampled_from(["nested", "dotted", "below"]))
    if said == "dotted":
        pattern = {"detail.workspace": condition}
    elif said == "below":
        pattern = {"detail.workspace.id": condition}
    else:
        pattern = {"detail": draw(DETAILS) | hidden_in_or(draw, {"workspace": condition})}
    return draw(PATTERNS) | hidden_in_or(draw, pattern)


def hidden_in_or(draw: st.DrawFn, pattern: Json) -> Json:
    for _ in range(draw(st.integers(0, 4))):
        ways = [draw(DETAILS), pattern, draw(DETAILS)]
        pattern = {"$or": draw(st.permutations(ways))}
    return pattern


def check(pattern: Json, *, own_bus: bool = True) -> None:
    text = pattern if isinstance(pattern, str) else dump(pattern, field=FIELD).decode()
    check_event_pattern(text, own_bus=own_bus, workspace=WORKSPACE)


def read(pattern: Json, **more: Any) -> TriggerMetadata:
    return read_metadata(ExecutionType.EVENT_DRIVEN, WORKSPACE, {"eventPattern": pattern} | more)[0]


@given(PATTERNS, st.sampled_from(["acme", "globex", "a-b-0"]))
def test_a_narrowed_pattern_is_the_tenant_s_own_and_says_all_else_that_was_said(pattern: Json, workspace: str) -> None:
    narrow = json.loads(scoped_to(json.dumps(pattern), workspace))
    assert narrow["detail"].pop("workspace") == [workspace]
    assert narrow == pattern | {"detail": pattern.get("detail", {})}


@given(PATTERNS)
def test_a_pattern_that_leaves_the_owner_to_the_service_is_taken(pattern: Json) -> None:
    if len(scoped_to(json.dumps(pattern), WORKSPACE)) <= MAX_PATTERN:
        check(pattern)


@given(spoken_of_the_owner())
def test_a_pattern_that_speaks_of_the_owner_anywhere_is_refused(pattern: Json) -> None:
    # One that is too long is refused unread.
    assume(len(dump(pattern, field=FIELD)) <= MAX_PATTERN)
    with pytest.raises(InvalidRequest, match=r"must not say anything of detail\.workspace") as refused:
        check(pattern)
    assert refused.value.field == FIELD


@pytest.mark.parametrize(
    "pattern",
    [
        {"detail": {"workspace": []}},
        {"detail": {"workspace": {}}},
        {"detail": {"workspace": None}},
        {"detail": {"workspace": {"id": ["x"]}}},
        {"detail": {"workspace.id": ["x"]}},
        {"detail.workspace": ["globex"]},
        {"$or": [{"source": ["a"]}, {"detail.workspace": ["globex"]}]},
        {"$or": [{"source": ["a"]}, {"$or": [{"detail": {"$or": [{"a": ["b"]}, {"workspace": ["globex"]}]}}]}]},
        {"$or": {"detail": {"workspace": ["globex"]}}},
        {"$or": [[{"detail": {"workspace": ["globex"]}}]]},
        {"detail": {"$or": {"workspace": ["globex"]}}},
    ],
    ids=json.dumps,
)
def test_a_tenant_cannot_say_whose_events_it_gets(pattern: Json) -> None:
    with pytest.raises(InvalidRequest, match=r"must not say anything of detail\.workspace"):
        check(pattern)


def test_the_owner_may_be_written_with_escapes_and_is_known_still() -> None:
    with pytest.raises(InvalidRequest, match="must not say anything"):
        check('{"\\u0064etail":{"work\\u0073pace":["globex"]}}')


@pytest.mark.parametrize(
    "pattern",
    [
        {"workspace": ["x"]},
        {"detail": {"order": {"workspace": ["x"]}}},
        {"detail": {"workspaces": ["x"]}},
        {"detail": {"Workspace": ["x"]}},
        {"detail": {"a": [{"prefix": "workspace"}]}},
        {"source": ["detail.workspace"]},
    ],
    ids=json.dumps,
)
def test_other_fields_may_be_called_alike(pattern: Json) -> None:
    check(pattern)


@pytest.mark.parametrize("detail", [[], ["x"], "x", None, 1])
def test_a_detail_that_is_no_object_is_refused(detail: Json) -> None:
    with pytest.raises(InvalidRequest, match="must have an object as its detail") as refused:
        check({"detail": detail})
    assert refused.value.field == FIELD


@pytest.mark.parametrize("own_bus", [True, False])
def test_the_longest_pattern_is_as_long_as_eventbridge_takes_it_with_what_is_added(own_bus: bool) -> None:
    def of_length(length: int) -> str:
        empty = len(scoped_to('{"source":[""]}', WORKSPACE)) if own_bus else len('{"source":[""]}')
        return f'{{"source":["{"x" * (length - empty)}"]}}'

    check(of_length(MAX_PATTERN), own_bus=own_bus)
    with pytest.raises(InvalidRequest, match=f"is {MAX_PATTERN + 1} characters") as refused:
        check(of_length(MAX_PATTERN + 1), own_bus=own_bus)
    assert not isinstance(refused.value, TooLarge), "413 is for bodies"


def test_a_pattern_of_ten_kilobytes_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="2048 at most") as refused:
        read({"source": ["x" * 10_000]})
    assert (type(refused.value), refused.value.field) == (InvalidRequest, FIELD)


@pytest.mark.parametrize("pattern", [{"source": ["\ud800"]}, {"\udead": ["x"]}], ids=["value", "name"])
def test_half_a_character_is_refused_by_name(pattern: Json) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(pattern)
    assert refused.value.field == FIELD


@pytest.mark.parametrize("pattern", [None, [], "{}", 1])
def test_a_pattern_that_is_no_object_is_refused(pattern: Json) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(pattern)
    assert refused.value.field == FIELD


@pytest.mark.parametrize("bus", ["other", "Default", "default ", "", "arn:aws:events:eu-west-1:1:event-bus/default", 1])
def test_a_workspace_listens_to_no_bus_that_it_may_not(world: World, bus: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        create(world, "event-driven", {"eventPattern": {"source": ["x"]}, "eventBusName": bus})
    assert refused.value.field == "triggerMetadata.eventBusName"


def test_a_bus_is_one_workspace_s_to_listen_to_and_not_another_s(world: World) -> None:
    on_default = {"eventPattern": {"source": ["x"]}, "eventBusName": "default"}
    assert create(world, "event-driven", on_default).trigger.metadata.other_bus == "default"
    world.buses = PermittedBuses({"globex": ["default"]})
    with pytest.raises(InvalidRequest, match="is not a bus that this workspace may listen to"):
        create(world, "event-driven", on_default, name="another")


def test_another_bus_s_pattern_may_speak_of_workspaces_and_must_not_be_empty() -> None:
    check({"detail": {"workspace": ["globex"]}}, own_bus=False)
    with pytest.raises(InvalidRequest, match="would match every event of the bus"):
        check({}, own_bus=False)


@pytest.mark.parametrize(
    ("event", "own"),
    [
        ({"detail": {"workspace": "acme"}}, True),
        ({"detail": {"workspace": "globex"}}, False),
        ({"detail": {"workspace": ["acme"]}}, False),
        ({"detail": {"workspace": None}}, False),
        ({"detail": {}}, False),
        ({"detail": ["acme"]}, False),
        ({"workspace": "acme"}, False),
        ({}, False),
    ],
)
def test_an_event_is_of_the_workspace_that_it_names(event: Json, own: bool) -> None:
    assert is_of(event, "acme") is own

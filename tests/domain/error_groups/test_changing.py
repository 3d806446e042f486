"""Who changes a group has read it; two editors, and a failure that opens it again, do not overwrite each other."""

from typing import Any

import pytest

from handlers.domain.error_groups.changing import ChangeErrorGroup, change_group
from handlers.domain.error_groups.group import ErrorGroup, GroupState
from handlers.domain.errors import InvalidRequest, NotFound, Stale, Unavailable, VersionRequired
from tests.builders import FUNCTION_ID, GROUP_ID, NOW, WORKSPACE, a_group, an_act
from tests.fakes import World


@pytest.fixture
def group(world: World) -> ErrorGroup:
    group = a_group(publishing="a run", expires_at=NOW.replace(year=2999))
    world.groups.create(group)
    return group


def changed(
    world: World, *, id_: str = GROUP_ID, workspace: str = WORKSPACE, if_match: str | None = None, **body: Any
) -> ErrorGroup:
    request = ChangeErrorGroup.read(body)
    act = an_act(action="change-error-group", run_id=None)
    return change_group(workspace, id_, request, world.groups, act=act, if_match=if_match)


def stored(world: World) -> ErrorGroup:
    return world.groups.groups[WORKSPACE, GROUP_ID]


@pytest.mark.usefixtures("group")
def test_what_it_becomes_is_stored_with_who_did_it_and_why(world: World) -> None:
    after = changed(world, state="resolved", resolvedInVersion="8", reason="Fixed", version=1)
    assert after == stored(world)
    assert (after.state, after.resolved_in_version, after.version) == (GroupState.RESOLVED, "8", 2)
    assert (after.changed_by, after.opened_at, after.publishing) == ("alice", NOW, "a run")
    assert after.changed_at is not None
    [act] = world.audit_log.acts
    assert (act.error_group_id, act.error_group_state, act.function_id) == (GROUP_ID, "resolved", FUNCTION_ID)
    assert (act.reason, act.by) == ("Fixed", "alice")


@pytest.mark.usefixtures("group")
def test_opened_again_or_ignored_it_is_resolved_in_no_version(world: World) -> None:
    for version, state in enumerate(("ignored", "open"), 2):
        changed(world, state="resolved", resolvedInVersion="8", if_match=f'"{2 * version - 3}"')
        after = changed(world, state=state, version=2 * version - 2)
        assert (after.state, after.resolved_in_version, after.reopened, after.opened_at) == (state, None, 0, NOW)


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize(
    ("body", "if_match", "error"),
    [
        ({}, None, VersionRequired),
        ({"version": 2}, None, Stale),
        ({}, '"2"', Stale),
        ({"version": 1}, '"2"', Stale),
        ({}, "1", InvalidRequest),
    ],
)
def test_who_has_read_another_version_is_refused(
    world: World, body: dict[str, Any], if_match: str | None, error: type[Exception]
) -> None:
    before = stored(world)
    with pytest.raises(error):
        changed(world, state="ignored", if_match=if_match, **body)
    assert (stored(world), world.audit_log.acts) == (before, [])


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("id_", ["", "no id", "f" * 32, "e0" * 15])
def test_a_group_that_is_not_there_is_not_found(world: World, id_: str) -> None:
    with pytest.raises(NotFound, match="Error group"):
        changed(world, id_=id_, state="open", version=1)


@pytest.mark.usefixtures("group")
def test_nor_is_one_of_another_workspace(world: World) -> None:
    with pytest.raises(NotFound):
        changed(world, workspace="globex", state="open", version=1)
    assert changed(world, id_=GROUP_ID.upper(), state="ignored", version=1).id == GROUP_ID


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "state"),
        ({"state": "closed"}, "state"),
        ({"state": 1}, "state"),
        ({"state": "open", "resolvedInVersion": "8"}, "resolvedInVersion"),
        ({"state": "resolved", "resolvedInVersion": "$LATEST"}, "resolvedInVersion"),
        ({"state": "resolved", "resolvedInVersion": 8}, "resolvedInVersion"),
        ({"state": "resolved", "version": "1"}, "version"),
    ],
    ids=str,
)
def test_a_flaw_of_the_body_is_named(world: World, group: ErrorGroup, body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        changed(world, **{"version": 1} | body)
    assert refused.value.field == field
    assert stored(world) == group


def test_it_is_stale_if_a_failure_opens_it_in_between(
    world: World, group: ErrorGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = world.groups.replace

    def late(before: ErrorGroup, *rest: Any) -> bool:
        monkeypatch.setattr(world.groups, "replace", replace)
        assert replace(before, before.evolve(reopened=1, version=before.version + 1))
        return replace(before, *rest)

    monkeypatch.setattr(world.groups, "replace", late)
    with pytest.raises(Stale):
        changed(world, state="ignored", version=1)
    assert stored(world) == group.evolve(reopened=1, version=2)
    assert world.audit_log.acts == []


def test_that_it_is_published_in_between_does_not_matter(
    world: World, group: ErrorGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = world.groups.replace

    def late(before: ErrorGroup, *rest: Any) -> bool:
        monkeypatch.setattr(world.groups, "replace", replace)
        assert replace(before, before.evolve(publishing=None))
        return replace(before, *rest)

    monkeypatch.setattr(world.groups, "replace", late)
    after = changed(world, state="ignored", version=1)
    assert after == stored(world)
    assert (after.state, after.publishing) == (GroupState.IGNORED, None)
    assert len(world.audit_log.acts) == 1
    assert group.publishing


@pytest.mark.usefixtures("group")
def test_who_never_gets_through_is_told_to_try_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.groups, "replace", lambda *_: False)
    with pytest.raises(Unavailable):
        changed(world, state="ignored", version=1)

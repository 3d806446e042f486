"""`fnrun errors`: which errors there are, what one of them is, and what is said of it."""

from datetime import timedelta
from typing import Any

import pytest
from fnrun.errors import Exit

from handlers.domain import clock
from handlers.domain.error_groups.group import ErrorGroup, GroupState
from tests.builders import FUNCTION_ID, a_function, a_group, an_id
from tests.client.cli import Fnrun
from tests.client.failing import a_failed_run
from tests.client.faults import ANSWER_LOST
from tests.client.server import Api

GROUP, OTHER = "1a2b3c4d" * 4, "1a2bffff" * 4
SHORT = "1a2b3c4d"


@pytest.fixture(autouse=True)
def only_those_of_the_test(api: Api) -> None:
    api.world.groups.groups.clear()


def has_group(api: Api, group_id: str = GROUP, failures: int = 1, **changes: Any) -> list[str]:
    """With failures of now that nothing has recovered: their ids. Without any it was opened two days ago."""
    now = clock.now()
    before = now - timedelta(days=2)
    times = {"first_seen_at": before, "opened_at": now if failures else before, "expires_at": now + timedelta(days=90)}
    assert api.world.groups.create(a_group(id=group_id, **times | changes))
    first = 1_000 + len(api.world.runs.runs)
    ids = [an_id(first + number) for number in range(failures)]
    for run_id in ids:
        a_failed_run(api, run_id, error_group_id=group_id, created_at=now)
    return ids


def the_group(api: Api, group_id: str = GROUP) -> ErrorGroup:
    found = api.world.groups.read("acme", group_id)
    assert found is not None
    return found


def test_alone_it_lists_those_that_are_open_and_have_failed_lately(as_alice: Fnrun, api: Api) -> None:
    has_group(api, failures=3)
    has_group(api, OTHER, state=GroupState.IGNORED)
    has_group(api, an_id(3).replace("-", ""), failures=0)
    listed = as_alice("errors")
    assert listed.stderr == ""
    header, row = listed.stdout.splitlines()
    assert (listed.code, listed.stderr) == (Exit.DONE, "")
    assert header.startswith("GROUP     STATE  FUNCTION       ERROR")
    assert row.split()[:7] == [SHORT, "open", "orders", "import", "KeyError", "3", "3"]
    assert row.endswith("█")


def test_those_with_most_to_recover_stand_first(as_alice: Fnrun, api: Api) -> None:
    has_group(api, failures=3)
    has_group(api, OTHER, opened_at=clock.now() + timedelta(minutes=1))
    assert [line.split()[0] for line in as_alice("errors").stdout.splitlines()[1:]] == [GROUP[:8], OTHER[:8]]
    assert [each["errorGroupId"] for each in as_alice("errors", "-o", "json").document] == [OTHER, GROUP]


def test_those_of_a_state_a_function_and_a_time_are_listed(as_alice: Fnrun, api: Api) -> None:
    api.world.registry.functions[an_id(8)] = a_function(id=an_id(8), name="mails")
    has_group(api)
    has_group(api, OTHER, state=GroupState.IGNORED, function_id=an_id(8))

    def listed(*options: str) -> list[str]:
        return [each["errorGroupId"] for each in as_alice("errors", *options, "-o", "json").document]

    assert listed() == [GROUP]
    assert sorted(listed("--state", "all")) == [GROUP, OTHER]
    assert listed("--state", "ignored", "--function", "mails", "--from", "2h") == [OTHER]
    assert as_alice("errors", "list", "--state", "resolved").stderr == (
        "No resolved error group has failures in this time.\n"
    )
    assert as_alice("errors", "--limit", "1", "--state", "all").stderr.startswith("There are more than these 1:")


def test_one_is_shown_by_the_beginning_of_its_id(as_alice: Fnrun, api: Api) -> None:
    [run] = has_group(api)
    as_alice("errors")
    shown = as_alice("errors", "show", SHORT)
    assert shown.code == Exit.DONE
    assert f"group          {GROUP}\n" in shown.stdout
    assert f"function       orders import ({FUNCTION_ID})\n" in shown.stdout
    assert f"sample run     {run}\n" in shown.stdout
    assert "frames" not in shown.stdout
    assert shown.stderr.splitlines() == [
        f"Next: fnrun runs show {run} --include error,logs",
        f"      fnrun batch start --group {SHORT} --reason WHY --plan",
    ]
    assert as_alice("errors", "show", GROUP, "-o", "json").document["errorGroupId"] == GROUP


def test_frames_are_asked_for(as_alice: Fnrun, api: Api) -> None:
    has_group(api)
    assert as_alice("errors", "show", GROUP, "--frames").stdout.splitlines()[-2:] == [
        "frames, the innermost first",
        "none are kept",
    ]
    assert as_alice("errors", "show", GROUP, "--frames", "-o", "json").document["frames"] is None
    assert [each.query for each in api.requests if "include=frames" in each.query]


def test_an_id_that_is_none_or_of_several_is_said(as_alice: Fnrun, api: Api) -> None:
    has_group(api)
    has_group(api, OTHER)
    as_alice("errors")
    assert "'orders' is not the id of an error group. Next: fnrun errors" in as_alice("errors", "show", "orders").stderr
    assert "No error group that was listed lately begins with ffff" in as_alice("errors", "ignore", "ffff").stderr
    ambiguous = as_alice("errors", "show", "1a2b")
    assert ambiguous.code == Exit.USAGE
    assert "2 error groups begin with 1a2b. Next: type more of it: " in ambiguous.stderr


def test_what_is_said_of_an_error_is_kept(as_alice: Fnrun, api: Api) -> None:
    has_group(api)
    resolved = as_alice("errors", "resolve", GROUP, "--in-version", "8", "--reason", "no more refunds")
    assert (resolved.code, resolved.stdout) == (Exit.DONE, f"{GROUP}  resolved in version 8\n")
    assert (the_group(api).state, the_group(api).resolved_in_version) == (GroupState.RESOLVED, "8")
    assert "state          resolved in version 8 by alice" in as_alice("errors", "show", GROUP).stdout
    assert as_alice("errors", "ignore", GROUP).stdout == f"{GROUP}  ignored\n"
    assert as_alice("errors", "reopen", GROUP, "-o", "json").document["state"] == "open"
    assert [act.act.action for act in api.world.runs.acts] == ["change-error-group"] * 3


def test_what_is_so_already_is_not_changed(as_alice: Fnrun, api: Api) -> None:
    has_group(api, state=GroupState.IGNORED)
    ended = as_alice("errors", "ignore", GROUP)
    assert (ended.code, ended.stderr) == (Exit.DONE, "Nothing was changed.\n")
    assert not [each for each in api.requests if each.method == "PUT"]


def test_whether_it_was_changed_may_not_be_known(as_alice: Fnrun, api: Api) -> None:
    has_group(api)
    api.inject(ANSWER_LOST, of="PUT ")
    ended = as_alice("errors", "ignore", GROUP)
    assert ended.code == Exit.UNKNOWN
    assert ended.stderr == (
        f"fnrun: It is not known whether {GROUP} was changed. Next: look with fnrun errors show {GROUP}\n"
    )


def test_runs_of_a_group_are_listed(as_alice: Fnrun, api: Api) -> None:
    [first, second] = has_group(api, failures=2)
    a_failed_run(api, an_id(7), created_at=clock.now())
    api.world.runs.runs[second] = api.world.run(second).model_copy(update={"recovered_by": an_id(9)})
    as_alice("errors")
    listed = as_alice("runs", "list", "--group", SHORT, "-o", "json").document
    assert sorted(run["id"] for run in listed) == sorted([first, second])
    assert as_alice("runs", "list", "--group", GROUP, "--not-recovered", "-q").stdout == f"{first}\n"
    assert f"error group  {GROUP}\n" in as_alice("runs", "show", first).stdout


@pytest.mark.parametrize("command", [["errors"], ["errors", "show", GROUP]])
def test_reading_takes_the_grant_of_reading(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    has_group(api)
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-runs:read"))
    assert as_alice(*command).code == Exit.DONE
    changed = as_alice("errors", "ignore", GROUP)
    assert changed.code == Exit.NOT_PERMITTED
    assert "error-groups:write" in changed.stderr

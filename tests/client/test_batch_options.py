"""How fast a batch goes and what stops it: as it is typed, as the API takes it, and as it is said again."""

from typing import Any

import pytest
from fnrun.batching import described
from fnrun.batching.options import pace, stop_rules
from fnrun.errors import UsageFault


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ([], {}),
        (["same-error"], {"sameErrorGroup": True}),
        (["same-error=no"], {"sameErrorGroup": False}),
        (["rate=0.2"], {"failureRate": 0.2}),
        (["rate=20%"], {"failureRate": 0.2}),
        (["rate=.5"], {"failureRate": 0.5}),
        (["failures=10", "rate=1"], {"failures": 10, "failureRate": 1.0}),
    ],
)
def test_a_rule_is_read_and_what_is_not_named_is_left_to_the_service(typed: list[str], sent: dict[str, Any]) -> None:
    assert stop_rules(typed) == sent


@pytest.mark.parametrize(
    "typed", ["", "never", "rate", "rate=", "rate=a lot", "rate=-1", "failures=", "failures=1.5", "same-error=perhaps"]
)
def test_what_is_no_rule_is_said_with_those_that_there_are(typed: str) -> None:
    with pytest.raises(UsageFault, match="is no rule") as refused:
        stop_rules([typed])
    assert "rate=0.2 or failures=10" in refused.value.next_step


def test_a_rule_is_not_given_twice() -> None:
    with pytest.raises(UsageFault, match="--stop-on rate is there twice"):
        stop_rules(["rate=0.2", "rate=30%"])


def test_of_a_pace_what_is_typed_is_sent() -> None:
    assert pace(None, None, None) == {}
    assert pace(0.5, 20, "1m30s") == {"startPerSecond": 0.5, "maxPerSecond": 20, "doubleEverySeconds": 90}
    with pytest.raises(UsageFault, match="--double-every is not a duration"):
        pace(None, None, "often")


SETTINGS: dict[str, Any] = {
    "canary": {"count": 5},
    "pace": {"startPerSecond": 5, "maxPerSecond": 10, "doubleEverySeconds": 30},
    "stopWhen": {"sameErrorGroup": True, "failureRate": None, "failures": None},
}


def test_settings_are_said_in_words() -> None:
    assert dict(described.settings(SETTINGS)) == {
        "canary": "5 first; the others once these have ended well",
        "pace": "5 a second, doubled every 30 s up to 10",
        "stops if": "the same error comes back; more than half of the canary fail, or later a fifth",
        "not before": "",
    }
    others = {"canary": 0, "pace": {"startPerSecond": 2.5, "maxPerSecond": 2.5, "doubleEverySeconds": 30}}
    rules = {"sameErrorGroup": False, "failureRate": 0.25, "failures": 3}
    said = dict(described.settings(others | {"stopWhen": rules}))
    assert (said["canary"], said["pace"]) == ("none", "2.5 a second")
    assert said["stops if"] == "more than 25 % of them fail; 3 fail"
    never = rules | {"failureRate": 1, "failures": None}
    assert dict(described.settings(others | {"stopWhen": never}))["stops if"] == "no share of failures stops it"
    few = dict(described.settings(SETTINGS | {"wouldStart": 4}))
    assert few["canary"] == "all of them"


def test_which_code_is_said() -> None:
    assert described.code(True, None) == "today's (--latest)"
    assert described.code(None, "8") == "version 8"
    assert described.code(False, None) == "that of each run"


def test_what_is_selected_is_said() -> None:
    group = "1a2b3c4d" + 24 * "0"
    chosen = {"errorGroupId": group, "functionId": "f-1", "from": "2026-11-26T00:00:00.000Z", "to": None}
    names = {"f-1": "orders"}
    assert described.selection({"filter": chosen}, names).startswith(
        "error group 1a2b3c4d, function orders, created since 2026-11-2"
    )
    assert described.selection({"filter": {"functionId": "f-2", "errorCode": "E"}}, names) == "function f-2, error E"
    assert described.selection({"filter": None, "runIdCount": 17}, names) == "17 runs that were named"


def progress(**changes: Any) -> dict[str, Any]:
    return {
        "selected": 0,
        "started": 0,
        "running": 0,
        "completed": 0,
        "failed": 0,
        "cancelled": 0,
        "failedByGroup": [],
        "refused": {},
        "skipped": {"recovered": 0, "open": 0, "limit": 0},
        "selectionComplete": False,
        "expectedSources": 400,
        "expectedCapped": False,
    } | changes


def test_how_far_it_is_counts_what_has_ended_and_what_is_not_re_run() -> None:
    under_way = progress(
        selected=110, completed=80, failed=4, running=20, refused={"NO_PARAMETERS": 1}, skipped={"open": 5}
    )
    assert described.summary(under_way) == "completed 80, failed 4, running 20, skipped 5, refused 1"
    assert (described.done(under_way), described.total(under_way)) == (90, "about 400")
    assert described.share(under_way) == 90 / 400
    assert described.total(progress(expectedSources=10_000, expectedCapped=True)) == "more than 10,000"
    assert described.total(progress(expectedSources=None)) == "not counted yet"


def test_the_end_of_the_selection_is_exact() -> None:
    all_done = progress(selected=390, completed=390, selectionComplete=True)
    assert (described.total(all_done), described.share(all_done)) == ("390", 1.0)
    assert described.share(progress(selectionComplete=True)) == 1.0
    assert described.share(progress(expectedSources=None)) == 0.0
    assert described.summary(progress()) == "nothing is started yet"


def test_counts_stand_with_the_largest_first() -> None:
    counts = {"open": 1, "recovered": 1_200, "limit": 0}
    assert described.counted(counts, described.SKIPPED) == "recovered already 1,200, re-run already, not ended 1"


def test_why_it_stopped_is_said() -> None:
    group = "1a2b3c4d" + 24 * "0"

    def said(reason: dict[str, Any] | None, **counts: Any) -> str:
        return described.why_stopped({"stopReason": reason, "progress": progress(**counts)}, {group: "E in orders"})

    reason = {"rule": "sameErrorGroup", "errorGroupId": group, "runId": "r", "failed": 1, "ended": 5}
    assert said(reason) == (
        "the error of the runs that it repeats came back (E in orders, group 1a2b3c4d, run r); 1 of 5 had failed"
    )
    rate = {"rule": "failureRate", "errorGroupId": None, "runId": None, "failed": 3, "ended": 5}
    assert said(rate) == "too many re-runs failed; 3 of 5 had failed"
    by_group = [{"errorGroupId": None, "count": 9}, {"errorGroupId": group, "count": 2}]
    most = "too many re-runs failed, most with E in orders (group 1a2b3c4d); 3 of 5 had failed"
    assert said(rate, failedByGroup=by_group) == most
    assert said(None) == "it is not said why"


def test_what_is_not_counted_yet_is_not_said_to_be_of_something() -> None:
    assert described.so_far(progress(expectedSources=None)) == "0: nothing is started yet"
    assert described.so_far(progress(selected=3, completed=3)) == "3 of about 400: completed 3"

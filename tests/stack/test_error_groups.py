"""Failures of one kind, over HTTP: found together, fixed, resolved, opened again by a new failure, and ignored."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws.error_groups import GroupCounts, GroupStore
from handlers.aws.run_items import SHARDS
from handlers.aws.table import Table
from handlers.domain import clock
from handlers.domain.error_groups.listing import Filters, Period, list_groups
from handlers.domain.paging import Page
from tests.builders import a_group
from tests.chaos.bus import Listener
from tests.stack.driver import TeamFunction, Workspace, refusal, until
from tests.stack.test_lists import Counted

ORDERS = """
class Declined(Exception):
    pass

def average(order):
    return order['total'] / order['items']

def pay(order):
    if order.get('card') == 'stolen':
        raise Declined('card of ' + order['id'])

def handler(order, context):
    print(order['address']%s)
    pay(order)
    return average(order)
"""
BROKEN, FIXED = ORDERS % "['street']", ORDERS % ""
GOOD = {"address": {"street": "Ring"}, "total": 2, "items": 1}
FAILING: dict[str, dict[str, Any]] = {
    "KeyError": {"address": {}},
    "ZeroDivisionError": {"items": 0},
    "Declined": {"card": "stolen"},
}
Group = dict[str, Any]


def listed(workspace: Workspace, **query: str) -> dict[str, Group]:
    """All pages, by their error; each group is there once."""
    found: list[Group] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = workspace.http.get("/error-groups", params=query | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        cursor = answer.json()["meta"]["nextCursor"]
    assert len({each["errorCode"] for each in found}) == len(found)
    return {each["errorCode"]: each for each in found}


def shown(workspace: Workspace, group: Group, **query: str) -> Group:
    answer = workspace.http.get(f"/error-groups/{group['errorGroupId']}", params=query)
    assert answer.status_code == 200, answer.text
    found: Group = answer.json()
    return found


def put(workspace: Workspace, group: Group, **body: Any) -> Group:
    answer = workspace.http.put(
        f"/error-groups/{group['errorGroupId']}", json=body, headers={"If-Match": f'"{group["version"]}"'}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    changed: Group = answer.json()
    return changed


class Orders:
    """A function that fails in three ways, and what has been ordered."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.lambda_ = TeamFunction(workspace.local_stack).deploy(BROKEN)
        self.function = workspace.register(self.lambda_)
        self.trigger = workspace.trigger(self.function)

    def fail(self, error: str, order: str) -> dict[str, Any]:
        # Of code that was deployed just now the service hears within seconds.
        ended: dict[str, Any] = until(lambda: run if (run := self._ended(error, order))["errorCode"] else None)
        assert (ended["status"], ended["errorCode"]) == ("failure", error)
        return ended

    def _ended(self, error: str, order: str) -> dict[str, Any]:
        payload = GOOD | {"id": order} | FAILING[error]
        return self.workspace.ended(self.workspace.execute(self.trigger, payload=payload))


@pytest.fixture
def orders(workspace: Workspace) -> Orders:
    return Orders(workspace)


@pytest.fixture
def published(workspace: Workspace) -> Iterator["Published"]:
    with Published(workspace) as listener:
        yield listener


class Published(Listener):
    """The events of error groups of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace.local_stack)
        self._workspace = workspace.name
        self.events: list[tuple[str, dict[str, Any]]] = []

    def wait_for(self, group: Group, *what: str) -> None:
        """Until these have been published of a group, and nothing else."""
        until(lambda: self._types_of(group) == [f"Error Group {each}" for each in what])

    def _types_of(self, group: Group) -> list[str]:
        self.events += [
            (event["detail-type"], event["detail"])
            for event in self.received()
            if event["detail"]["workspace"] == self._workspace and event["detail-type"].startswith("Error Group")
        ]
        return [kind for kind, detail in self.events if detail["errorGroupId"] == group["errorGroupId"]]


def test_three_kinds_of_failures_are_three_groups_that_are_mended_resolved_and_opened_again(
    workspace: Workspace, orders: Orders, published: Published
) -> None:
    failed = {error: [orders.fail(error, f"o-{number}") for number in range(2)] for error in FAILING}

    groups = until(lambda: found if len(found := listed(workspace)) == len(FAILING) else None)
    for error, group in groups.items():
        assert {run["errorGroupId"] for run in failed[error]} == {group["errorGroupId"]}
        assert (group["functionId"], group["errorSource"], group["state"]) == (orders.function, "function", "open")
        assert (group["failureCount"], group["unrecoveredCount"], group["countsCapped"]) == (2, 2, False)
        assert (group["functionVersions"], group["reopenedCount"]) == (["1"], 0)
        assert sum(each["failures"] for each in group["hours"]) == 2
        assert group["sampleRunId"] == failed[error][1]["id"]
        runs = workspace.http.get("/function-runs", params={"errorGroupId": group["errorGroupId"]}).json()["data"]
        assert [run["id"] for run in runs] == [run["id"] for run in reversed(failed[error])]
    for group in groups.values():
        published.wait_for(group, "Opened")
    assert listed(workspace, functionId=orders.trigger) == {}
    assert listed(workspace, limit="1") == groups

    # Fixed, and one of them is re-run on the code of today; the other one once more on that of its time.
    first, second = (run["id"] for run in failed["KeyError"])
    orders.lambda_.deploy(FIXED)
    assert workspace.ended(workspace.rerun(first, useLatestCode=True))["status"] == "completed"
    resolved = put(workspace, groups["KeyError"], state="resolved", resolvedInVersion="2", reason="It has no street")
    assert (resolved["failureCount"], resolved["unrecoveredCount"], resolved["sampleRunId"]) == (2, 1, second)
    again = workspace.ended(workspace.rerun(second))
    assert (again["status"], again["errorGroupId"]) == ("failure", resolved["errorGroupId"])
    until(lambda: shown(workspace, resolved)["failureCount"] == 3)
    assert shown(workspace, resolved)["unrecoveredCount"] == 1
    assert set(listed(workspace, state="open")) == set(FAILING) - {"KeyError"}
    assert listed(workspace, state="resolved") == {"KeyError": shown(workspace, resolved)}

    # Version 3 has the bug again.
    orders.lambda_.deploy(BROKEN)
    back = orders.fail("KeyError", "o-9")
    until(lambda: shown(workspace, resolved)["state"] == "open")
    reopened = shown(workspace, resolved)
    assert (reopened["reopenedCount"], reopened["resolvedInVersion"]) == (1, None)
    assert (reopened["functionVersions"], reopened["sampleRunId"]) == (["3", "1"], back["id"])
    published.wait_for(resolved, "Opened", "Reopened")
    _, event = published.events[-1]
    assert (event["functionRunId"], event["functionVersion"], event["reopened"]) == (back["id"], "3", 1)
    stale = workspace.http.put(
        f"/error-groups/{resolved['errorGroupId']}", json={"state": "ignored", "version": resolved["version"]}
    )
    assert refusal(stale)[:2] == (412, "STALE")
    assert next(iter(listed(workspace))) == "KeyError", "the newest opened is first"

    # Ignored it stays, whatever fails.
    ignored = put(workspace, reopened, state="ignored")
    orders.fail("KeyError", "o-10")
    until(lambda: shown(workspace, ignored)["failureCount"] == ignored["failureCount"] + 1)
    assert shown(workspace, ignored)["state"] == "ignored"
    published.wait_for(ignored, "Opened", "Reopened")

    acts = workspace.http.get("/audit", params={"errorGroupId": ignored["errorGroupId"]}).json()["data"]
    assert [(act["action"], act["errorGroupState"]) for act in acts] == [
        ("change-error-group", "ignored"),
        ("change-error-group", "resolved"),
    ]
    assert acts[1]["reason"] == "It has no street"


def test_frames_are_shown_to_who_may_reveal_and_that_leaves_an_act(workspace: Workspace, orders: Orders) -> None:
    run = orders.fail("Declined", "o-secret")
    group = until(lambda: listed(workspace).get("Declined"))

    revealed = shown(workspace, group, include="frames")
    assert revealed == group | {"frames": ["pay", "handler"]}
    acts = workspace.http.get("/audit", params={"runId": run["id"], "action": "reveal"}).json()["data"]
    assert [(act["by"], act["parts"], act["errorGroupId"]) for act in acts] == [
        ("alice", ["frames"], group["errorGroupId"])
    ]

    reader = workspace.as_caller("eve", f"{workspace.name}/function-runs:read")
    path = f"/error-groups/{group['errorGroupId']}"
    assert refusal(reader.http.get(path, params={"include": "frames"}))[:2] == (403, "FORBIDDEN")
    seen = json.dumps([listed(reader), shown(reader, group)])
    assert not [word for word in ("pay", "handler", "o-secret", "frames") if word in seen]
    assert refusal(reader.http.put(path, json={"state": "ignored", "version": 1}))[:2] == (403, "FORBIDDEN")
    assert workspace.http.delete(f"/function-runs/{run['id']}/content").status_code == 204
    assert shown(workspace, group, include="frames")["frames"] is None


def test_groups_of_another_workspace_are_not_there(workspace: Workspace, orders: Orders) -> None:
    orders.fail("KeyError", "o-1")
    group = until(lambda: listed(workspace).get("KeyError"))
    other = workspace.other()
    path = f"/error-groups/{group['errorGroupId']}"
    for answer in (
        other.http.get(path),
        other.http.get(path, params={"include": "frames"}),
        other.http.put(path, json={"state": "ignored", "version": 1}),
    ):
        assert refusal(answer) == (404, "NOT_FOUND", "Error group not found.")
    assert listed(other) == {}
    runs = other.http.get("/function-runs", params={"errorGroupId": group["errorGroupId"]}).json()["data"]
    assert runs == []
    assert shown(workspace, group)["state"] == "open"


def test_a_page_of_a_workspace_with_hundreds_of_groups_makes_so_many_queries(workspace: Workspace) -> None:
    now = clock.now()
    quiet_since, client = now - timedelta(days=30), workspace.local_stack.client("dynamodb")
    store = GroupStore(Table(client, workspace.local_stack.outputs["TableName"]), report=print)
    for number in range(260):
        last_failure_at = now if number % 10 == 0 else quiet_since
        of_its_own = {"id": uuid4().hex, "expires_at": now + timedelta(days=90), "sample_run_id": str(uuid4())}
        store.create(
            a_group(workspace=workspace.name, opened_at=quiet_since, **of_its_own).evolve(
                last_failure_at=last_failure_at
            )
        )
    counted = Counted(client)
    table = Table(counted, workspace.local_stack.outputs["TableName"])  # type: ignore[arg-type]
    filters = Filters(Period(now - timedelta(days=1), now))

    found, after = list_groups(workspace.name, filters, Page(20), GroupStore(table, report=print), GroupCounts(table))
    assert found == [], "none of them has a run"
    assert after is not None
    reads, per_group = 2 * 3, 2 * SHARDS
    assert counted.calls <= reads + 20 * per_group
    before = counted.calls
    assert list_groups(
        workspace.name, filters, Page(20, after), GroupStore(table, report=print), GroupCounts(table)
    ) == ([], None)
    assert counted.calls - before <= reads + 6 * per_group

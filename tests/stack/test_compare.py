"""Two runs beside each other: on other code, of other tenants, and as large as they may be."""

import time

from handlers.domain.json_document import MAX_BYTES
from tests.stack.driver import TeamFunction, Workspace, refusal

FIRST = "def handler(event, context):\n    return {'total': event['price'] * 2}\n"
SECOND = "def handler(event, context):\n    return {'total': event['price'] * 3}\n"
API_SECONDS = 29
ANSWER_BYTES = 4_500_000


def test_a_rerun_on_other_code_is_compared_with_its_source_by_each_as_far_as_they_may_see(workspace: Workspace) -> None:
    function = TeamFunction(workspace.local_stack).deploy(FIRST)
    run = workspace.execute(workspace.trigger(workspace.register(function)), payload={"price": 7013})
    workspace.ended(run)
    function.deploy(SECOND)
    rerun = workspace.rerun(run, useLatestCode=True)
    workspace.ended(rerun)

    reader = workspace.as_caller("eve", f"{workspace.name}/function-runs:read")
    answer = reader.http.get(f"/function-runs/{rerun}/compare")
    seen = answer.json()
    assert (answer.status_code, seen["before"]["id"], seen["after"]["id"]) == (200, run, rerun)
    assert (seen["differs"]["code"], seen["differs"]["configuration"], seen["differs"]["status"]) == (
        True,
        False,
        False,
    )
    assert (seen["content"], seen["contentNeeds"]) == (None, "function-runs:reveal")
    assert "7013" not in answer.text

    content = workspace.http.get(f"/function-runs/{rerun}/compare").json()["content"]
    assert (content["parameters"]["equal"], content["error"]["equal"]) == (True, None)
    (difference,) = content["result"]["differences"]
    assert (difference["pointer"], difference["before"], difference["after"]) == ("/total", 14026, 21039)
    (act,) = workspace.http.get("/audit", params={"runId": run, "action": "compare"}).json()["data"]
    assert (act["by"], act["runId"], act["withRunId"]) == ("alice", rerun, run)


def test_a_run_of_another_workspace_is_as_good_as_none(workspace: Workspace) -> None:
    mine, other = workspace, workspace.other()
    runs = []
    for each in (mine, other):
        trigger, _ = each.trigger_of()
        runs.append(each.execute(trigger, payload={"a": 1}))
        each.ended(runs[-1])
    absent = "00000000-0000-4000-8000-00000000dead"
    answers = [mine.http.get(f"/function-runs/{runs[0]}/compare", params={"with": each}) for each in (runs[1], absent)]
    assert [refusal(answer) for answer in answers] == [(404, "NOT_FOUND", "Run not found.")] * 2
    assert refusal(mine.http.get(f"/function-runs/{runs[1]}/compare")) == (404, "NOT_FOUND", "Run not found.")


def test_two_results_as_large_as_they_may_be_are_answered_in_time_and_what_is_cut_is_said(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    # Python's runtime writes a space after each comma: so the result is 4 MB.
    numbers = list(range(100_000, 100_000 + (MAX_BYTES - 20) // 8))
    run = workspace.execute(trigger, payload={"numbers": numbers})
    workspace.ended(run)
    rerun = workspace.rerun(run, overrideParams={"numbers": numbers[::-1]})
    assert workspace.ended(rerun)["resultOmitted"] is False
    start = time.monotonic()
    answer = workspace.http.get(f"/function-runs/{rerun}/compare", timeout=60)
    seconds = time.monotonic() - start
    assert answer.status_code == 200, answer.text
    assert seconds < API_SECONDS
    assert len(answer.content) < ANSWER_BYTES
    for name in ("parameters", "result"):
        compared = answer.json()["content"][name]
        shown = compared["differences"]
        assert (compared["equal"], len(shown)) == (False, 1000)
        assert compared["cut"]["differences"] > len(numbers) - 1000

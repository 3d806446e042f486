"""Failed originals over HTTP: recovered once, shown as such, found by lists; and re-run once, however many ask."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.stack.driver import Workspace, accepted, refusal, until
from tests.stack.test_lists import ids, listed

AT_ONCE = 50
# It fails unless it is told otherwise; and waits, if it is, until there is a file.
SOURCE = """
import pathlib, time

def handler(event, context):
    while event.get('waits') and not pathlib.Path(event['waits']).exists():
        time.sleep(0.05)
    if event.get('fails', True):
        raise KeyError('carrier')
    return 'delivered'
"""
FIXED = {"fails": False}


def has_failed(workspace: Workspace, trigger: str) -> str:
    run = workspace.execute(trigger)
    assert workspace.ended(run)["status"] == "failure"
    return run


def about(workspace: Workspace, run: str) -> tuple[Any, Any, Any]:
    document = workspace.run(run)
    return document["recovered"], document["recoveredBy"], document["lastRerunStatus"]


def test_of_fifty_requests_at_once_exactly_one_starts_a_rerun(workspace: Workspace, tmp_path: Any) -> None:
    trigger, _ = workspace.trigger_of(SOURCE, timeout=60)
    original = has_failed(workspace, trigger)
    signal = tmp_path / "go on"
    body = {"ifNotRecovered": True, "overrideParams": FIXED | {"waits": str(signal)}}

    def ask(_: int) -> httpx.Response:
        """Who gets no answer in time, on a machine that is busy with fifty containers, asks again."""
        answers = (workspace.post_rerun(original, **body) for _ in range(AT_ONCE))
        return next(answer for answer in answers if answer.status_code < 500)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, range(AT_ONCE)))

    assert workspace.run(original)["rerunCount"] == 1
    [rerun] = [each["id"] for each in workspace.history(original)["reruns"]]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    # The answer to the one that has started it may have been lost.
    assert AT_ONCE - 1 <= len(refused) <= AT_ONCE
    assert {(each["code"], each["runId"]) for each in refused} == {("RERUN_OPEN", rerun)}
    assert all(accepted(answer) == rerun for answer in answers if answer.status_code != 409)
    assert about(workspace, original)[:2] == (False, None)

    signal.touch()
    workspace.ended(rerun)
    until(lambda: about(workspace, original) == (True, rerun, "completed"))
    again = workspace.post_rerun(original, ifNotRecovered=True)
    assert refusal(again)[:2] == (409, "ALREADY_RECOVERED")
    assert again.json()["runId"] == rerun
    assert accepted(workspace.post_rerun(original, overrideParams=FIXED)), "it is a question, not a rule"


def test_a_failed_original_is_unrecovered_until_a_rerun_of_it_completes(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(SOURCE)
    original, other = has_failed(workspace, trigger), has_failed(workspace, trigger)
    assert about(workspace, original) == (False, None, None)
    in_vain = workspace.rerun(original)
    workspace.ended(in_vain)
    assert about(workspace, original) == (False, None, "failure")
    until(lambda: ids(listed(workspace, recovered="false")) == [other, original])

    # A re-run of a re-run is of the same lineage.
    rerun = workspace.rerun(in_vain, ifNotRecovered=True, overrideParams=FIXED)
    workspace.ended(rerun)
    until(lambda: about(workspace, original) == (True, rerun, "completed"))
    until(lambda: ids(listed(workspace, recovered="false")) == [other])
    assert ids(listed(workspace, recovered="true")) == [original]
    assert about(workspace, rerun) == (None, None, None)
    assert about(workspace, in_vain) == (None, None, None)


def test_several_filters_at_once_find_what_all_of_them_ask_for(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(SOURCE)
    original = has_failed(workspace, trigger)
    bob = workspace.as_caller("bob", f"{workspace.name}/*:*")
    by_alice, by_bob = workspace.rerun(original), bob.rerun(original, overrideParams=FIXED)
    for run in (by_alice, by_bob):
        workspace.ended(run)
    until(lambda: workspace.run(original)["recovered"])
    version = workspace.run(original)["functionVersion"]

    def found(**query: str) -> list[str]:
        return ids(listed(workspace, **query))

    assert found(isRerun="false") == [original]
    assert found(isRerun="true", errorCode="KeyError") == [by_alice]
    assert found(rerunBy="bob", executionSource="rerun", functionVersion=version) == [by_bob]
    assert found(rerunBy="bob", errorCode="KeyError") == []
    assert found(executionSource="trigger", recovered="true", status="failure", functionVersion=version) == [original]
    assert found(recovered="true", isRerun="true") == []
    assert found(functionVersion="999") == []

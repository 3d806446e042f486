"""Content that nobody can correct, the whole way: from outside to the function, and through its re-run."""

import json
from typing import Any

import pytest

from tests.builders import nested
from tests.stack.driver import TeamFunction, Workspace, until
from tests.stack.sources import create, post_webhook, put_event, runs_of, the_run
from tests.stack.test_captured import a_record, capturing, deliver
from tests.stack.test_parameters import ECHO_WHAT_IT_IS

HALF = r'{"cut off \ud83d":["\ud83d","\ude00\ud83d"],"whole":"😀"}'
WRITTEN = json.dumps(json.loads(HALF))


@pytest.fixture
def function(workspace: Workspace) -> TeamFunction:
    return TeamFunction(workspace.local_stack).deploy(ECHO_WHAT_IT_IS)


def handed_on(workspace: Workspace, run_id: str) -> str:
    """The JSON that the function was given, as ASCII; what it was given by a re-run is the same."""
    run = workspace.ended(run_id, include="result,parameters")
    again = workspace.ended(workspace.rerun(run_id), include="result,parameters")
    for each in (run, again):
        assert (each["status"], each["parametersFormat"]) == ("completed", "json")
        assert json.dumps(each["parameters"]) == each["result"]["text"]
    assert again["result"] == run["result"]
    return str(run["result"]["text"])


def revealed(workspace: Workspace, run_id: str) -> str:
    return workspace.http.get(f"/function-runs/{run_id}", params={"include": "parameters,result"}).text


def test_half_a_surrogate_pair_in_a_webhook_reaches_the_function_as_the_escape_that_it_is(
    workspace: Workspace, function: TeamFunction
) -> None:
    trigger = create(workspace, workspace.register(function), "http-trigger", {"path": "cut"})
    answer = post_webhook(workspace, "cut", HALF, secret=trigger["secret"])
    assert answer.status_code == 202, answer.text
    run_id = answer.json()["jobId"]
    assert f'"payload": {WRITTEN}' in handed_on(workspace, run_id)
    assert HALF in revealed(workspace, run_id)


def test_half_a_surrogate_pair_in_what_people_send_does_so_too(workspace: Workspace, function: TeamFunction) -> None:
    registered = workspace.register(function)
    body = f'{{"name":"half","functionId":"{registered}","executionType":"on-demand","triggerMetadata":{{"params":{HALF}}}}}'
    created = workspace.http.post("/function-triggers", content=body.encode())
    assert created.status_code == 201, created.text
    assert HALF in created.text
    trigger = created.json()["id"]
    assert HALF in workspace.http.get(f"/function-triggers/{trigger}").text
    put_back = workspace.http.put(f"/function-triggers/{trigger}", content=created.content)
    assert (put_back.status_code, HALF in put_back.text) == (200, True)

    path, key = f"/function-triggers/{trigger}/execute", {"Idempotency-Key": "once"}
    sent = [workspace.http.post(path, content=rb'{"payload":{"\udead":1}}', headers=key) for _ in range(2)]
    assert [each.status_code for each in sent] == [202, 202], sent[0].text
    assert sent[0].json() == sent[1].json()
    run_id = sent[0].json()["jobId"]
    assert handed_on(workspace, run_id) == WRITTEN[:-1] + r', "\udead": 1}'

    overrides = rb'{"overrideParams":{"\udead":"\udfff","whole":null}}'
    rerun = workspace.http.post(f"/function-runs/{run_id}/rerun", content=overrides)
    assert rerun.status_code == 202, rerun.text
    assert handed_on(workspace, rerun.json()["jobId"]).endswith(r'"whole": null, "\udead": "\udfff"}')


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/function-triggers", r'{"name":"\ud83d","functionId":"x","executionType":"on-demand"}', "name"),
        ("/function-triggers/{trigger}/execute", r'{"orchestrationId":"a\ud83d"}', "orchestrationId"),
        ("/function-triggers/{trigger}/execute", r'{"\ud83d":1}', "body"),
        ("/function-triggers/{trigger}/execute", r'{"payload":{},"payload\ud83d":{"\ud83d":1,"\ud83d":2}}', r"\ud83d"),
    ],
)
def test_in_what_stands_in_clear_it_is_refused(workspace: Workspace, path: str, body: str, field: str) -> None:
    trigger, _ = workspace.trigger_of()
    answer = workspace.http.post(path.format(trigger=trigger), content=body.encode())
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text


def test_half_a_surrogate_pair_in_an_event_starts_a_run(workspace: Workspace, function: TeamFunction) -> None:
    pattern = {"eventPattern": {"source": ["shop"]}}
    trigger = create(workspace, workspace.register(function), "event-driven", pattern)["id"]
    put_event(workspace, json.loads(HALF))
    assert WRITTEN[1:-1] in handed_on(workspace, the_run(workspace, trigger))


def test_a_captured_payload_is_handed_on_as_it_came(workspace: Workspace, function: TeamFunction) -> None:
    trigger = capturing(workspace, function)
    kept = {"half": HALF, "digits": '{ "n": 12345678901234567.89 }'}
    odd = {"equal keys": '{"a":1,"a":2}', "deep": '{"a":' * 120 + "1" + "}" * 120, "beyond": '{"n":1e400}'}
    for payload in [*kept.values(), *odd.values()]:
        record = json.dumps(a_record(function.arn, requestPayload="?")).replace('"?"', payload)
        assert deliver(workspace, record) == {"batchItemFailures": []}
    runs = runs_of(workspace, triggerId=trigger)
    found = {workspace.run(run["id"], include="parameters")["id"]: run["parametersFormat"] for run in runs}
    assert sorted(found.values()) == ["json", "json", "raw", "raw", "raw"]
    texts = {run_id: workspace.run(run_id, include="parameters")["parameters"] for run_id in found}
    assert {texts[run_id] for run_id, kind in found.items() if kind == "raw"} == set(odd.values())
    for run_id, kind in found.items():
        rerun = workspace.ended(workspace.rerun(run_id), include="result")
        assert (rerun["status"], rerun["parametersFormat"]) == ("completed", kind)
        refused = workspace.http.post(f"/function-runs/{run_id}/rerun", json={"overrideParams": {"a": 3}})
        expected = (400, "overrideParams") if kind == "raw" else (202, None)
        assert (refused.status_code, refused.json().get("field")) == expected


@pytest.mark.parametrize(("levels", "status"), [(100, 202), (101, 400), (102, 400), (300, 400), (5_000, 400)])
def test_depth_is_counted_of_what_is_kept(workspace: Workspace, levels: int, status: int) -> None:
    trigger, _ = workspace.trigger_of(ECHO_WHAT_IT_IS)
    run_id = workspace.execute(trigger)
    deep = '{"a":' * levels + "1" + "}" * levels
    for path, field in (
        (f"/function-triggers/{trigger}/execute", "payload"),
        (f"/function-runs/{run_id}/rerun", "overrideParams"),
    ):
        answer = workspace.http.post(path, content=f'{{"{field}":{deep}}}'.encode())
        assert answer.status_code == status, answer.text
        if status == 400:
            assert (answer.json()["field"], "nested deeper than 100 levels" in answer.text) == (field, True)
        else:
            parameters = workspace.ended(answer.json()["jobId"], include="parameters,result")["parameters"]
            assert isinstance(parameters, dict), "it is read, and may be overridden again"
            again = workspace.http.post(
                f"/function-runs/{answer.json()['jobId']}/rerun", json={"overrideParams": {"b": 1}}
            )
            assert again.status_code == 202


@pytest.mark.parametrize("levels", [99, 100, 101])
def test_a_webhook_of_any_depth_is_kept_so_that_it_can_be_read_and_overridden(
    workspace: Workspace, function: TeamFunction, levels: int
) -> None:
    create(workspace, workspace.register(function), "http-trigger", {"path": "deep", "signature": "none"})
    body = json.dumps(nested(levels))
    run_id = post_webhook(workspace, "deep", body, secret=None).json()["jobId"]
    run = workspace.ended(run_id, include="parameters")
    content: dict[str, Any] = {"payload": nested(99)} if levels == 99 else {"rawBody": body}
    assert {name: run["parameters"].get(name) for name in content} == content
    assert workspace.rerun(run_id, overrideParams={"more": 1})


def test_an_event_s_depth_is_its_own_and_not_that_of_what_it_comes_in(
    workspace: Workspace, function: TeamFunction
) -> None:
    pattern = {"eventPattern": {"source": ["shop"]}}
    trigger = create(workspace, workspace.register(function), "event-driven", pattern)["id"]
    put_event(workspace, {"deep": nested(98)})
    run = workspace.ended(the_run(workspace, trigger), include="parameters,result")
    assert (run["parametersFormat"], run["parameters"]["detail"]["deep"]) == ("json", nested(98))
    put_event(workspace, {"deep": nested(99)})
    both = until(lambda: len(found := runs_of(workspace, triggerId=trigger)) == 2 and found)
    (deeper,) = (workspace.ended(each["id"], include="parameters,result") for each in both if each["id"] != run["id"])
    assert (deeper["status"], deeper["parametersFormat"]) == ("completed", "raw")
    assert json.loads(deeper["parameters"])["detail"]["deep"] == nested(99)
    assert json.loads(deeper["result"])["event"] == json.loads(deeper["parameters"])

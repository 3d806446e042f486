"""Parameters survive exactly, through a run and its re-run."""

from typing import Any

import pytest

from tests.stack.driver import Workspace

ECHO_WHAT_IT_IS = (
    "import json\n"
    "def handler(event, context):\n"
    "    return {'event': event, 'text': json.dumps(event, ensure_ascii=True)}\n"
)


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {"bottom": True}
    for level in range(depth - 1):
        document = {"down": document} if level % 2 else {"down": [document]}
    return document


EXACT: dict[str, Any] = {
    "unicode": {"ключ": "värde 🚀 \u2028 \u0000 \x7f", "日本": ["語", "é", "e\u0301"]},
    "nested fifty deep": nested(50),
    "big integers": {"n": [2**53 + 1, -(2**63), 10**40]},
    "one point nought against one": {"float": 1.0, "int": 1, "small": 5e-324, "precise": 0.1, "minus": -0.0},
    "empty keys and objects": {"": {"": {}}, "list": [], "nested": [[], {}, ""]},
    "null": {"nothing": None, "list": [None], "true": True, "false": False},
    "reserved words": {"pk": "x", "__proto__": {}, "$ref": "#", "S": "s", "status": "pending"},
    "key order": {"z": 1, "a": 2, "m": 3},
}


@pytest.mark.parametrize("what", EXACT)
def test_parameters_survive_exactly(workspace: Workspace, what: str) -> None:
    parameters = EXACT[what]
    trigger, _ = workspace.trigger_of(ECHO_WHAT_IT_IS)
    original = workspace.ended(workspace.execute(trigger, payload=parameters), include="parameters,result")
    rerun = workspace.ended(workspace.rerun(original["id"]), include="parameters,result")

    for run in (original, rerun):
        # repr tells 1 from 1.0 and keeps the order of keys, where == does not
        assert repr(run["parameters"]) == repr(parameters)
        assert repr(run["result"]["event"]) == repr(parameters)
    assert rerun["result"]["text"] == original["result"]["text"]


def test_300_kb_of_parameters_with_a_300_kb_result(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    parameters = {"large": "äx" * 100_000}
    original = workspace.ended(workspace.execute(trigger, payload=parameters))
    rerun = workspace.ended(workspace.rerun(original["id"], overrideParams={"n": 1}), include="parameters,result")
    assert rerun["status"] == "completed"
    assert rerun["resultOmitted"] is False
    assert rerun["parameters"] == rerun["result"] == parameters | {"n": 1}


def test_parameters_too_large_to_keep_are_413(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(params={"a": "x" * 300_000})
    response = workspace.http.post(f"/function-triggers/{trigger}/execute", json={"payload": {"b": "y" * 3_700_000}})
    assert (response.status_code, response.json()["field"]) == (413, "payload")


def test_a_triggers_params_are_merged_with_the_payload_and_shown_to_who_may_read_it(workspace: Workspace) -> None:
    params = {"currency": "EUR", "limits": {"max": 10, "min": 1}}
    trigger, _ = workspace.trigger_of(params=params)
    run = workspace.ended(workspace.execute(trigger, payload={"limits": {"max": 20}}), include="parameters")
    assert run["parameters"] == {"currency": "EUR", "limits": {"max": 20, "min": 1}}
    assert workspace.http.get(f"/function-triggers/{trigger}").json()["triggerMetadata"] == {"params": params}

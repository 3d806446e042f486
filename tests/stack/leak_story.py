"""A story in which something is said wherever content enters, and refused for every reason there is."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx

from handlers.api.resolver import MAX_BODY_BYTES
from handlers.domain.json_document import MAX_BYTES
from infra.local.local_stack import LocalStack
from tests.stack.driver import Workspace, accepted, refusal, until
from tests.stack.leak_search import Told, flattened, read_logs, read_queue
from tests.stack.leak_sources import everything_that_starts_runs

CONSOLE_ENTRY_POINT = "FunctionRerun-api-rerun"
SPEAKS = """
def handler(event, context):
    print('the function prints', event['printed'])
    if event.get('fail'):
        FRAME(event)
    return {'the result is': event['result']}

def FRAME(event):
    raise ValueError(event['fail'])
"""


@contextmanager
def executor_at_rest(local_stack: LocalStack) -> Iterator[None]:
    """Runs stay in the queue meanwhile."""
    client = local_stack.client("lambda")
    mapping = client.list_event_source_mappings(FunctionName="FunctionRerun-execute-runs")["EventSourceMappings"][0]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def refused_requests(
    workspace: Workspace, run: str, trigger: str, secret: str
) -> dict[str, Callable[[], httpx.Response]]:
    """Requests that are refused, each for a reason of its own, each with a secret in it."""
    http, rerun, execute = workspace.http, f"/function-runs/{run}/rerun", f"/function-triggers/{trigger}/execute"

    def of(body: Any, path: str = rerun, method: str = "POST") -> Callable[[], httpx.Response]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return lambda: http.request(method, path, content=content)

    def request(path: str, **query: str) -> Callable[[], httpx.Response]:
        return lambda: http.get(path, params=query)

    return {
        "not JSON": of(b'{"reason": "' + secret.encode()),
        "not UTF-8": of(b"\xff" + secret.encode()),
        "not an object": of([secret]),
        "an unknown field": of({"surprise": secret}),
        "an unknown field, deep": of({"surprise": {"a": [{"b": secret}]}}),
        "a list for a text": of({"reason": [secret]}),
        "a text for a flag": of({"useLatestCode": secret}),
        "a text for an object": of({"overrideParams": secret}),
        "too long": of({"reason": secret + "x" * 512}),
        "twice": of(f'{{"overrideParams": {{"a": "{secret}", "a": "{secret}"}}}}'.encode()),
        "half a surrogate pair": of({"reason": f"{secret}\ud800"}),
        "half a surrogate pair for a name": of({f"{secret}\ud800": 1}),
        "too deep": of(f'{{"overrideParams": {{"{secret}": {"[" * 101}{"]" * 101}}}}}'.encode()),
        "far too deep": of(f'{{"overrideParams": {{"{secret}": {"[" * 9999}{"]" * 9999}}}}}'.encode()),
        "too large": of({"overrideParams": {"a": secret + "x" * MAX_BYTES}}),
        "far too large": of({"overrideParams": {"a": secret + "x" * MAX_BODY_BYTES}}),
        "a run id": of({}, f"/function-runs/{secret}/rerun"),
        "a run id of history": request(f"/function-runs/{secret}/rerun-history"),
        "a payload": of({"payload": [secret]}, execute),
        "an orchestration id": of({"orchestrationId": secret + "x" * 128}, execute),
        "an unknown field of execute": of({"surprise": secret}, execute),
        "trigger params": of(
            {
                "name": "t",
                "functionId": run,
                "executionType": "on-demand",
                "triggerMetadata": {"params": {"a": secret}},
            },
            "/function-triggers",
        ),
        "trigger params, ill-typed": of(
            {"name": "t", "functionId": run, "executionType": "on-demand", "triggerMetadata": {"params": secret}},
            "/function-triggers",
        ),
        "an execution type": of({"name": "t", "functionId": run, "executionType": secret}, "/function-triggers"),
        "a function's ARN": of({"name": "f", "functionArn": secret}, "/compute-functions"),
        "a change without a version": of(
            {"triggerMetadata": {"params": {"a": secret}}}, f"/function-triggers/{trigger}", "PUT"
        ),
        "a fixed field": of({"id": secret}, f"/function-triggers/{trigger}", "PUT"),
        "a version": lambda: http.put(f"/function-triggers/{trigger}", json={}, headers={"If-Match": secret}),
        "a plan's token": of({"planToken": secret}),
        "effects": of({"effects": secret}),
        "a plan's unknown field": of({"surprise": secret}, f"/function-runs/{run}/rerun-plan"),
        "a candidate": of({"candidateVersion": secret}, f"/function-runs/{run}/experiments"),
        "an ignored key": of({"ignore": [f"{secret}/~"]}, f"/function-runs/{run}/experiments"),
        "a run to compare with": request(f"/function-runs/{run}/compare", **{"with": secret}),
        "an experiment": request(f"/function-runs/{run}/experiments/{secret}"),
        "an act's kind": request("/audit", action=secret),
        "a run to erase": lambda: http.delete(f"/function-runs/{secret}/content"),
        "an error group": request(f"/error-groups/{secret}"),
        "an error group's part": request("/error-groups/0", include=secret),
        "an error group's state": of({"state": secret}, "/error-groups/0", "PUT"),
        "a version that has the fix": of({"state": "resolved", "resolvedInVersion": secret}, "/error-groups/0", "PUT"),
        "runs of an error group": request("/function-runs", errorGroupId=secret),
        "include": request(f"/function-runs/{run}", include=secret),
        "a status": request("/function-runs", status=secret),
        "a time": request("/function-runs", **{"from": secret}),
        "an unknown filter": request("/function-runs", surprise=secret),
        "a cursor": request("/function-runs", cursor=secret),
        "a limit": request("/function-runs", limit=secret),
        "no grant": lambda: workspace.as_caller("eve").post_rerun(run, overrideParams={"a": secret}),
        "another workspace": lambda: workspace.other().post_rerun(run, overrideParams={"a": secret}),
    }


class Happened(NamedTuple):
    ended: set[str]
    team_function: str
    refusals: list[str]
    webhook_secrets: list[str]


def everything_that_happens(workspace: Workspace, secret: Callable[[str], str], actual: Told) -> Happened:
    local_stack = workspace.local_stack
    given = {"given": secret("a param of the trigger"), "printed": secret("a line that the function prints")}
    frame = secret("a function of the code, in which an error is raised")
    trigger, function = workspace.trigger_of(
        SPEAKS.replace("FRAME", frame), params=given | {"result": secret("the function's result")}
    )
    with executor_at_rest(local_stack):
        runs = [workspace.execute(trigger, payload={"paid": secret("the payload")})]
        runs.append(workspace.execute(trigger, payload={"fail": secret("the exception's message")}))
        runs.append(workspace.rerun(runs[0], overrideParams={"over": secret("an override")}, reason="to see"))
        override = {"fail": secret("an override from the console")}
        event = {"workspace": workspace.name, "runId": runs[0], "rerunBy": "bob", "overrideParams": override}
        runs.append(answer_of_console(local_stack, event)["jobId"])
        runs.append(workspace.rerun(runs[0], overrideParams={"over": secret("a large override") + "x" * 400_000}))
        runs.append(_rerun_under_a_key(workspace, runs[0], secret("an idempotency key"), secret("what it was for")))
        runs.append(_cancelled(workspace, workspace.rerun(runs[0], overrideParams={"over": secret("a cancelled one")})))
        started = everything_that_starts_runs(workspace, function, secret, actual)
        until(lambda: read_queue(local_stack, local_stack.outputs["RunQueueUrl"], actual, "the run queue"))
    for run in (*runs, *started.runs):
        workspace.ended(run)
    runs += _looked_at(workspace, runs[0], secret)
    revealed = workspace.run(runs[1], include="parameters,error,logs")
    assert given["printed"] in revealed["logs"]
    group = f"/error-groups/{revealed['errorGroupId']}"
    until(lambda: workspace.http.get(group).status_code == HTTPStatus.OK)
    assert frame in workspace.http.get(group, params={"include": "frames"}).json()["frames"]
    refusals = started.refusals
    for why, request in refused_requests(workspace, runs[0], trigger, secret("a refused request")).items():
        response = request()
        assert refusal(response)[0] in (400, 403, 404, 413, 428), (why, response.text)
        actual.add(f"the refusal of {why}", flattened([response.content, dict(response.headers)]))
        refusals.append(why)
    for why, sent in {
        "an unknown field": {
            "workspace": workspace.name,
            "runId": runs[0],
            "surprise": secret("a refused console event"),
        },
        "an ill-typed one": {"workspace": workspace.name, "runId": [secret("a run id of the console")]},
        "not an object": secret("a console event that is a text"),
    }.items():
        actual.add(f"the console's refusal of {why}", json.dumps(answer_of_console(local_stack, sent)))
    broken = workspace.rerun(runs[0], overrideParams={"over": secret("an override under a broken seal")})
    workspace.ended(broken)
    break_the_seal(local_stack, broken)
    for response in (
        workspace.post_rerun(broken, overrideParams={"a": secret("an override of what is broken")}),
        workspace.http.get(f"/function-runs/{broken}?include=parameters"),
    ):
        assert response.status_code == 400
        actual.add("the refusal of a broken seal", response.content)
    return Happened({*runs, *started.runs, broken}, function.name, refusals, started.webhook_secrets)


def _looked_at(workspace: Workspace, run: str, secret: Callable[[str], str]) -> list[str]:
    """A plan and its re-run, a comparison, an experiment and the audit, by who may reveal. The runs that were started."""
    http, path = workspace.http, f"/function-runs/{run}"
    overrides = {secret("an overridden key"): secret("an override that is planned")}
    planned = http.post(f"{path}/rerun-plan", json={"overrideParams": overrides}).json()
    rerun = workspace.rerun(run, overrideParams=overrides, planToken=planned["planToken"])
    experiment = http.post(f"{path}/experiments", json={"ignore": [f"/{secret('an ignored key')}"]}).json()
    runs = [rerun, *experiment["pinned"], *experiment["candidate"]]
    for each in runs:
        workspace.ended(each)
    assert http.get(f"/function-runs/{rerun}/compare").json()["content"]
    assert http.get(f"{path}/experiments/{experiment['experimentId']}").json()["verdict"] == "same"
    assert any(act.get("overridePaths") for act in http.get("/audit").json()["data"])
    return runs


def _rerun_under_a_key(workspace: Workspace, run: str, key: str, said: str) -> str:
    content = json.dumps({"overrideParams": {"over": said}}).encode()
    path, headers = f"/function-runs/{run}/rerun", {"Idempotency-Key": key}
    return accepted(workspace.http.post(path, content=content, headers=headers))


def _cancelled(workspace: Workspace, run: str) -> str:
    assert workspace.http.post(f"/function-runs/{run}/cancel").status_code == 200
    return run


def answer_of_console(local_stack: LocalStack, event: Any) -> dict[str, Any]:
    answered = local_stack.client("lambda").invoke(FunctionName=CONSOLE_ENTRY_POINT, Payload=json.dumps(event))
    document: dict[str, Any] = json.loads(answered["Payload"].read())
    return document


def break_the_seal(local_stack: LocalStack, run: str) -> None:
    client, table = local_stack.client("dynamodb"), local_stack.outputs["TableName"]
    key = {"pk": {"S": f"RUN#{run}"}, "sk": {"S": "SEALED#parameters"}}
    item = client.get_item(TableName=table, Key=key)["Item"]
    damaged = bytearray(item["sealed"]["B"])
    damaged[-1] ^= 1
    client.put_item(TableName=table, Item=item | {"sealed": {"B": bytes(damaged)}})


def logged(local_stack: LocalStack, workspace: str) -> bool:
    """Whether the service's log has the audit line of the last request."""
    actual = Told()
    read_logs(local_stack, actual)
    lines = [line for lines in actual.places.values() for line in lines if workspace.encode() in line]
    return any(b'"reveal"' in line and b"INVALID_REQUEST" in line for line in lines)

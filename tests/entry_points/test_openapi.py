"""The OpenAPI document: valid, complete, and true of what is answered. `answer_of` compares each answer with it."""

import json
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from handlers import api_openapi
from handlers.api.catalogue import OPERATIONS
from handlers.api.experiments import NoVerdict
from handlers.api.functions import FunctionView
from handlers.api.openapi import Login, openapi
from handlers.api.operations import Operation, Public
from handlers.api.responses import RETRY_AFTER_SECONDS
from handlers.domain import audit, clock, errors
from handlers.domain.comparing.verdict import Reason, Verdict
from handlers.domain.errors import InvalidRequest
from handlers.domain.runs import listing
from handlers.domain.runs.run import Status
from tests.as_shown import as_shown
from tests.builders import FUNCTION_ARN, FUNCTION_ID, GROUP_ID, RUN_ID, TRIGGER_ID, a_function, a_run, an_id
from tests.documented import LOGIN, check_answer, described, validator
from tests.entry_points.events import CONTEXT, OWN, PATH, RERUN, ROUTES, answer_of, http_event
from tests.entry_points.in_memory import InMemory, a_world, wire
from tests.fakes import World

HOOK_ID = an_id(7)
BY_ID = {each.id: each for each in OPERATIONS}
requests = pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.example], ids=lambda operation: operation.id
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = a_world()
    wire(monkeypatch, InMemory(world))
    return world


def ask(operation_id: str, *, headers: dict[str, str] | None = None, **options: Any) -> tuple[int, Any]:
    """The answer to a request about the things that every world has."""
    operation = BY_ID[operation_id]
    known = {"runId": RUN_ID, "functionId": FUNCTION_ID, "triggerId": TRIGGER_ID, "workspace": OWN, "path": PATH}
    known["errorGroupId"] = GROUP_ID
    ids = {name: options.pop(name, known.get(name)) for name in operation.path_parameters}
    route = operation.route_key.replace("/workspace/{workspace}/api/v1", "")
    return answer_of(ROUTES[route], http_event(route, ids, headers=headers, **options))


class TestDocument:
    def test_a_validator_takes_it(self) -> None:
        validate(described())

    def test_its_version_is_the_project_s(self) -> None:
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
        assert described()["info"]["version"] == project["version"]

    def test_a_login_needs_nothing_else(self) -> None:
        scheme = described()["components"]["securitySchemes"]["accessToken"]
        assert scheme["openIdConnectUrl"] == "https://issuer.example.com/.well-known/openid-configuration"
        assert (scheme["x-issuer"], scheme["x-client-id"]) == (LOGIN.issuer, "a-client")
        assert described()["servers"] == [{"url": "https://api.example.com"}]

    def test_nobody_is_sent_to_a_client_that_is_not_known(self) -> None:
        scheme = openapi(Login("https://a", "https://b", audience=("x",)))["components"]["securitySchemes"][
            "accessToken"
        ]
        assert "x-client-id" not in scheme
        assert scheme["x-audience"] == ["x"]

    def test_every_error_is_there_and_no_other(self) -> None:
        def codes(kind: type[errors.ServiceError]) -> set[str]:
            return {kind.code} | {code for child in kind.__subclasses__() for code in codes(child)}

        examples = described()["components"]["examples"]
        of_base_classes = {errors.Refused.code, errors.Conflict.code}
        assert {each["value"]["code"] for each in examples.values()} == codes(errors.ServiceError) - of_base_classes

    @pytest.mark.parametrize("error", [errors.RunNotFound, errors.WrongWorkspace, errors.Stale, errors.BadSignature])
    def test_an_example_is_the_exact_message(self, error: type[errors.ServiceError]) -> None:
        assert described()["components"]["examples"][error.__name__]["value"]["message"] == str(error())

    @pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
    def test_who_may_call_is_said_of_each_operation(self, operation: Operation) -> None:
        path = operation.full_path.replace("+}", "}")
        document = described()["paths"][path][operation.method.lower()]
        public = isinstance(operation.access, Public)
        assert document["security"] == ([] if public else [{"accessToken": []}])
        assert ("401" in document["responses"]) is not (public and operation.access is Public.NOTHING)
        assert {"429", "500", "503"} <= document["responses"].keys()

    @pytest.mark.parametrize("values", [Verdict, Reason, NoVerdict])
    def test_each_value_of_an_experiment_s_answer_is_explained(self, values: type[StrEnum]) -> None:
        fields = described()["components"]["schemas"]["ExperimentView"]["properties"]
        about = fields[{Verdict: "verdict", Reason: "reasons", NoVerdict: "noVerdict"}[values]]["description"]
        page = (Path(__file__).parents[2] / "docs/how-to/code-or-world.md").read_text()
        assert [each for each in values if f"`{each}`: " not in about or f"| `{each}` |" not in page] == []

    @pytest.mark.parametrize(("list_", "filters"), [("listRuns", listing.Filters), ("listActs", audit.listing.Filters)])
    def test_each_filter_of_a_list_is_read(self, list_: str, filters: Any) -> None:
        for name in {each.name for each in BY_ID[list_].query} - {"limit", "cursor"}:
            with pytest.raises(InvalidRequest, match=name):
                filters.from_query({name: ""})

    @pytest.mark.parametrize(
        ("operation", "query"),
        [("compareRuns", {"with": RUN_ID}), ("getExperiment", {}), ("listActs", {}), ("planRerun", {})],
    )
    def test_what_is_shown_to_who_may_reveal_is_said_and_so_is_the_act_that_it_leaves(
        self, world: World, operation: str, query: dict[str, str]
    ) -> None:
        _, started = ask("startExperiment", body='{"repeats": 2}')
        for run_id in [*started["pinned"], *started["candidate"]]:
            world.runs.runs[run_id] = world.run(run_id).evolve(status=Status.CANCELLED, ended_at=clock.now())
        ask("rerun", body='{"overrideParams": {"a": 1}}')
        written = len(world.audit_log.acts)
        reveals = BY_ID[operation].reveals
        assert reveals is not None
        ids = {"experimentId": started["experimentId"]} if operation == "getExperiment" else {}
        assert ask(operation, query=query, body="{}", **ids)[0] == 200
        left = {act.action.value for act in world.audit_log.acts[written:]}
        assert left == ({reveals.audited} if reveals.audited else set())
        path = described()["paths"][BY_ID[operation].full_path][BY_ID[operation].method.lower()]
        audited = {"x-audited": reveals.audited} if reveals.audited else {}
        assert path["x-reveals"] == {"x-grant": "{workspace}/function-runs:reveal", **audited}

    def test_an_example_of_a_refusal_is_one_that_its_operation_may_answer(self) -> None:
        def message(operation_id: str, status: int, error: str) -> str:
            operation = BY_ID[operation_id]
            path = described()["paths"][operation.full_path.replace("+}", "}")][operation.method.lower()]
            example = path["responses"][str(status)]["content"]["application/json"]["examples"][error]
            if "$ref" in example:
                example = described()["components"]["examples"][error]
            return str(example["value"]["message"])

        assert message("getRun", 400, "InvalidRequest") == "dryRun: is not a query parameter of this operation."
        assert message("receiveWebhook", 400, "InvalidRequest").startswith("Idempotency-Key: ")
        assert message("getFunction", 404, "NotFound") == "Function not found."
        assert message("rotateSecret", 404, "NotFound") == "Trigger not found."
        assert message("startExperiment", 404, "NotFound") == "Function not found."
        assert message("registerFunction", 409, "NameTaken").startswith("A function of this name")
        for each in OPERATIONS:
            if each.needs_token:
                assert message(each.id, 403, "Forbidden") == f"The grant acme/{each.access} is required."

    @pytest.mark.parametrize(
        "operation", ["planRerun", "startExperiment", "getExperiment", "compareRuns", "listActs", "getRerunBatch"]
    )
    def test_an_example_of_an_answer_is_one(self, operation: str) -> None:
        [status] = BY_ID[operation].responses
        check_answer(BY_ID[operation].route_key, status.value, BY_ID[operation].answer)

    @pytest.mark.parametrize(("operation", "name"), [("listActs", "by"), ("listRuns", "rerunBy")])
    def test_the_limits_of_a_filter_are_said(self, operation: str, name: str) -> None:
        [parameter] = [each for each in BY_ID[operation].query if each.name == name]
        assert (parameter.schema["minLength"], parameter.schema["maxLength"]) == (1, 512)

    @pytest.mark.parametrize(
        ("schema", "field"),
        [
            ("ExperimentBody", "candidateFunctionId"),
            ("CaptureBody", "triggerId"),
        ],
    )
    def test_an_id_in_a_body_is_said_to_be_one(self, schema: str, field: str) -> None:
        assert described()["components"]["schemas"][schema]["properties"][field]["format"] == "uuid"


class TestRequests:
    @requests
    def test_an_example_is_what_the_reader_takes(self, operation: Operation) -> None:
        assert isinstance(operation.request, type)
        operation.request.read(operation.example)
        validator(f"#/components/schemas/{operation.request.__name__}").validate(operation.example)

    @pytest.mark.parametrize(
        ("schema", "body"),
        [
            ("RerunBody", {"reason": None}),
            ("RerunBody", {"overrides": {}}),
            ("CancelBody", {"why": "x"}),
            (
                "CreateTrigger",
                {"name": "a", "functionId": "b", "executionType": "on-demand", "triggerMetadata": {"at": 1}},
            ),
            ("CreateTrigger", {"name": "a", "functionId": "b", "executionType": "scheduled", "triggerMetadata": {}}),
        ],
    )
    def test_what_the_reader_refuses_is_not_described(self, schema: str, body: dict[str, Any]) -> None:
        assert not validator(f"#/components/schemas/{schema}").is_valid(body)

    def test_what_was_read_may_be_put_back(self, world: World) -> None:
        _, trigger = ask("getTrigger")
        validator("#/components/schemas/ChangeTrigger").validate(trigger)
        validator("#/components/schemas/ChangeFunction").validate(as_shown(a_function()))
        assert ask("changeTrigger", body=json.dumps(trigger))[0] == 200


class TestAnswers:
    def test_each_operation_answers_each_success_as_it_is_described(self, world: World) -> None:
        at = clock.now()
        pending, running = (
            world.has_run(a_run(id=an_id(number), status=status, created_at=at)).id
            for number, status in ((31, "pending"), (32, "running"))
        )
        signed = {"name": "s", "functionId": FUNCTION_ID, "executionType": "http-trigger"}
        _, hook = ask("createTrigger", body=json.dumps(signed | {"triggerMetadata": {"path": "signed"}}))
        version = {"if-match": '"1"'}
        _, started = ask("startExperiment", body="{}")
        every = json.dumps({"filter": {"functionId": FUNCTION_ID}})
        accepted, batch = ask("startRerunBatch", body=every)
        batch_id = batch["batchId"]
        answers = {
            ("createTrigger", 201),
            *(("cancel", ask("cancel", runId=run_id)[0]) for run_id in (pending, running)),
            ("rerun", ask("rerun", body="{}")[0]),
            ("startExperiment", 202),
            ("planRerun", ask("planRerun", body="{}")[0]),
            ("getRun", ask("getRun", query={"include": "parameters,overrides,logs"})[0]),
            ("getRun", ask("getRun")[0]),
            ("listRuns", ask("listRuns")[0]),
            ("getExperiment", ask("getExperiment", experimentId=started["experimentId"])[0]),
            ("compareRuns", ask("compareRuns", query={"with": RUN_ID})[0]),
            ("erase", ask("erase")[0]),
            ("startRerunBatch", accepted),
            ("startRerunBatch", ask("startRerunBatch", body=every.replace("}}", '}, "dryRun": true}'))[0]),
            ("listRerunBatches", ask("listRerunBatches")[0]),
            ("getRerunBatch", ask("getRerunBatch", batchId=batch_id)[0]),
            ("listBatchReruns", ask("listBatchReruns", batchId=batch_id)[0]),
            ("pauseRerunBatch", ask("pauseRerunBatch", batchId=batch_id, body="{}")[0]),
            ("resumeRerunBatch", ask("resumeRerunBatch", batchId=batch_id, body="{}")[0]),
            ("cancelRerunBatch", ask("cancelRerunBatch", batchId=batch_id, body="{}")[0]),
            ("getRerunHistory", ask("getRerunHistory")[0]),
            ("executeTrigger", ask("executeTrigger", body="{}")[0]),
            (
                "registerFunction",
                ask("registerFunction", body=json.dumps({"name": "n", "functionArn": FUNCTION_ARN}))[0],
            ),
            ("listFunctions", ask("listFunctions")[0]),
            ("getFunction", ask("getFunction")[0]),
            ("changeFunction", ask("changeFunction", body='{"name": "m"}', headers=version)[0]),
            ("listTriggers", ask("listTriggers")[0]),
            ("getTrigger", ask("getTrigger")[0]),
            ("changeTrigger", ask("changeTrigger", body='{"name": "m"}', headers=version)[0]),
            ("rotateSecret", ask("rotateSecret", triggerId=hook["id"])[0]),
            ("receiveWebhook", ask("receiveWebhook", body="{}")[0]),
            ("deleteTrigger", ask("deleteTrigger")[0]),
            ("deleteFunction", ask("deleteFunction")[0]),
            ("listErrorGroups", ask("listErrorGroups")[0]),
            ("getErrorGroup", ask("getErrorGroup", query={"include": "frames"})[0]),
            ("changeErrorGroup", ask("changeErrorGroup", body='{"state": "ignored"}', headers=version)[0]),
            ("listActs", ask("listActs")[0]),
            ("getOpenApi", ask("getOpenApi")[0]),
        }
        assert answers == {(each.id, status.value) for each in OPERATIONS for status in each.responses}

    def test_an_answer_that_is_not_described_would_be_noticed(self) -> None:
        route = BY_ID["getFunction"].route_key
        shown = FunctionView.model_validate(a_function()).document()
        check_answer(route, 200, shown)
        with pytest.raises(AssertionError, match="functionArn"):
            check_answer(route, 200, {name: shown[name] for name in shown if name != "functionArn"})
        refusal = described()["components"]["examples"]["PathTaken"]["value"]
        with pytest.raises(AssertionError, match="PATH_TAKEN"):
            check_answer(BY_ID["cancel"].route_key, 409, refusal)
        with pytest.raises(AssertionError, match="is not said to answer 409"):
            check_answer(route, 409, refusal)

    def test_who_meets_a_service_that_is_unavailable_is_told_when_to_try_again(self, world: World) -> None:
        world.cipher.cannot_open = True
        event = http_event(RERUN, {"workspace": OWN, "runId": RUN_ID}, body="{}")
        answer = ROUTES[RERUN].lambda_handler(event, CONTEXT)
        assert answer["statusCode"] == 503
        assert answer["headers"]["Retry-After"] == str(RETRY_AFTER_SECONDS)

    def test_the_description_may_be_kept_for_a_while_and_nothing_else(self, world: World) -> None:
        described_by_us = api_openapi.lambda_handler(http_event("GET /openapi.json", {}), CONTEXT)
        assert described_by_us["headers"]["Cache-Control"] == "public, max-age=300"
        run = ROUTES["GET /function-runs"].lambda_handler(http_event("GET /function-runs", {"workspace": OWN}), CONTEXT)
        assert run["headers"]["Cache-Control"] == "no-store"

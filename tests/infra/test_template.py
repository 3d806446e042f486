"""What the production template promises. The stack is synthesised once; each test reads the same JSON."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk
import cfnlint
import pytest
from aws_cdk import Validations
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks
from pydantic import ValidationError

from infra.settings import Settings
from infra.stack import FunctionRerunStack
from infra.validation import validate

Resource = dict[str, Any]
INVOKABLE = "arn:aws:lambda:eu-west-1:*:function:orders-*"
OWN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:FunctionRerun-*"
DOORS = {"api_rerun", "api_runs", "api_registry", "api_triggers", "execute_runs", "watchdog"}
KEPT = {"Retain", "RetainExceptOnCreate"}

Synthesise = Callable[..., "Stack"]


class Stack:
    """A synthesised template, to be asked in plain words."""

    def __init__(self, template: dict[str, Any]) -> None:
        self.template = template

    def all(self, kind: str) -> dict[str, Resource]:
        """The resources of a type, by logical id."""
        return {name: each for name, each in self.template["Resources"].items() if each["Type"] == kind}

    def one(self, kind: str) -> Resource:
        (only,) = self.all(kind).values()
        return only

    @property
    def doors(self) -> dict[str, Resource]:
        """The Lambdas, by module."""
        functions = self.all("AWS::Lambda::Function").values()
        return {each["Properties"]["Handler"].split(".")[1]: each for each in functions}

    def statements(self, door: str) -> list[dict[str, Any]]:
        """What a door's role says, actions and resources as lists of text."""
        role = self.doors[door]["Properties"]["Role"]["Fn::GetAtt"][0]
        policies = self.all("AWS::IAM::Policy").values()
        documents = [each["Properties"] for each in policies if {"Ref": role} in each["Properties"]["Roles"]]
        return [
            {
                **statement,
                "Action": _listed(statement["Action"]),
                "Resource": [_text(each) for each in _listed(statement["Resource"])],
            }
            for document in documents
            for statement in document["PolicyDocument"]["Statement"]
        ]

    def actions(self, door: str, *, on: str = "") -> set[str]:
        """What a door may do to resources whose name begins so."""
        return {
            action
            for statement in self.statements(door)
            if statement["Effect"] == "Allow" and any(each.startswith(on) for each in statement["Resource"])
            for action in statement["Action"]
        }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    """An intrinsic function as one would write it in a Sub."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, "Arn"]}:
            return str(name)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_text, parts))
        case _:
            raise AssertionError(value)


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Synthesise:
    layer = tmp_path_factory.mktemp("layer")
    (layer / "dependency.py").touch()

    def synthesised(**context: Any) -> Stack:
        app = aws_cdk.App(context=context, outdir=str(tmp_path_factory.mktemp("cdk.out")))
        settings = Settings.of(app.node)
        directory: Path | None = None if settings.laptop else layer
        stack = FunctionRerunStack(app, "FunctionRerun", settings=settings, layer_directory=directory)
        return Stack(dict(Template.from_stack(stack).to_json()))

    return synthesised


@pytest.fixture(scope="session")
def stack(synthesise: Synthesise) -> Stack:
    return synthesise(invokableFunctions={"acme": [INVOKABLE]})


CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-4000-8000-000000000001"


@pytest.fixture(scope="session")
def decided(synthesise: Synthesise) -> Stack:
    """The stack of a team that has decided everything for itself."""
    return synthesise(
        invokableFunctions={"*": [INVOKABLE], "acme": [INVOKABLE]},
        issuer="https://acme.eu.auth0.com/",
        audience=["https://api.acme.example"],
        domainName="runs.acme.example",
        certificateArn=CERTIFICATE,
        retentionDays=7,
        maxRerunsPerLineage=3,
        logRetentionDays=30,
        apiRequestsPerSecond=5,
    )


@pytest.fixture
def table(stack: Stack) -> Resource:
    return stack.one("AWS::DynamoDB::Table")


def test_the_template_is_clean(stack: Stack) -> None:
    # W3005: the CDK writes a DependsOn where a reference says as much already.
    config = cfnlint.ManualArgs(ignore_checks=["W3005"])
    assert cfnlint.lint(json.dumps(stack.template), config=config) == []


def test_cdk_nag_finds_nothing_that_is_not_answered_for(tmp_path: Path) -> None:
    app = aws_cdk.App(context={"invokableFunctions": {"acme": [INVOKABLE]}}, outdir=str(tmp_path / "out"))
    settings = Settings.of(app.node)
    (tmp_path / "layer").mkdir()
    production = FunctionRerunStack(app, "FunctionRerun", settings=settings, layer_directory=tmp_path / "layer")
    validate(app, production, invokable_patterns=settings.invokable_patterns)
    app.synth()


def test_an_answer_of_cdk_nag_is_still_needed(tmp_path: Path) -> None:
    """What nothing answers for stops the synthesis: the check above could fail."""
    app = aws_cdk.App(outdir=str(tmp_path / "out"))
    (tmp_path / "layer").mkdir()
    production = FunctionRerunStack(app, "FunctionRerun", settings=Settings(), layer_directory=tmp_path / "layer")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    assert production.node.id == "FunctionRerun"
    with pytest.raises(RuntimeError, match="AwsSolutions-IAM5"):
        app.synth()


def test_exactly_what_callers_need_is_told(stack: Stack) -> None:
    identity = {"UserPoolId", "UserPoolClientId"}
    queues = {"RunQueueUrl", "DeadLetterQueueUrl"}
    assert stack.template["Outputs"].keys() == {"ApiUrl", "TableName", "KeyArn", "LifecycleBusName"} | queues | identity


class TestStorage:
    def test_the_table_can_be_restored_to_any_second(self, table: Resource) -> None:
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}

    def test_runs_expire(self, table: Resource) -> None:
        assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}

    def test_the_table_is_paid_on_demand(self, table: Resource) -> None:
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"

    def test_the_table_has_the_keys_of_its_items(self, table: Resource) -> None:
        assert _keys(table["Properties"]) == ("pk", "sk")

    def test_all_indexes_exist_from_the_first_template(self, table: Resource) -> None:
        indexes = {
            index["IndexName"]: (*_keys(index), index["Projection"])
            for index in table["Properties"]["GlobalSecondaryIndexes"]
        }
        assert indexes == {
            "byWorkspace": (
                "byWorkspace",
                "position",
                {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["functionId", "triggerId"]},
            ),
            "byFunction": ("byFunction", "position", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["triggerId"]}),
            "attention": ("attention", "attentionAt", {"ProjectionType": "KEYS_ONLY"}),
        }

    def test_every_key_is_text(self, table: Resource) -> None:
        definitions = table["Properties"]["AttributeDefinitions"]
        assert {each["AttributeType"] for each in definitions} == {"S"}

    def test_the_table_and_the_users_cannot_be_deleted_by_mistake(self, stack: Stack, table: Resource) -> None:
        assert table["Properties"]["DeletionProtectionEnabled"] is True
        assert stack.one("AWS::Cognito::UserPool")["Properties"]["DeletionProtection"] == "ACTIVE"

    @pytest.mark.parametrize(
        "kind", ["AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Cognito::UserPool", "AWS::Logs::LogGroup"]
    )
    def test_what_cannot_be_made_again_outlives_the_stack(self, stack: Stack, kind: str) -> None:
        for resource in stack.all(kind).values():
            assert resource["DeletionPolicy"] in KEPT
            assert resource["UpdateReplacePolicy"] in KEPT

    def test_the_key_rotates(self, stack: Stack) -> None:
        assert stack.one("AWS::KMS::Key")["Properties"]["EnableKeyRotation"] is True


def _keys(schema: dict[str, Any]) -> tuple[str, str]:
    by_type = {key["KeyType"]: key["AttributeName"] for key in schema["KeySchema"]}
    return by_type["HASH"], by_type["RANGE"]


class TestMessaging:
    @pytest.fixture
    def run_queue(self, stack: Stack) -> Resource:
        queues = stack.all("AWS::SQS::Queue").values()
        (queue,) = (each for each in queues if "RedrivePolicy" in each["Properties"])
        return queue

    def test_what_cannot_be_processed_is_set_aside(self, stack: Stack, run_queue: Resource) -> None:
        policy = run_queue["Properties"]["RedrivePolicy"]
        assert policy["maxReceiveCount"] == 5
        assert _text(policy["deadLetterTargetArn"]) in stack.all("AWS::SQS::Queue")

    def test_a_message_is_not_delivered_again_while_its_executor_may_work(
        self, stack: Stack, run_queue: Resource
    ) -> None:
        executor = stack.doors["execute_runs"]["Properties"]
        assert run_queue["Properties"]["VisibilityTimeout"] >= executor["Timeout"] == 900

    def test_one_bad_message_does_not_repeat_the_nine_good_ones(self, stack: Stack) -> None:
        mapping = stack.one("AWS::Lambda::EventSourceMapping")["Properties"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BatchSize"] == 10

    def test_queues_take_encrypted_connections_only(self, stack: Stack) -> None:
        guarded = [each["Properties"] for each in stack.all("AWS::SQS::QueuePolicy").values()]
        assert {_text(queue) for each in guarded for queue in each["Queues"]} == {
            f"${{{queue}}}" for queue in stack.all("AWS::SQS::Queue")
        }
        for each in guarded:
            (statement,) = each["PolicyDocument"]["Statement"]
            assert statement["Effect"] == "Deny"
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_lifecycle_events_have_a_bus_of_their_own_without_rules(self, stack: Stack) -> None:
        assert stack.one("AWS::Events::EventBus")["Properties"]["Name"] == "FunctionRerun-lifecycle"
        assert all("EventBusName" not in each["Properties"] for each in stack.all("AWS::Events::Rule").values())

    def test_the_watchdog_looks_every_minute(self, stack: Stack) -> None:
        rule = stack.one("AWS::Events::Rule")["Properties"]
        assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
        assert [_text(target["Arn"]) for target in rule["Targets"]] == [_name_of(stack, "watchdog")]
        assert stack.doors["watchdog"]["Properties"]["Timeout"] < 60


def _name_of(stack: Stack, door: str) -> str:
    """The logical id of a door's Lambda."""
    (name,) = (name for name, each in stack.all("AWS::Lambda::Function").items() if each is stack.doors[door])
    return name


class TestDoors:
    def test_every_door_has_its_lambda(self, stack: Stack) -> None:
        assert stack.doors.keys() == DOORS
        for module, door in stack.doors.items():
            assert door["Properties"]["Handler"] == f"handlers.{module}.lambda_handler"
            assert door["Properties"]["FunctionName"] == f"FunctionRerun-{module.replace('_', '-')}"

    def test_doors_run_python_3_13_on_arm_and_are_traced(self, stack: Stack) -> None:
        for door in stack.doors.values():
            assert door["Properties"]["Runtime"] == "python3.13"
            assert door["Properties"]["Architectures"] == ["arm64"]
            assert door["Properties"]["TracingConfig"] == {"Mode": "Active"}
            assert len(door["Properties"]["Layers"]) == 1

    def test_an_api_call_ends_before_api_gateway_gives_up(self, stack: Stack) -> None:
        for module in DOORS - {"execute_runs", "watchdog"}:
            assert stack.doors[module]["Properties"]["Timeout"] < 30

    def test_only_the_executor_may_send_to_the_queue_that_calls_it(self, stack: Stack) -> None:
        loops = {module: door["Properties"].get("RecursiveLoop") for module, door in stack.doors.items()}
        assert loops == {**dict.fromkeys(DOORS), "execute_runs": "Allow"}

    def test_no_log_is_kept_forever(self, stack: Stack) -> None:
        groups = stack.all("AWS::Logs::LogGroup")
        assert len(groups) == len(DOORS) + 1
        assert {each["Properties"]["RetentionInDays"] for each in groups.values()} == {90}

    def test_every_door_writes_to_a_log_group_of_its_own(self, stack: Stack) -> None:
        groups = {_text(door["Properties"]["LoggingConfig"]["LogGroup"])[2:-1] for door in stack.doors.values()}
        assert len(groups) == len(DOORS)
        assert groups < stack.all("AWS::Logs::LogGroup").keys()

    def test_the_registry_and_the_executor_know_what_may_be_invoked(self, stack: Stack) -> None:
        variables = {module: door["Properties"]["Environment"]["Variables"] for module, door in stack.doors.items()}
        told = {module for module, each in variables.items() if "RERUN_INVOKABLE_FUNCTIONS" in each}
        assert told == {"api_registry", "execute_runs"}
        registry = variables["api_registry"]
        assert json.loads(registry["RERUN_INVOKABLE_FUNCTIONS"]) == {"acme": [INVOKABLE]}
        assert _text(registry["RERUN_OWN_FUNCTIONS"]) == OWN

    def test_the_doors_are_told_what_the_context_decided(self, decided: Stack) -> None:
        for door in decided.doors.values():
            variables = door["Properties"]["Environment"]["Variables"]
            assert (variables["RERUN_RETENTION_DAYS"], variables["RERUN_MAX_RERUNS_PER_LINEAGE"]) == ("7", "3")
        groups = decided.all("AWS::Logs::LogGroup").values()
        assert {each["Properties"]["RetentionInDays"] for each in groups} == {30}

    def test_an_operator_is_woken_for_dead_letters_and_failing_workers(self, stack: Stack) -> None:
        alarms = [each["Properties"] for each in stack.all("AWS::CloudWatch::Alarm").values()]
        assert sorted(each["MetricName"] for each in alarms) == [
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
            "Errors",
            "Errors",
        ]


class TestGrants:
    def test_every_door_has_a_role_of_its_own(self, stack: Stack) -> None:
        roles = {_text(door["Properties"]["Role"]) for door in stack.doors.values()}
        assert roles == stack.all("AWS::IAM::Role").keys()
        assert len(roles) == len(DOORS)

    def test_a_role_is_lambda_s_only_and_says_all_that_it_may_do(self, stack: Stack) -> None:
        for role in stack.all("AWS::IAM::Role").values():
            (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
            assert "ManagedPolicyArns" not in role["Properties"]

    def test_nothing_is_granted_on_everything_but_tracing(self, stack: Stack) -> None:
        for door in DOORS:
            tracing = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
            assert stack.actions(door, on="*") == tracing

    def test_no_action_is_granted_by_a_wildcard(self, stack: Stack) -> None:
        assert not [action for door in DOORS for action in stack.actions(door) if "*" in action]

    def test_what_reads_runs_can_write_none(self, stack: Stack) -> None:
        own_log_and_traces = {
            *("logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords")
        }
        reading = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "kms:Decrypt"}
        assert stack.actions("api_runs") - own_log_and_traces <= reading

    def test_only_the_executor_invokes_functions(self, stack: Stack) -> None:
        assert {door for door in DOORS if "lambda:InvokeFunction" in stack.actions(door)} == {"execute_runs"}

    def test_an_invocation_is_granted_on_each_pattern_and_on_its_versions(self, stack: Stack) -> None:
        granted = [
            statement["Resource"]
            for statement in stack.statements("execute_runs")
            if statement["Effect"] == "Allow" and "lambda:InvokeFunction" in statement["Action"]
        ]
        assert granted == [[INVOKABLE, f"{INVOKABLE}:*"]]

    def test_the_executor_is_denied_the_stack_s_own_functions(self, stack: Stack) -> None:
        denied = [each for each in stack.statements("execute_runs") if each["Effect"] == "Deny"]
        assert denied == [{"Effect": "Deny", "Action": ["lambda:*"], "Resource": [OWN, f"{OWN}:*"]}]

    def test_the_denial_covers_every_function_of_the_stack(self, stack: Stack) -> None:
        prefix = OWN.rpartition(":")[2].removesuffix("*")
        assert all(each["Properties"]["FunctionName"].startswith(prefix) for each in stack.doors.values())

    def test_without_patterns_nothing_can_be_invoked(self, synthesise: Synthesise) -> None:
        bare = synthesise()
        actions = {action for door in DOORS for action in bare.actions(door)}
        assert not [action for action in actions if action.startswith("lambda:")]

    def test_everybody_s_pattern_is_granted_like_any_other(self, decided: Stack) -> None:
        assert "lambda:InvokeFunction" in decided.actions("execute_runs", on=INVOKABLE)

    def test_only_those_who_seal_may_make_data_keys(self, stack: Stack) -> None:
        assert {door for door in DOORS if "kms:GenerateDataKey" in stack.actions(door)} == DOORS - {"api_runs"}


class TestApi:
    def test_there_are_the_routes_of_the_contract_and_of_the_design(self, stack: Stack) -> None:
        routes = {each["Properties"]["RouteKey"] for each in stack.all("AWS::ApiGatewayV2::Route").values()}
        base = "/workspace/{workspace}/api/v1"
        assert {
            f"POST {base}/function-runs/{{runId}}/rerun",
            f"GET {base}/function-runs/{{runId}}/rerun-history",
            f"GET {base}/function-runs/{{runId}}",
            f"POST {base}/compute-functions",
            f"GET {base}/compute-functions/{{functionId}}",
            f"DELETE {base}/compute-functions/{{functionId}}",
            f"POST {base}/function-triggers",
            f"GET {base}/function-triggers/{{triggerId}}",
            f"DELETE {base}/function-triggers/{{triggerId}}",
            f"POST {base}/function-triggers/{{triggerId}}/execute",
        } <= routes

    def test_nobody_passes_without_a_token(self, stack: Stack) -> None:
        (authorizer,) = stack.all("AWS::ApiGatewayV2::Authorizer")
        for route in stack.all("AWS::ApiGatewayV2::Route").values():
            assert route["Properties"]["AuthorizationType"] == "JWT"
            assert route["Properties"]["AuthorizerId"] == {"Ref": authorizer}

    def test_tokens_are_those_of_the_stack_s_own_users(self, stack: Stack) -> None:
        (pool,) = stack.all("AWS::Cognito::UserPool")
        (client,) = stack.all("AWS::Cognito::UserPoolClient")
        trusted = stack.one("AWS::ApiGatewayV2::Authorizer")["Properties"]["JwtConfiguration"]
        assert _text(trusted["Issuer"]) == f"https://cognito-idp.${{AWS::Region}}.amazonaws.com/${{{pool}}}"
        assert [_text(each) for each in trusted["Audience"]] == [f"${{{client}}}"]

    def test_nobody_signs_himself_up(self, stack: Stack) -> None:
        pool = stack.one("AWS::Cognito::UserPool")["Properties"]
        assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}

    def test_tokens_may_be_another_issuer_s(self, decided: Stack) -> None:
        trusted = decided.one("AWS::ApiGatewayV2::Authorizer")["Properties"]["JwtConfiguration"]
        assert trusted == {"Issuer": "https://acme.eu.auth0.com/", "Audience": ["https://api.acme.example"]}

    def test_callers_are_throttled(self, stack: Stack, decided: Stack) -> None:
        for each, rate in ((stack, 200), (decided, 5)):
            limits = each.one("AWS::ApiGatewayV2::Stage")["Properties"]["DefaultRouteSettings"]
            assert limits == {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": 2 * rate}

    def test_the_access_log_names_no_token_and_no_path(self, stack: Stack) -> None:
        settings = stack.one("AWS::ApiGatewayV2::Stage")["Properties"]["AccessLogSettings"]
        assert _text(settings["DestinationArn"]) in stack.all("AWS::Logs::LogGroup")
        logged = set(json.loads(settings["Format"]).values())
        assert not [each for each in logged if "header" in each.lower() or "querystring" in each.lower()]

    def test_api_gateway_may_invoke_a_door_for_its_own_routes_only(self, stack: Stack) -> None:
        permissions = [each["Properties"] for each in stack.all("AWS::Lambda::Permission").values()]
        assert {each["Principal"] for each in permissions} == {"apigateway.amazonaws.com", "events.amazonaws.com"}
        assert all("SourceArn" in each for each in permissions)

    def test_a_domain_of_one_s_own_is_a_matter_of_context(self, stack: Stack, decided: Stack) -> None:
        domain = decided.one("AWS::ApiGatewayV2::DomainName")["Properties"]
        assert domain["DomainName"] == "runs.acme.example"
        assert [each["CertificateArn"] for each in domain["DomainNameConfigurations"]] == [CERTIFICATE]
        assert decided.one("AWS::ApiGatewayV2::ApiMapping")["Properties"]["Stage"]
        assert not stack.all("AWS::ApiGatewayV2::DomainName")


class TestSettings:
    @pytest.mark.parametrize(
        "pattern",
        [
            "*",
            "arn:aws:lambda:*",
            "orders-*",
            f"{INVOKABLE}:*",
            f"{INVOKABLE}:live",
            "arn:aws:s3:::bucket",
            "arn:aws:lambda:eu-west-1:acme:function:orders",
            "arn:aws:lambda:eu-west-1:1:function:orders-?",
            f"{INVOKABLE}\n",
            "",
        ],
    )
    def test_what_is_no_pattern_of_functions_is_refused(self, pattern: str) -> None:
        with pytest.raises(ValidationError, match="is no ARN pattern"):
            Settings.model_validate({"invokableFunctions": {"acme": [pattern]}})

    @pytest.mark.parametrize("workspace", ["", "Acme", "acme/x", "-acme", "a" * 64, "acme*", "**"])
    def test_what_is_no_workspace_is_refused(self, workspace: str) -> None:
        with pytest.raises(ValidationError, match="is no workspace"):
            Settings.model_validate({"invokableFunctions": {workspace: [INVOKABLE]}})

    @pytest.mark.parametrize(
        "invokable",
        [
            {"acme": ["arn:aws:lambda:*:*:function:*"]},
            {"*": [INVOKABLE]},
            {"a": ["arn:aws-cn:lambda:cn-north-1:123456789012:function:f"]},
            {},
        ],
    )
    def test_a_pattern_may_be_as_wide_as_the_team_wants(self, invokable: dict[str, list[str]]) -> None:
        assert Settings.model_validate({"invokableFunctions": invokable}).invokable_functions == invokable

    def test_a_bad_pattern_stops_the_synthesis(self, synthesise: Synthesise) -> None:
        with pytest.raises(ValidationError, match="invokableFunctions"):
            synthesise(invokableFunctions={"acme": ["*"]})

    def test_a_log_retention_that_cloudwatch_does_not_know_stops_it_too(self, synthesise: Synthesise) -> None:
        with pytest.raises(ValueError, match="logRetentionDays must be one of"):
            synthesise(logRetentionDays=2)

    @pytest.mark.parametrize(
        "half",
        [
            pytest.param({"domainName": "runs.acme.example"}, id="a-domain-without-certificate"),
            pytest.param(
                {"certificateArn": "arn:aws:acm:eu-west-1:1:certificate/x"}, id="a-certificate-without-domain"
            ),
            pytest.param({"issuer": "https://acme.eu.auth0.com/"}, id="an-issuer-without-audience"),
        ],
    )
    def test_half_a_setting_is_refused_and_not_forgotten(self, half: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Settings.model_validate(half)


class TestLaptop:
    def test_the_laptop_s_stack_differs_only_in_what_hurts_on_a_laptop(
        self, stack: Stack, synthesise: Synthesise
    ) -> None:
        laptop = synthesise(laptop=True, invokableFunctions={"acme": [INVOKABLE]})
        assert laptop.template["Outputs"].keys() == stack.template["Outputs"].keys()
        assert _kinds(stack) - _kinds(laptop) == {"AWS::Lambda::LayerVersion", "AWS::SQS::QueuePolicy"}
        assert _kinds(laptop) <= _kinds(stack)
        for door in DOORS:
            assert laptop.statements(door) == stack.statements(door)
        assert {each.get("DeletionPolicy", "Delete") for each in _resources(laptop)} == {"Delete"}


def _kinds(stack: Stack) -> set[str]:
    return {each["Type"] for each in _resources(stack)}


def _resources(stack: Stack) -> Iterator[Resource]:
    yield from stack.template["Resources"].values()

"""What the Lambdas of the production template are, and what each may do."""

import json
import sys
from typing import Any

import pytest

from handlers.settings import OPTIONAL, Settings, variable
from handlers.telemetry import SERVICE, Metric, count
from tests.infra.template import API_FUNCTIONS, FUNCTIONS, INVOKABLE, OWN, WORKERS, Stack, Synthesise, reads, text


class TestFunctions:
    def test_every_function_has_its_lambda(self, stack: Stack) -> None:
        assert stack.functions.keys() == FUNCTIONS
        for module, function in stack.functions.items():
            assert function["Properties"]["Handler"] == f"handlers.{module}.lambda_handler"
            assert function["Properties"]["FunctionName"] == f"FunctionRerun-{module.replace('_', '-')}"

    def test_functions_run_the_builder_s_python_on_arm_and_are_traced(self, stack: Stack) -> None:
        runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
        assert stack.one("AWS::Lambda::LayerVersion")["Properties"]["CompatibleRuntimes"] == [runtime]
        for function in stack.functions.values():
            assert function["Properties"]["Runtime"] == runtime
            assert function["Properties"]["Architectures"] == ["arm64"]
            assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}
            assert len(function["Properties"]["Layers"]) == 1

    def test_an_api_call_ends_before_api_gateway_gives_up(self, stack: Stack) -> None:
        for module in API_FUNCTIONS:
            assert stack.functions[module]["Properties"]["Timeout"] < 30

    def test_only_who_starts_runs_again_may_be_part_of_a_loop(self, stack: Stack) -> None:
        loops = {module: function["Properties"].get("RecursiveLoop") for module, function in stack.functions.items()}
        assert loops == {**dict.fromkeys(FUNCTIONS), "execute_runs": "Allow", "on_run_failed": "Allow"}

    def test_no_log_is_kept_forever(self, stack: Stack) -> None:
        groups = stack.all("AWS::Logs::LogGroup")
        # Of the API and of the state machine, too.
        assert len(groups) == len(FUNCTIONS) + 2
        assert {each["Properties"]["RetentionInDays"] for each in groups.values()} == {90}

    def test_every_function_writes_to_a_log_group_of_its_own(self, stack: Stack) -> None:
        groups = {
            text(function["Properties"]["LoggingConfig"]["LogGroup"])[2:-1] for function in stack.functions.values()
        }
        assert len(groups) == len(FUNCTIONS)
        assert groups < stack.all("AWS::Logs::LogGroup").keys()

    def test_who_starts_or_executes_runs_knows_what_may_be_invoked(self, stack: Stack) -> None:
        given = {function for function in FUNCTIONS if "RERUN_INVOKABLE_FUNCTIONS" in stack.variables(function)}
        assert given == {
            *("api_registry", "api_rerun", "api_rerun_plan", "api_experiments", "api_triggers"),
            *("on_run_failed", "execute_runs", "capture_failures", "run_batches", "api_batches"),
        }
        for function in given:
            assert json.loads(stack.variables(function)["RERUN_INVOKABLE_FUNCTIONS"]) == {"acme": [INVOKABLE]}
            assert text(stack.variables(function)["RERUN_OWN_FUNCTIONS"]) == OWN

    def test_each_function_is_given_what_it_reads_and_nothing_else(self, stack: Stack, optional: Stack) -> None:
        # The client of the stack's own user pool is always known.
        for each, left_out in ((stack, OPTIONAL - {"client_id"}), (optional, frozenset[str]())):
            for function in each.functions:
                given = {name for name in each.variables(function) if name.startswith("RERUN_")}
                assert given == {variable(name) for name in reads(function) if name not in left_out}, function

    def test_every_setting_is_read_by_some_function(self, optional: Stack) -> None:
        read = {name for function in optional.functions for name in reads(function)}
        assert read == Settings.model_fields.keys()

    def test_functions_are_given_what_the_context_decides(self, decided: Stack) -> None:
        for function, name, value in (
            ("api_rerun", "RERUN_RETENTION_DAYS", "7"),
            ("capture_failures", "RERUN_RETENTION_DAYS", "7"),
            ("api_audit", "RERUN_AUDIT_RETENTION_DAYS", "8"),
            ("api_rerun", "RERUN_MAX_RERUNS_PER_LINEAGE", "3"),
        ):
            assert decided.variables(function)[name] == value
        groups = decided.all("AWS::Logs::LogGroup").values()
        assert {each["Properties"]["RetentionInDays"] for each in groups} == {30}

    def test_an_operator_is_woken_for_dead_letters_and_failing_workers(self, stack: Stack) -> None:
        alarms = [each["Properties"] for each in stack.all("AWS::CloudWatch::Alarm").values()]
        assert sorted(each["MetricName"] for each in alarms) == [
            "ApproximateAgeOfOldestMessage",
            *["ApproximateNumberOfMessagesNotVisible"] * 2,
            *["ApproximateNumberOfMessagesVisible"] * 2,
            "AsyncEventsDropped",
            "BatchesStopped",
            *["Errors"] * len(WORKERS),
            "EventsLost",
            "PermanentFaults",
        ]

    @pytest.mark.parametrize("function", sorted(WORKERS))
    def test_an_operator_is_woken_for_each_worker_by_its_name(self, stack: Stack, function: str) -> None:
        alarms = [each["Properties"] for each in stack.all("AWS::CloudWatch::Alarm").values()]
        watched = [each["Dimensions"] for each in alarms if each["MetricName"] == "Errors"]
        assert [{"Name": "FunctionName", "Value": {"Ref": stack.name_of(function)}}] in watched

    def test_an_operator_is_woken_for_events_that_start_no_run(self, stack: Stack) -> None:
        alarms = [each["Properties"] for each in stack.all("AWS::CloudWatch::Alarm").values()]
        (alarm,) = (each for each in alarms if each["MetricName"] == "AsyncEventsDropped")
        assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("AWS/Lambda", "Sum", 1)
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": stack.name_of("on_event")}}]

    def test_an_operator_is_woken_for_what_aws_refuses_for_good_in_any_lambda(self, stack: Stack) -> None:
        alarms = [each["Properties"] for each in stack.all("AWS::CloudWatch::Alarm").values()]
        (alarm,) = (each for each in alarms if each["MetricName"] == Metric.PERMANENT_FAULTS)
        assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("FunctionRerun", "Sum", 1)
        assert alarm["Dimensions"] == [{"Name": "service", "Value": SERVICE}]

    def test_an_operator_is_woken_by_the_very_metric_that_counts_lost_events(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        alarms = [each["Properties"] for each in stack.all("AWS::CloudWatch::Alarm").values()]
        (alarm,) = (each for each in alarms if each["MetricName"] == "EventsLost")
        for name, value in stack.variables("on_event").items():
            if name.startswith("POWERTOOLS_"):
                monkeypatch.setenv(name, value)
        count(Metric.EVENTS_LOST)
        written = json.loads(capsys.readouterr().out)
        (directive,) = written["_aws"]["CloudWatchMetrics"]
        assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == (directive["Namespace"], "Sum", 1)
        assert [each["Name"] for each in alarm["Dimensions"]] == directive["Dimensions"][0]
        assert all(written[each["Name"]] == each["Value"] for each in alarm["Dimensions"])

    def test_the_alarms_for_dead_letters_are_for_the_dead_letter_queues(self, stack: Stack) -> None:
        alarms = [each["Properties"] for each in stack.all("AWS::CloudWatch::Alarm").values()]
        visible = [each for each in alarms if each["MetricName"].startswith("ApproximateNumberOfMessages")]
        watched = {text(each["Dimensions"][0]["Value"]["Fn::GetAtt"][0]) for each in visible}
        queues = stack.all("AWS::SQS::Queue").items()
        assert watched == {name for name, each in queues if "RedrivePolicy" not in each["Properties"]}

    def test_alarms_go_where_the_team_says(self, stack: Stack, decided: Stack) -> None:
        def actions(of: Stack) -> list[Any]:
            return [each["Properties"].get("AlarmActions") for each in of.all("AWS::CloudWatch::Alarm").values()]

        assert actions(decided) == [["arn:aws:sns:eu-west-1:123456789012:on-call"]] * len(actions(decided))
        assert actions(stack) == [None] * len(actions(decided))


class TestGrants:
    def test_every_function_has_a_role_of_its_own(self, stack: Stack) -> None:
        roles = {text(function["Properties"]["Role"]) for function in stack.functions.values()}
        assert roles < stack.all("AWS::IAM::Role").keys()
        # The scheduler and the state machine have one, too.
        assert len(roles) == len(FUNCTIONS) == len(stack.all("AWS::IAM::Role")) - 2

    def test_a_role_is_lambda_s_only_and_says_all_that_it_may_do(self, stack: Stack) -> None:
        for name, role in stack.all("AWS::IAM::Role").items():
            if "SchedulerRole" in name or "BatchesRole" in name:
                continue
            (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
            assert "ManagedPolicyArns" not in role["Properties"]

    def test_nothing_is_granted_on_everything_but_tracing(self, stack: Stack) -> None:
        for function in FUNCTIONS:
            tracing = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
            pure = {"events:TestEventPattern"} if function == "api_registry" else set()
            assert stack.actions(function, on="*") == tracing | pure

    def test_no_action_is_granted_by_a_wildcard(self, stack: Stack) -> None:
        assert not [action for function in FUNCTIONS for action in stack.actions(function) if "*" in action]

    def test_what_reads_runs_can_write_acts_alone(self, stack: Stack) -> None:
        own_log_and_traces = {
            *("logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords")
        }
        reading = {
            *("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
            *("kms:Decrypt", "s3:GetObject", "s3:ListBucket"),
        }
        writing = {"dynamodb:PutItem"}
        assert stack.actions("api_runs") - own_log_and_traces <= reading | writing
        for function in ("api_runs", "api_compare", "api_audit"):
            [put] = [each for each in stack.statements(function) if writing & {*each["Action"]}]
            assert put["Condition"] == {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "AUDIT#*"},
                "Null": {"dynamodb:LeadingKeys": "false"},
            }

    def test_what_writes_an_act_with_a_run_is_not_bound_to_the_keys_of_acts(self, stack: Stack) -> None:
        for function in ("api_cancel", "api_erase", "api_rerun", "api_experiments", "api_error_groups"):
            puts = [each for each in stack.statements(function) if "dynamodb:PutItem" in each["Action"]]
            assert puts
            assert not [each["Condition"] for each in puts if "Condition" in each]

    def test_only_the_executor_invokes_functions(self, stack: Stack) -> None:
        assert {function for function in FUNCTIONS if "lambda:InvokeFunction" in stack.actions(function)} == {
            "execute_runs"
        }

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
        assert all(each["Properties"]["FunctionName"].startswith(prefix) for each in stack.functions.values())

    def test_without_patterns_nothing_can_be_invoked(self, synthesise: Synthesise) -> None:
        bare = synthesise()
        actions = {action for function in FUNCTIONS for action in bare.actions(function)}
        assert not [action for action in actions if action.startswith("lambda:")]

    def test_everybody_s_pattern_is_granted_like_any_other(self, decided: Stack) -> None:
        assert "lambda:InvokeFunction" in decided.actions("execute_runs", on=INVOKABLE)

    def test_who_may_seal_and_open_what(self, stack: Stack) -> None:
        """Who starts runs cannot read what came of any, and who executes them cannot read what came of others."""
        may = {
            (key.partition("Storage")[2][:-8], action.removeprefix("kms:")): {
                each for each in FUNCTIONS if action in stack.actions(each, on=key)
            }
            for key in stack.all("AWS::KMS::Key")
            for action in ("kms:Decrypt", "kms:GenerateDataKey")
        }
        starters = {
            *("api_rerun", "api_experiments", "api_triggers", "api_webhooks", "api_registry"),
            *("on_event", "on_run_failed", "run_batches", "api_batches"),
        }
        assert may == {
            ("InputKey", "Decrypt"): {
                *starters,
                "execute_runs",
                "api_runs",
                "api_audit",
                "api_rerun_plan",
                "api_compare",
                "capture_failures",  # secrets of the installation only
            },
            # A plan seals the token that it answers with.
            ("InputKey", "GenerateDataKey"): {*starters, "execute_runs", "capture_failures", "api_rerun_plan"},
            ("OutcomeKey", "Decrypt"): {"api_runs", "api_compare", "api_error_groups"},
            ("OutcomeKey", "GenerateDataKey"): {"execute_runs", "on_event", "capture_failures", "watchdog"},
        }

"""How runs, events and the watchdog's minutes travel."""

import pytest

from handlers.domain.error_groups.lifecycle import detail
from tests.builders import a_group, a_run
from tests.infra.template import Resource, Stack, Synthesise, text

ERROR_TOPIC = "arn:aws:sns:eu-west-1:123456789012:errors"


def rules_on(stack: Stack, bus: str) -> list[Resource]:
    rules = [each["Properties"] for each in stack.all("AWS::Events::Rule").values()]
    return [each for each in rules if "EventBusName" in each and text(each["EventBusName"]) == f"${{{bus}}}"]


class TestMessaging:
    @pytest.fixture
    def run_queue(self, stack: Stack) -> Resource:
        queues = stack.all("AWS::SQS::Queue").values()
        (queue,) = (each for each in queues if each["Properties"].get("VisibilityTimeout") == 960)
        return queue

    def test_what_cannot_be_processed_is_set_aside(self, stack: Stack, run_queue: Resource) -> None:
        policy = run_queue["Properties"]["RedrivePolicy"]
        assert policy["maxReceiveCount"] == 5
        assert text(policy["deadLetterTargetArn"]) in stack.all("AWS::SQS::Queue")

    def test_a_message_is_not_delivered_again_while_its_executor_may_work(
        self, stack: Stack, run_queue: Resource
    ) -> None:
        execution_deps = stack.functions["execute_runs"]["Properties"]
        assert run_queue["Properties"]["VisibilityTimeout"] >= execution_deps["Timeout"] == 900

    def test_a_bad_message_repeats_no_good_one_and_slows_no_other_down(self, stack: Stack) -> None:
        mappings = [each["Properties"] for each in stack.all("AWS::Lambda::EventSourceMapping").values()]
        assert sorted(mapping["BatchSize"] for mapping in mappings) == [1, 10]
        for mapping in mappings:
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]

    def test_what_waits_in_a_queue_is_encrypted_and_kept_for_two_weeks(self, stack: Stack) -> None:
        for queue in stack.all("AWS::SQS::Queue").values():
            assert queue["Properties"]["SqsManagedSseEnabled"] is True
            assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600

    def test_queues_take_encrypted_connections_only(self, stack: Stack) -> None:
        guarded = [each["Properties"] for each in stack.all("AWS::SQS::QueuePolicy").values()]
        assert {text(queue) for each in guarded for queue in each["Queues"]} == {
            f"${{{queue}}}" for queue in stack.all("AWS::SQS::Queue")
        }
        for each in guarded:
            (denied,) = (each for each in each["PolicyDocument"]["Statement"] if each["Effect"] == "Deny")
            assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_lifecycle_events_have_a_bus_of_their_own_without_rules_of_tenants(self, stack: Stack) -> None:
        buses = {each["Properties"]["Name"]: name for name, each in stack.all("AWS::Events::EventBus").items()}
        assert buses.keys() == {"FunctionRerun-lifecycle", "FunctionRerun-triggers"}
        on_it = rules_on(stack, buses["FunctionRerun-lifecycle"])
        assert [text(target["Arn"]) for rule in on_it for target in rule["Targets"]] == [stack.name_of("on_run_failed")]

    def test_a_group_that_is_opened_or_reopened_is_one_line_for_the_topic_of_the_context(self, decided: Stack) -> None:
        buses = {each["Properties"]["Name"]: name for name, each in decided.all("AWS::Events::EventBus").items()}
        on_it = rules_on(decided, buses["FunctionRerun-lifecycle"])
        (rule,) = (rule for rule in on_it if rule["Targets"][0]["Arn"] == ERROR_TOPIC)
        assert rule["EventPattern"] == {
            "source": ["function-rerun"],
            "detail-type": ["Error Group Opened", "Error Group Reopened"],
        }
        (target,) = rule["Targets"]
        assert target["InputTransformer"]["InputTemplate"] == (
            '"<detail-type>: <detail-errorCode> of the function <detail-functionId> in <detail-workspace>, '
            'run <detail-functionRunId>. fnrun errors show <detail-errorGroupId>"'
        )
        named = {path.removeprefix("$.detail.") for path in target["InputTransformer"]["InputPathsMap"].values()}
        assert named - {"$.detail-type"} <= detail(a_group(), a_run()).keys()
        assert not decided.all("AWS::SNS::TopicPolicy"), "it is its owner's"

    def test_only_failures_that_await_a_retry_call_the_function_that_retries(self, stack: Stack) -> None:
        buses = {each["Properties"]["Name"]: name for name, each in stack.all("AWS::Events::EventBus").items()}
        (rule,) = rules_on(stack, buses["FunctionRerun-lifecycle"])
        assert rule["EventPattern"] == {
            "source": ["function-rerun"],
            "detail-type": ["Function Run Failed"],
            "detail": {"awaitsRetry": [True]},
        }

    @pytest.mark.parametrize("executions", [None, 2, 37, 1000])
    def test_as_many_runs_are_executed_at_once_as_the_context_says_and_one_holds_one_place(
        self, synthesise: Synthesise, executions: int | None
    ) -> None:
        stack = synthesise(**({} if executions is None else {"maxConcurrentExecutions": executions}))
        mappings = [each["Properties"] for each in stack.all("AWS::Lambda::EventSourceMapping").values()]
        executing = {"Ref": stack.name_of("execute_runs")}
        (mapping,) = (each for each in mappings if each["FunctionName"] == executing)
        assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (1, {"MaximumConcurrency": executions or 100})
        assert stack.variables("watchdog")["RERUN_MAX_CONCURRENT_EXECUTIONS"] == str(executions or 100)

    @pytest.mark.parametrize("limit", [None, 1, 1000])
    def test_a_limit_of_each_workspace_is_given_to_the_executor_and_costs_nothing_unless_there_is_one(
        self, stack: Stack, synthesise: Synthesise, limit: int | None
    ) -> None:
        name = "RERUN_MAX_CONCURRENT_EXECUTIONS_PER_WORKSPACE"
        if limit is None:
            assert [function for function in stack.functions if name in stack.variables(function)] == []
        else:
            limited = synthesise(maxConcurrentExecutionsPerWorkspace=limit)
            assert limited.variables("execute_runs")[name] == str(limit)
            assert limited.actions("execute_runs") == synthesise().actions("execute_runs")

    def test_the_watchdog_looks_every_minute(self, stack: Stack) -> None:
        rules = [each["Properties"] for each in stack.all("AWS::Events::Rule").values()]
        found = {
            (rule["ScheduleExpression"], text(target["Arn"]))
            for rule in rules
            if "ScheduleExpression" in rule and rule["State"] == "ENABLED"
            for target in rule["Targets"]
        }
        assert ("rate(1 minute)", stack.name_of("watchdog")) in found
        assert ("rate(1 hour)", stack.name_of("housekeeping")) in found
        assert stack.functions["watchdog"]["Properties"]["Timeout"] < 60

"""How runs, events and the watchdog's minutes travel."""

import pytest

from tests.infra.template import Resource, Stack, text


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
        executor = stack.doors["execute_runs"]["Properties"]
        assert run_queue["Properties"]["VisibilityTimeout"] >= executor["Timeout"] == 900

    def test_one_bad_message_does_not_repeat_the_nine_good_ones(self, stack: Stack) -> None:
        mappings = [each["Properties"] for each in stack.all("AWS::Lambda::EventSourceMapping").values()]
        assert len(mappings) == 2
        for mapping in mappings:
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
            assert mapping["BatchSize"] == 10

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

    def test_lifecycle_events_have_a_bus_of_their_own_without_rules(self, stack: Stack) -> None:
        buses = {each["Properties"]["Name"]: name for name, each in stack.all("AWS::Events::EventBus").items()}
        assert buses.keys() == {"FunctionRerun-lifecycle", "FunctionRerun-triggers"}
        rules = [each["Properties"] for each in stack.all("AWS::Events::Rule").values()]
        used = {text(each["EventBusName"]) for each in rules if "EventBusName" in each}
        assert used == {f"${{{buses['FunctionRerun-triggers']}}}"}

    def test_the_watchdog_looks_every_minute(self, stack: Stack) -> None:
        rules = [each["Properties"] for each in stack.all("AWS::Events::Rule").values()]
        (rule,) = (each for each in rules if "ScheduleExpression" in each)
        assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
        assert [text(target["Arn"]) for target in rule["Targets"]] == [stack.name_of("watchdog")]
        assert stack.doors["watchdog"]["Properties"]["Timeout"] < 60

"""Alarms of the stack as a whole. Those of one function are in its description, in `infra/functions/`."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from handlers.telemetry import SERVICE, Metric
from infra.messaging import FailureCapture, Messaging


class Observability(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        messaging: Messaging,
        capture: FailureCapture,
        alarm_topic_arn: str | None,
    ) -> None:
        super().__init__(scope, name)
        self._topic = sns.Topic.from_topic_arn(self, "AlarmTopic", alarm_topic_arn) if alarm_topic_arn else None
        dead_letters = {"DeadLetters": messaging.dead_letters, "CaptureDeadLetters": capture.dead_letters}
        self._watch_queues(messaging.run_queue, dead_letters)
        self.alarm(
            "PermanentFaults",
            self._counted(Metric.PERMANENT_FAULTS),
            threshold=1,
            description="AWS refuses what the service needs, until it is repaired: a grant, a table, a queue, a key",
        )
        self.alarm(
            "EventsLost",
            self._counted(Metric.EVENTS_LOST),
            threshold=1,
            description="An event or a schedule's time can start no run: the log of on_event or on_run_failed says why",
        )
        self.alarm(
            "BatchStopped",
            self._counted(Metric.BATCHES_STOPPED),
            threshold=1,
            description="A batch of re-runs has stopped itself, because too many failed or the same error came again",
        )

    def _watch_queues(self, run_queue: sqs.Queue, dead_letters: dict[str, sqs.Queue]) -> None:
        for alarm, queue in dead_letters.items():
            description = f"Messages that could not be processed lie in the queue {queue.node.id}"
            period = Duration.minutes(1)
            visible = queue.metric_approximate_number_of_messages_visible(period=period)
            self.alarm(alarm, visible, threshold=1, description=description)
            # A message that was received is hidden for a while; the watchdog receives them each minute.
            hidden = queue.metric_approximate_number_of_messages_not_visible(period=period)
            self.alarm(f"{alarm}InFlight", hidden, threshold=1, description=description)
        self.alarm(
            "QueueAge",
            run_queue.metric_approximate_age_of_oldest_message(period=Duration.minutes(5)),
            threshold=Duration.minutes(30).to_seconds(),
            description="Runs wait for longer than half an hour to be executed",
        )

    def _counted(self, metric: Metric) -> cloudwatch.Metric:
        """What the Lambdas of this stack have counted: the names are those that `handlers.telemetry` writes."""
        return cloudwatch.Metric(
            namespace=Stack.of(self).stack_name,
            metric_name=metric,
            dimensions_map={"service": SERVICE},
            statistic="Sum",
            period=Duration.minutes(5),
        )

    def alarm(self, name: str, metric: cloudwatch.Metric, *, threshold: float, description: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        if self._topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self._topic))

"""What an operator wants to be woken for."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from handlers.telemetry import SERVICE, Metric


class Observability(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        run_queue: sqs.Queue,
        dead_letters: dict[str, sqs.Queue],
        workers: list[lambda_.Function],
        on_event: lambda_.Function,
        alarm_topic_arn: str | None,
    ) -> None:
        super().__init__(scope, name)
        self._topic = sns.Topic.from_topic_arn(self, "AlarmTopic", alarm_topic_arn) if alarm_topic_arn else None
        self._watch_queues(run_queue, dead_letters)
        self._watch_events(on_event)
        self._alarm(
            "PermanentFaults",
            self._counted(Metric.PERMANENT_FAULTS),
            threshold=1,
            description="AWS refuses what the service needs, until it is mended: a grant, a table, a queue, a key",
        )
        for worker in workers:
            self._alarm(
                f"{worker.node.id}-errors",
                worker.metric_errors(period=Duration.minutes(5)),
                threshold=1,
                description=f"The worker {worker.node.id} failed",
            )

    def _watch_queues(self, run_queue: sqs.Queue, dead_letters: dict[str, sqs.Queue]) -> None:
        for alarm, queue in dead_letters.items():
            description = f"Messages that could not be processed lie in the queue {queue.node.id}"
            period = Duration.minutes(1)
            visible = queue.metric_approximate_number_of_messages_visible(period=period)
            self._alarm(alarm, visible, threshold=1, description=description)
            # A message that was received is hidden for a while; the watchdog receives them each minute.
            hidden = queue.metric_approximate_number_of_messages_not_visible(period=period)
            self._alarm(f"{alarm}InFlight", hidden, threshold=1, description=description)
        self._alarm(
            "QueueAge",
            run_queue.metric_approximate_age_of_oldest_message(period=Duration.minutes(5)),
            threshold=Duration.minutes(30).to_seconds(),
            description="Runs wait for longer than half an hour to be executed",
        )

    def _watch_events(self, on_event: lambda_.Function) -> None:
        self._alarm(
            "DroppedEvents",
            on_event.metric("AsyncEventsDropped", statistic="Sum", period=Duration.minutes(5)),
            threshold=1,
            description="Schedules or events have started no run: Lambda has given up on them",
        )
        self._alarm(
            "EventsLost",
            self._counted(Metric.EVENTS_LOST),
            threshold=1,
            description="An event or a schedule's time can start no run: the log of on_event or on_run_failed says why",
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

    def _alarm(self, name: str, metric: cloudwatch.Metric, *, threshold: float, description: str) -> None:
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

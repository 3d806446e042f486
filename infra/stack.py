"""The stack: which doors there are, what each may do, and what the outside gets to know."""

from pathlib import Path
from typing import Any

from aws_cdk import ArnFormat, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from handlers.domain.runs.lifecycle import AWAITS_RETRY, EVENT_SOURCE, FAILED
from handlers.settings import METRICS_NAMESPACE
from infra.api import Api
from infra.environment import Environment
from infra.functions import Doors
from infra.grants import grant
from infra.identity import Identity
from infra.lambda_test_events import LambdaTestEvents
from infra.messaging import CAPTURE_BATCH_SIZE, CAPTURE_TIMEOUT, EXECUTOR_TIMEOUT, FailureCapture, Messaging
from infra.observability import Observability
from infra.settings import LOG_RETENTION, Settings
from infra.storage import Storage
from infra.trigger_sources import TriggerSources

API_TIMEOUT = Duration.seconds(29)
# For those that read and merge parameters of megabytes.
LARGE_MEMORY_MB = 1024


class FunctionRerunStack(Stack):
    def __init__(
        self, scope: Construct, name: str, *, settings: Settings, layer_directory: Path | None, **stack: Any
    ) -> None:
        super().__init__(scope, name, **stack)
        self.settings = settings
        production = not settings.local
        # A first deployment that fails leaves nothing behind; what ever held data stays.
        removal_policy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if production else RemovalPolicy.DESTROY
        log_retention = LOG_RETENTION[settings.log_retention_days]
        self.storage = Storage(
            self,
            "Storage",
            removal_policy=removal_policy,
            production=production,
            deletion_protection=settings.deletion_protection,
        )
        self.messaging = Messaging(self, "Messaging", production=production)
        self.sources = TriggerSources(self, "TriggerSources")
        trusted_bus = self.sources.bus if settings.trust_trigger_bus_senders else None
        self.capture = FailureCapture(self, "FailureCapture", trusted_bus=trusted_bus, production=production)
        self._check_buses()
        self.identity = Identity(self, "Identity", settings=settings, removal_policy=removal_policy)
        self.functions = Doors(
            self,
            "Doors",
            layer_directory=layer_directory,
            log_retention=log_retention,
            removal_policy=removal_policy,
            environment={METRICS_NAMESPACE: self.stack_name},
        )
        self._environment = Environment(self)
        self._add_functions_for_events()
        self._add_functions_for_requests()
        self._add_workers()
        self._add_functions_by_context()
        grant(self)
        self._connect()
        self.api = Api(
            self,
            "Api",
            routes=self._routes(),
            webhooks=self.api_webhooks,
            identity=self.identity,
            settings=settings,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        self._add_alarms()
        if settings.shareable_test_events and production:
            LambdaTestEvents(self, "TestEvents", functions=[*self._doors, *self._by_context])
        self._add_outputs()

    def _add_alarms(self) -> None:
        Observability(
            self,
            "Observability",
            run_queue=self.messaging.run_queue,
            dead_letters={"DeadLetters": self.messaging.dead_letters, "CaptureDeadLetters": self.capture.dead_letters},
            workers=[
                *(self.execute_runs, self.watchdog, self.housekeeping),
                *(self.on_event, self.on_run_failed, self.capture_failures),
                *self._by_context,
            ],
            on_event=self.on_event,
            alarm_topic_arn=self.settings.alarm_topic_arn,
        )

    def _check_buses(self) -> None:
        lifecycle = self.messaging.lifecycle_bus_name
        if lifecycle in self.settings.listened_buses:
            raise ValueError(f"otherBuses: triggers that listen to {lifecycle} would start themselves for ever")
        if self.sources.bus_name in self.settings.listened_buses:
            # As another bus it would be listened to whole: without the condition that keeps tenants apart on it.
            raise ValueError(f"otherBuses: {self.sources.bus_name} is every workspace's already, for its own events")

    @property
    def own_functions(self) -> str:
        """The pattern of this stack's own functions, which nobody may register and the executor may not touch."""
        return self.format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{self.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _add_functions_by_context(self) -> None:
        self.sweep_versions: lambda_.Function | None = None
        self.every_month: events.Rule | None = None
        if self.settings.delete_unused_versions:
            self.sweep_versions = self._function(
                "sweep_versions",
                description="Deletes versions that no kept run names",
                timeout=Duration.minutes(15),
                # It reads all runs within its time: that is a matter of CPU, which comes with memory.
                memory_size=1769,
            )
            self.every_month = events.Rule(
                self,
                "EveryMonth",
                schedule=events.Schedule.cron(minute="0", hour="3", day="1"),
                targets=[targets.LambdaFunction(self.sweep_versions)],
            )

    @property
    def _by_context(self) -> list[lambda_.Function]:
        """The doors that are there only if the context asks for them."""
        return [] if self.sweep_versions is None else [self.sweep_versions]

    def _function(self, module: str, **properties: Any) -> lambda_.Function:
        """The Lambda of an entry point, with the settings that it reads and no others."""
        return self.functions.function(module, environment=self._environment.of(module), **properties)

    @property
    def _doors(self) -> list[lambda_.Function]:
        return [
            *(self.api_rerun, self.api_runs, self.api_registry, self.api_triggers, self.api_webhooks),
            *(self.api_cancel, self.on_event, self.on_run_failed, self.capture_failures, self.execute_runs),
            *(self.watchdog, self.housekeeping),
        ]

    def _add_functions_for_events(self) -> None:
        self.on_event = self._function(
            "on_event",
            description="Starts runs by schedules and events",
            timeout=Duration.seconds(60),
            # Lambda tries again what could not be recorded: twice, and a throttled call for as long as this.
            retry_attempts=2,
            max_event_age=Duration.hours(6),
        )
        self._environment.add("on_event_arn", self.on_event.function_arn)
        self.on_run_failed = self._function(
            "on_run_failed",
            description="Retries runs that failed",
            timeout=Duration.seconds(60),
            # What this door cannot do within the hour the watchdog has asked for again, several times.
            retry_attempts=2,
            max_event_age=Duration.hours(1),
            # A retry that fails comes here again, as often as its trigger says: that is no runaway loop.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
        )

    def _add_functions_for_requests(self) -> None:
        function = self._function
        self.api_rerun = function(
            "api_rerun", description="Re-runs a run", timeout=API_TIMEOUT, memory_size=LARGE_MEMORY_MB
        )
        self.api_runs = function(
            "api_runs", description="Reads runs and their history", timeout=API_TIMEOUT, memory_size=LARGE_MEMORY_MB
        )
        self.api_cancel = function("api_cancel", description="Cancels a run", timeout=API_TIMEOUT)
        self.api_registry = function(
            "api_registry",
            description="Registers functions and triggers",
            timeout=API_TIMEOUT,
        )
        self.api_triggers = function(
            "api_triggers", description="Starts runs", timeout=API_TIMEOUT, memory_size=LARGE_MEMORY_MB
        )
        self.api_webhooks = function(
            "api_webhooks", description="Starts runs by webhooks", timeout=API_TIMEOUT, memory_size=LARGE_MEMORY_MB
        )

    def _add_workers(self) -> None:
        function = self._function
        self.capture_failures = function(
            "capture_failures",
            description="Makes runs of failed asynchronous invocations",
            timeout=CAPTURE_TIMEOUT,
        )
        self.execute_runs = function(
            "execute_runs",
            description="Executes runs",
            timeout=EXECUTOR_TIMEOUT,
            # A run with 4 MB of parameters and of result peaks at 111 MB; what more there is buys CPU for cold starts,
            # and is paid for as long as functions are awaited.
            memory_size=512,
            # A throttled run sends itself to the queue again: that is a wait, not a runaway loop.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
        )
        self.watchdog = function("watchdog", description="Forgets no open run", timeout=Duration.seconds(55))
        self.housekeeping = function(
            "housekeeping", description="Deletes what has expired", timeout=Duration.minutes(10)
        )

    def _connect(self) -> None:
        self.execute_runs.add_event_source(
            event_sources.SqsEventSource(
                self.messaging.run_queue,
                # A batch ends with its slowest run: of several, all but one place would be held for nothing.
                batch_size=1,
                max_concurrency=self.settings.max_concurrent_executions,
                report_batch_item_failures=True,
            )
        )
        self.capture_failures.add_event_source(
            event_sources.SqsEventSource(
                self.capture.queue, batch_size=CAPTURE_BATCH_SIZE, report_batch_item_failures=True
            )
        )
        self.sources.let_call(self.on_event)
        self.every_minute = events.Rule(
            self,
            "EveryMinute",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(self.watchdog, retry_attempts=0)],
        )
        self.every_hour = events.Rule(
            self,
            "EveryHour",
            schedule=events.Schedule.rate(Duration.hours(1)),
            targets=[targets.LambdaFunction(self.housekeeping, retry_attempts=0)],
        )
        self.run_failed = events.Rule(
            self,
            "RunFailed",
            event_bus=self.messaging.lifecycle_bus,
            event_pattern=events.EventPattern(
                source=[EVENT_SOURCE], detail_type=[FAILED], detail={AWAITS_RETRY: [True]}
            ),
            targets=[targets.LambdaFunction(self.on_run_failed)],
        )

    def _routes(self) -> dict[str, lambda_.IFunction]:
        return {
            "POST /function-runs/{runId}/rerun": self.api_rerun,
            "POST /function-runs/{runId}/cancel": self.api_cancel,
            "GET /function-runs/{runId}/rerun-history": self.api_runs,
            "GET /function-runs": self.api_runs,
            "GET /function-runs/{runId}": self.api_runs,
            "POST /compute-functions": self.api_registry,
            "GET /compute-functions": self.api_registry,
            "GET /compute-functions/{functionId}": self.api_registry,
            "PUT /compute-functions/{functionId}": self.api_registry,
            "DELETE /compute-functions/{functionId}": self.api_registry,
            "POST /function-triggers": self.api_registry,
            "GET /function-triggers": self.api_registry,
            "GET /function-triggers/{triggerId}": self.api_registry,
            "PUT /function-triggers/{triggerId}": self.api_registry,
            "DELETE /function-triggers/{triggerId}": self.api_registry,
            "POST /function-triggers/{triggerId}/rotate-secret": self.api_registry,
            "POST /function-triggers/{triggerId}/execute": self.api_triggers,
        }

    def _add_outputs(self) -> None:
        outputs = {
            "ApiUrl": self.api.http_api.api_endpoint,
            "TableName": self.storage.table.table_name,
            "InputKeyArn": self.storage.input_key.key_arn,
            "OutcomeKeyArn": self.storage.outcome_key.key_arn,
            "BucketName": self.storage.bucket.bucket_name,
            "RetentionDays": str(self.settings.retention_days),
            "RunQueueUrl": self.messaging.run_queue.queue_url,
            "DeadLetterQueueUrl": self.messaging.dead_letters.queue_url,
            "LifecycleBusName": self.messaging.lifecycle_bus.event_bus_name,
            "TriggerBusName": self.sources.bus.event_bus_name,
            "TriggerBusArn": self.sources.bus.event_bus_arn,
            "ScheduleGroupName": self.sources.schedule_group,
            "CaptureQueueArn": self.capture.queue.queue_arn,
            "CaptureQueueUrl": self.capture.queue.queue_url,
            "CaptureDeadLetterQueueUrl": self.capture.dead_letters.queue_url,
            "UserPoolId": self.identity.user_pool.user_pool_id,
            "UserPoolClientId": self.identity.client.user_pool_client_id,
            "UserPoolDomain": self.identity.domain.base_url(),
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)

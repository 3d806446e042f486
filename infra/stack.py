"""The stack: resources, the functions that use them, the API, and what the outside gets to know."""

from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.api import Api
from infra.functions import describe_all
from infra.identity import Identity
from infra.lambda_functions import LambdaFunctions
from infra.lambda_test_events.registry import LambdaTestEvents
from infra.messaging import FailureCapture, Messaging
from infra.observability import Observability
from infra.resources import Resources
from infra.settings import Settings
from infra.storage import Storage
from infra.trigger_sources import TriggerSources


class FunctionRerunStack(Stack):
    def __init__(
        self, scope: Construct, name: str, *, settings: Settings, layer_directory: Path | None, **stack: Any
    ) -> None:
        super().__init__(scope, name, **stack)
        self.resources = self._add_resources(settings)
        observability = Observability(
            self,
            "Observability",
            messaging=self.resources.messaging,
            capture=self.resources.capture,
            alarm_topic_arn=settings.alarm_topic_arn,
        )
        functions = LambdaFunctions(
            self,
            "Functions",
            resources=self.resources,
            observability=observability,
            layer_directory=layer_directory,
        )
        self.functions = {each.module: functions.add(each) for each in describe_all(self.resources)}
        self.resources.api.add_routes(self.functions)
        if settings.shareable_test_events and settings.production:
            LambdaTestEvents(self, "TestEvents", functions=list(self.functions.values()))
        self._add_outputs()

    def _add_resources(self, settings: Settings) -> Resources:
        storage = Storage(self, "Storage", settings=settings)
        messaging = Messaging(
            self, "Messaging", group_topic_arn=settings.error_group_topic_arn, production=settings.production
        )
        trigger_sources = TriggerSources(
            self,
            "TriggerSources",
            other_buses=settings.listened_buses,
            lifecycle_bus=messaging.lifecycle_bus_name,
        )
        trusted_bus = trigger_sources.bus if settings.trust_trigger_bus_senders else None
        capture = FailureCapture(self, "FailureCapture", trusted_bus=trusted_bus, production=settings.production)
        identity = Identity(self, "Identity", settings=settings)
        api = Api(self, "Api", identity=identity, settings=settings)
        return Resources(
            settings=settings,
            storage=storage,
            messaging=messaging,
            capture=capture,
            trigger_sources=trigger_sources,
            identity=identity,
            api=api,
        )

    def _add_outputs(self) -> None:
        storage, messaging = self.resources.storage, self.resources.messaging
        capture, sources = self.resources.capture, self.resources.trigger_sources
        identity = self.resources.identity
        outputs = {
            "ApiUrl": self.resources.api.http_api.api_endpoint,
            "TableName": storage.table.table_name,
            "InputKeyArn": storage.input_key.key_arn,
            "OutcomeKeyArn": storage.outcome_key.key_arn,
            "BucketName": storage.bucket.bucket_name,
            "RetentionDays": str(self.resources.settings.retention_days),
            "RunQueueUrl": messaging.run_queue.queue_url,
            "DeadLetterQueueUrl": messaging.dead_letters.queue_url,
            "LifecycleBusName": messaging.lifecycle_bus.event_bus_name,
            "TriggerBusName": sources.bus.event_bus_name,
            "TriggerBusArn": sources.bus.event_bus_arn,
            "ScheduleGroupName": sources.schedule_group,
            "CaptureQueueArn": capture.queue.queue_arn,
            "CaptureQueueUrl": capture.queue.queue_url,
            "CaptureDeadLetterQueueUrl": capture.dead_letters.queue_url,
            "UserPoolId": identity.user_pool.user_pool_id,
            "UserPoolClientId": identity.client.user_pool_client_id,
            "UserPoolDomain": identity.domain.base_url(),
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)

"""The stack: which doors there are, what each may do, and what the outside gets to know."""

import json
from pathlib import Path
from typing import Any

from aws_cdk import ArnFormat, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from infra.api import Api, Identity
from infra.doors import Doors
from infra.messaging import EXECUTOR_TIMEOUT, Messaging
from infra.observability import Observability
from infra.settings import LOG_RETENTION, Settings
from infra.storage import Storage

API_TIMEOUT = Duration.seconds(29)
BATCH_SIZE = 10


class FunctionRerunStack(Stack):
    def __init__(
        self, scope: Construct, name: str, *, settings: Settings, layer_directory: Path | None, **stack: Any
    ) -> None:
        super().__init__(scope, name, **stack)
        self.settings = settings
        production = not settings.laptop
        # A first deployment that fails leaves nothing behind; what ever held data stays.
        removal_policy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if production else RemovalPolicy.DESTROY
        log_retention = LOG_RETENTION[settings.log_retention_days]
        self.storage = Storage(self, "Storage", removal_policy=removal_policy, production=production)
        self.messaging = Messaging(self, "Messaging", production=production)
        self.identity = Identity(self, "Identity", removal_policy=removal_policy, production=production)
        self.doors = Doors(
            self,
            "Doors",
            layer_directory=layer_directory,
            log_retention=log_retention,
            removal_policy=removal_policy,
            environment=self._environment(),
        )
        self._open_doors()
        self._grant()
        self._connect()
        self.api = Api(
            self,
            "Api",
            routes=self._routes(),
            identity=self.identity,
            settings=settings,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        Observability(
            self,
            "Observability",
            messaging=self.messaging,
            workers=[self.execute_runs, self.watchdog],
            alarm_topic_arn=settings.alarm_topic_arn,
        )
        self._tell()

    @property
    def own_functions(self) -> str:
        """The pattern of this stack's own functions, which nobody may register and the executor may not touch."""
        return self.format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{self.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _environment(self) -> dict[str, str]:
        return {
            "RERUN_TABLE_NAME": self.storage.table.table_name,
            "RERUN_KEY_ARN": self.storage.key.key_arn,
            "RERUN_RUN_QUEUE_URL": self.messaging.run_queue.queue_url,
            "RERUN_LIFECYCLE_BUS_NAME": self.messaging.lifecycle_bus.event_bus_name,
            "RERUN_RETENTION_DAYS": str(self.settings.retention_days),
            "RERUN_MAX_RERUNS_PER_LINEAGE": str(self.settings.max_reruns_per_lineage),
        }

    def _open_doors(self) -> None:
        door = self.doors.door
        invokable = {
            "RERUN_INVOKABLE_FUNCTIONS": json.dumps(self.settings.invokable_functions),
            "RERUN_OWN_FUNCTIONS": self.own_functions,
        }
        self.api_rerun = door("api_rerun", description="Re-runs a run", timeout=API_TIMEOUT)
        self.api_runs = door("api_runs", description="Reads runs and their history", timeout=API_TIMEOUT)
        self.api_registry = door(
            "api_registry",
            description="Registers functions and triggers",
            timeout=API_TIMEOUT,
            environment=invokable,
        )
        self.api_triggers = door("api_triggers", description="Starts runs", timeout=API_TIMEOUT)
        self.execute_runs = door(
            "execute_runs",
            description="Executes runs",
            timeout=EXECUTOR_TIMEOUT,
            environment=invokable,
            # A throttled run sends itself to the queue again: that is a wait, not a runaway loop.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
        )
        self.watchdog = door("watchdog", description="Forgets no open run", timeout=Duration.seconds(55))

    def _grant(self) -> None:
        """Everything that a door may do, beyond writing its own logs and traces."""
        table = self.storage.table.table_arn
        by_workspace, by_function, attention = (
            f"{table}/index/{name}" for name in ("byWorkspace", "byFunction", "attention")
        )
        key, queue = self.storage.key.key_arn, self.messaging.run_queue.queue_arn
        bus = self.messaging.lifecycle_bus.event_bus_arn
        reseal = ["kms:Decrypt", "kms:GenerateDataKey"]

        _allow(self.api_rerun, ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], table)
        _allow(self.api_rerun, reseal, key)
        _allow(self.api_rerun, ["sqs:SendMessage"], queue)

        _allow(self.api_runs, ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"], table)
        _allow(self.api_runs, ["dynamodb:Query"], by_workspace, by_function, attention)
        _allow(self.api_runs, ["kms:Decrypt"], key)

        _allow(self.api_registry, ["dynamodb:GetItem", "dynamodb:BatchGetItem"], table)
        _allow(self.api_registry, ["dynamodb:PutItem", "dynamodb:DeleteItem"], table)
        _allow(self.api_registry, ["dynamodb:Query"], by_workspace)
        _allow(self.api_registry, reseal, key)

        _allow(self.api_triggers, ["dynamodb:GetItem", "dynamodb:PutItem"], table)
        _allow(self.api_triggers, reseal, key)
        _allow(self.api_triggers, ["sqs:SendMessage"], queue)

        _allow(self.execute_runs, ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], table)
        _allow(self.execute_runs, reseal, key)
        _allow(self.execute_runs, ["sqs:SendMessage"], queue)
        _allow(self.execute_runs, ["events:PutEvents"], bus)

        _allow(self.watchdog, ["dynamodb:Query"], attention)
        _allow(self.watchdog, ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], table)
        _allow(self.watchdog, ["kms:GenerateDataKey"], key)
        _allow(self.watchdog, ["sqs:SendMessage"], queue)
        _allow(self.watchdog, ["events:PutEvents"], bus)

        if patterns := self.settings.invokable_patterns:
            # The pattern alone does not cover its versions and aliases.
            invokable = [*patterns, *(f"{pattern}:*" for pattern in patterns)]
            _allow(self.api_registry, ["lambda:GetFunctionConfiguration"], *invokable)
            _allow(
                self.execute_runs,
                ["lambda:InvokeFunction", "lambda:GetFunction", "lambda:PublishVersion"],
                *invokable,
            )
        self.execute_runs.add_to_role_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=["lambda:*"],
                resources=[self.own_functions, f"{self.own_functions}:*"],
            )
        )

    def _connect(self) -> None:
        self.execute_runs.add_event_source(
            event_sources.SqsEventSource(
                self.messaging.run_queue, batch_size=BATCH_SIZE, report_batch_item_failures=True
            )
        )
        events.Rule(
            self,
            "EveryMinute",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(self.watchdog, retry_attempts=0)],
        )

    def _routes(self) -> dict[str, lambda_.IFunction]:
        return {
            "POST /function-runs/{runId}/rerun": self.api_rerun,
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
            "POST /function-triggers/{triggerId}/execute": self.api_triggers,
        }

    def _tell(self) -> None:
        outputs = {
            "ApiUrl": self.api.http_api.api_endpoint,
            "TableName": self.storage.table.table_name,
            "KeyArn": self.storage.key.key_arn,
            "RunQueueUrl": self.messaging.run_queue.queue_url,
            "DeadLetterQueueUrl": self.messaging.dead_letters.queue_url,
            "LifecycleBusName": self.messaging.lifecycle_bus.event_bus_name,
            "UserPoolId": self.identity.user_pool.user_pool_id,
            "UserPoolClientId": self.identity.client.user_pool_client_id,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)


def _allow(door: lambda_.Function, actions: list[str], *resources: str) -> None:
    door.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=list(resources)))

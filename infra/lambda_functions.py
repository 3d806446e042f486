"""Makes Lambda functions of their descriptions: each with a role, a log group, sources and alarms of its own."""

from itertools import chain
from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from handlers.settings import METRICS_NAMESPACE, OPTIONAL, variable
from infra import nag
from infra.bundle import build_code
from infra.function import Alarm, Function
from infra.observability import Observability
from infra.python_runtime import python_runtime
from infra.resources import Resources


class LambdaFunctions(Construct):
    """They share one code asset and one layer of dependencies."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        resources: Resources,
        observability: Observability,
        layer_directory: Path | None,
    ) -> None:
        """`layer_directory` is None where the runtime finds the dependencies itself, as on the local stack."""
        super().__init__(scope, name)
        self._resources = resources
        self._observability = observability
        self._values = resources.setting_values()
        self._runtime = python_runtime()
        self._code = lambda_.Code.from_asset(str(build_code()))
        self._layers = [] if layer_directory is None else [self._dependencies(layer_directory)]

    def add(self, description: Function) -> lambda_.Function:
        module = description.module
        function = self._function(description)
        for statement in chain.from_iterable(description.grants):
            function.add_to_role_policy(statement)
        for source in description.sources:
            source(self, function)
        errors = [Alarm(f"{module}-errors", "Errors", f"The worker {module} failed")] if description.sources else []
        for alarm in (*errors, *description.alarms):
            metric = function.metric(alarm.metric, statistic="Sum", period=Duration.minutes(5))
            self._observability.alarm(alarm.name, metric, threshold=1, description=alarm.description)
        nag.answer(function, description.nag_answers)
        return function

    def _function(self, description: Function) -> lambda_.Function:
        module, settings = description.module, self._resources.settings
        role = iam.Role(self, f"{module}-role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group = logs.LogGroup(
            self, f"{module}-logs", retention=settings.log_retention, removal_policy=settings.removal_policy
        )
        log_group.grant_write(role)
        return lambda_.Function(
            self,
            module,
            function_name=self._resources.function_name(module),
            description=(description.entry_point.__doc__ or "").partition("\n")[0],
            runtime=self._runtime,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{description.entry_point.__name__}.lambda_handler",
            code=self._code,
            layers=self._layers,
            role=role,
            timeout=description.timeout,
            memory_size=description.memory_mb,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            recursive_loop=description.recursive_loop,
            retry_attempts=description.retry_attempts,
            max_event_age=description.max_event_age,
            environment=self._environment(description),
        )

    def _environment(self, description: Function) -> dict[str, str]:
        read = [name for name in description.entry_point.READS if name in self._values or name not in OPTIONAL]
        return {
            "POWERTOOLS_SERVICE_NAME": description.module,
            "POWERTOOLS_LOG_LEVEL": "INFO",
            METRICS_NAMESPACE: self._resources.stack.stack_name,
            **{variable(name): self._values[name] for name in read},
        }

    def _dependencies(self, directory: Path) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            "Dependencies",
            code=lambda_.Code.from_asset(str(directory)),
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[self._runtime],
        )

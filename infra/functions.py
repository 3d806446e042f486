"""The doors as Lambda functions: one each, with a role and a log group of its own. Grants are the stack's business."""

from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundle import build_code
from infra.python_runtime import python_runtime


class Doors(Construct):
    """Makes doors that share one code asset and one layer of dependencies."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        layer_directory: Path | None,
        log_retention: logs.RetentionDays,
        removal_policy: RemovalPolicy,
        environment: dict[str, str],
    ) -> None:
        """`layer_directory` is None where the runtime finds the dependencies itself, as the laptop's does."""
        super().__init__(scope, name)
        self._log_retention = log_retention
        self._removal_policy = removal_policy
        self._environment = environment
        self._runtime = python_runtime()
        self._code = lambda_.Code.from_asset(str(build_code()))
        self._layers = [] if layer_directory is None else [self._dependencies(layer_directory)]

    def _dependencies(self, directory: Path) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            "Dependencies",
            code=lambda_.Code.from_asset(str(directory)),
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[self._runtime],
        )

    def function(
        self,
        module: str,
        *,
        description: str,
        timeout: Duration,
        memory_size: int = 512,
        environment: dict[str, str] | None = None,
        recursive_loop: lambda_.RecursiveLoop | None = None,
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
    ) -> lambda_.Function:
        """The Lambda of `handlers/{module}.py`, called `{stack}-{module}`."""
        function_name = f"{Stack.of(self).stack_name}-{module.replace('_', '-')}"
        role = iam.Role(self, f"{module}-role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group = logs.LogGroup(
            self,
            f"{module}-logs",
            retention=self._log_retention,
            removal_policy=self._removal_policy,
        )
        log_group.grant_write(role)
        return lambda_.Function(
            self,
            module,
            # A name of its own, so that one pattern covers the stack's functions and no others.
            function_name=function_name,
            description=description,
            runtime=self._runtime,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"handlers.{module}.lambda_handler",
            code=self._code,
            layers=self._layers,
            role=role,
            timeout=timeout,
            memory_size=memory_size,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            recursive_loop=recursive_loop,
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
            environment={
                "POWERTOOLS_SERVICE_NAME": module,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **self._environment,
                **(environment or {}),
            },
        )

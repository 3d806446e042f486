"""Sample functions for the local stack, in a stack of their own, as a team's functions would be."""

from pathlib import Path

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.python_runtime import python_runtime

SAMPLES = Path(__file__).parent


class SampleFunctionsStack(Stack):
    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        for sample in ("orders", "echo"):
            function = lambda_.Function(
                self,
                sample.capitalize(),
                runtime=python_runtime(),
                architecture=lambda_.Architecture.ARM_64,
                handler="function.handler",
                code=lambda_.Code.from_asset(str(SAMPLES / sample)),
                timeout=Duration.seconds(10),
            )
            CfnOutput(self, f"{sample.capitalize()}FunctionArn", value=function.function_arn)

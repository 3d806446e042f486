"""What CloudFormation says of a stack."""

from typing import Any

from botocore.exceptions import ClientError


def describe(formation: Any, stack: str) -> dict[str, Any] | None:
    """None if there is no such stack. Raises ClientError or BotoCoreError."""
    try:
        found: dict[str, Any] = formation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":  # CloudFormation's code for "no such stack"
            raise
        return None
    return found


def outputs_of(described: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

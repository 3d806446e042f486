"""AWS itself, with an operator's own credentials: what the service's API does not do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fnrun.connection.local_stack import LocalStack
from fnrun.errors import CommandError, Exit
from fnrun.shared import DEFAULT_STACK

_EXTRA = "pip install 'fnrun[aws]'"


@dataclass(frozen=True)
class Target:
    """Which account, region and stack; with `local` the emulator's, whatever the rest says."""

    stack: str = DEFAULT_STACK
    profile: str | None = None
    """Of the AWS configuration."""
    region: str | None = None
    local: LocalStack | None = None


def client_of(target: Target, service: str) -> Any:
    """A boto3 client. Raises CommandError."""
    boto3 = imported_boto3()
    with explained():
        if target.local is not None:
            return emulator_client(service, endpoint=target.local.aws_endpoint_url, region=target.local.region)
        return boto3.Session(profile_name=target.profile, region_name=target.region).client(service)


def emulator_client(service: str, *, endpoint: str, region: str) -> Any:
    """Reads nothing of the caller's AWS configuration, so that what is meant for the emulator reaches no account."""
    boto3 = imported_boto3()
    import botocore.session
    from botocore.config import Config

    unset: Any = (None, None, None, None)
    nowhere: Any = (None, None, os.devnull, None)
    core: Any = botocore.session.Session(
        session_vars={"profile": unset, "config_file": nowhere, "credentials_file": nowhere}
    )
    return boto3.Session(botocore_session=core).client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator's
        config=Config(proxies={}, retries={"total_max_attempts": 2}),
    )


def outputs_of(target: Target) -> dict[str, str]:
    """Of the CloudFormation stack, by name. Raises CommandError."""
    if target.local is not None:
        return dict(target.local.outputs)
    with explained(f"The stack {target.stack} cannot be read"):
        [stack] = client_of(target, "cloudformation").describe_stacks(StackName=target.stack)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


@contextmanager
def explained(failed: str = "AWS refuses it") -> Iterator[None]:
    """What boto3 raises, as one line: AWS's code and message hold no credentials."""
    imported_boto3()
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        described = error.response.get("Error", {})
        sentence = f"{failed}: {described.get('Code')}: {described.get('Message')}"
        raise CommandError(sentence, "check --aws-profile, --region and --stack", Exit.REFUSED) from None
    except BotoCoreError as error:
        raise CommandError(
            f"AWS was not asked: {error}", "check --aws-profile and --region, or log in to AWS", Exit.NOT_REACHED
        ) from None


def imported_boto3() -> Any:
    """Raises CommandError where it is not installed."""
    try:
        import boto3
    except ImportError:
        raise CommandError("This needs boto3, which is not installed", _EXTRA, Exit.USAGE) from None
    return boto3

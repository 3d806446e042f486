"""The stack that is audited: its outputs, and clients for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from handlers.aws.aws_errors import code
from infra.audit.auditing import NotAuditableError
from infra.local.emulator import ISOLATED
from infra.local.local_stack import LocalStack

if TYPE_CHECKING:
    from handlers.aws.cipher import Cipher

DEFAULT_RETENTION_DAYS = 90
# Nobody waits for an answer within seconds, and a scan of a large table is throttled now and then.
_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})


@dataclass(frozen=True, slots=True)
class AuditedStack:
    """Raises NotAuditableError if it is none of ours."""

    outputs: Mapping[str, str]
    dynamodb: Any
    s3: Any
    kms_session: Session

    @classmethod
    def on_this_machine(cls, directory: Path) -> Self:
        """What `make up` has started. Raises NotUpError."""
        local_stack = LocalStack.load(directory)
        session = _AtTheEmulator(local_stack)
        return cls(local_stack.outputs, local_stack.client("dynamodb"), local_stack.client("s3"), session)

    @classmethod
    def on_aws(cls, stack: str, *, region: str | None, profile: str | None) -> Self:
        """Found with the default credentials, if no profile is named. Raises ClientError or BotoCoreError."""
        core = Session(profile=profile)
        core.set_default_client_config(_PATIENT)
        session = boto3.Session(botocore_session=core, region_name=region)
        outputs = _outputs(session, stack)
        return cls(outputs, session.client("dynamodb"), session.client("s3"), core)

    @property
    def table_name(self) -> str:
        return self._output("TableName")

    @property
    def bucket(self) -> str | None:
        return self.outputs.get("BucketName")

    @property
    def retention_days(self) -> int:
        return int(self.outputs.get("RetentionDays", DEFAULT_RETENTION_DAYS))

    def cipher(self) -> "Cipher":
        # The Encryption SDK takes a while to load, and few commands need it.
        from handlers.aws.cipher import Cipher  # noqa: PLC0415

        return Cipher(self.kms_session, inputs=self._output("InputKeyArn"), outcomes=self._output("OutcomeKeyArn"))

    def _output(self, name: str) -> str:
        if name not in self.outputs:
            raise NotAuditableError(f"The stack has no output {name}: it is not one of Function Re-run.")
        return self.outputs[name]


def _outputs(session: boto3.Session, stack: str) -> dict[str, str]:
    try:
        found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        # What CloudFormation says of a stack that is not there.
        if code(error) != "ValidationError":
            raise
        where = session.region_name
        raise NotAuditableError(
            f"There is no stack {stack} in {where}. Name the one you have deployed: --stack, --region, --profile."
        ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


class _AtTheEmulator(Session):
    """Its clients speak to the emulator, whoever makes them: the Encryption SDK makes its own."""

    def __init__(self, local_stack: LocalStack) -> None:
        super().__init__(session_vars=ISOLATED)
        self._emulator = local_stack.emulator

    def create_client(self, *of: Any, **options: Any) -> Any:
        settings = {"endpoint_url": self._emulator.url, "config": Config(proxies={})}
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return super().create_client(*of, **options | settings | credentials)

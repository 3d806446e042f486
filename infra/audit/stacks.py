"""The stack that is audited: its outputs, and clients for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.session import Session

from infra.audit.auditing import NotAuditableError
from infra.aws.target import PATIENT
from infra.cloudformation import describe, outputs_of
from infra.local_connection import CREDENTIALS, ISOLATED, NotUpError, is_healthy, read_stack_file

if TYPE_CHECKING:
    from handlers.aws.cipher import Cipher

DEFAULT_RETENTION_DAYS = 90


@dataclass(frozen=True, slots=True)
class AuditedStack:
    """Raises NotAuditableError if the stack is not one of Function Re-run."""

    outputs: Mapping[str, str]
    dynamodb: Any
    s3: Any
    kms_session: Session

    @classmethod
    def find(cls, stack: str | None, *, region: str | None, profile: str | None, directory: Path) -> Self:
        """The stack on AWS of that name, or else the local stack of that directory."""
        if stack:
            return cls.on_aws(stack, region=region, profile=profile)
        return cls.on_this_machine(directory)

    @classmethod
    def on_this_machine(cls, directory: Path) -> Self:
        """What `make up` has started. Raises NotUpError."""
        described = read_stack_file(directory)
        if not described or not is_healthy(described["awsEndpointUrl"]):
            raise NotUpError(directory)
        session = _AtTheEmulator(described["awsEndpointUrl"], described["region"])
        return cls(described["outputs"], session.create_client("dynamodb"), session.create_client("s3"), session)

    @classmethod
    def on_aws(cls, stack: str, *, region: str | None, profile: str | None) -> Self:
        """Found with the default credentials, if no profile is named. Raises ClientError or BotoCoreError."""
        core = Session(profile=profile)
        core.set_default_client_config(PATIENT)
        session = boto3.Session(botocore_session=core, region_name=region)
        found = describe(session.client("cloudformation"), stack)
        if found is None:
            where = session.region_name
            raise NotAuditableError(
                f"There is no stack {stack} in {where}. Name the one you have deployed: --stack, --region, --profile."
            )
        return cls(outputs_of(found), session.client("dynamodb"), session.client("s3"), core)

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


class _AtTheEmulator(Session):
    """All its clients call the emulator, also those that the Encryption SDK creates for itself."""

    def __init__(self, url: str, region: str) -> None:
        super().__init__(session_vars=ISOLATED)
        config = Config(proxies={}, s3={"addressing_style": "path"})
        self._settings = {"endpoint_url": url, "region_name": region, "config": config, **CREDENTIALS}

    def create_client(self, *of: Any, **options: Any) -> Any:
        return super().create_client(*of, **options | self._settings)

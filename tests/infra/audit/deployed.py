"""A stack on the emulator that holds what a `Storage` holds, and is audited."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.session import Session
from typer.testing import CliRunner, Result

from handlers.aws import run_items as items
from handlers.aws.cipher import Cipher
from handlers.aws.table import to_item
from handlers.domain import clock
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import FunctionRun, Part
from infra.audit.auditing import audit
from infra.audit.command import app
from infra.audit.findings import Report
from infra.local.emulator.process import Emulator
from tests.infra.audit.storing import Storage

CONTENT = "content-that-no-line-may-hold"


@dataclass(frozen=True)
class Deployed:
    emulator: Emulator
    name: str
    outputs: dict[str, str]

    @property
    def dynamodb(self) -> Any:
        return self.emulator.client("dynamodb")

    @property
    def s3(self) -> Any:
        return self.emulator.client("s3")

    @property
    def table(self) -> str:
        return self.outputs["TableName"]

    @property
    def bucket(self) -> str:
        return self.outputs["BucketName"]

    def cipher(self) -> Cipher:
        return Cipher(Session(), inputs=self.outputs["InputKeyArn"], outcomes=self.outputs["OutcomeKeyArn"])

    def holds(self, storage: Storage) -> "Deployed":
        for plain in storage.items.values():
            self.put(plain)
        for key in storage.objects:
            self.store(key, b"sealed")
        return self

    def holds_sealed(self, storage: Storage, rerun: FunctionRun, *, result_as: Part = Part.OVERRIDES) -> None:
        """Also the original's parameters in the table, and the re-run's result in the bucket, sealed under a seal context."""
        cipher, original = self.cipher(), rerun.evolve(id=rerun.original_run_id)
        parameters = cipher.seal(CONTENT.encode(), seal_context(original, Part.PARAMETERS))
        self.holds(storage.put(items.of_part(original, Part.PARAMETERS, parameters)))
        self.store(f"kept/{rerun.id}/overrides", cipher.seal(CONTENT.encode(), seal_context(rerun, result_as)))

    def put(self, plain: dict[str, Any]) -> None:
        self.dynamodb.put_item(TableName=self.table, Item=to_item(plain))

    def remove(self, plain: dict[str, Any]) -> None:
        key = {name: plain[name] for name in ("pk", "sk")}
        self.dynamodb.delete_item(TableName=self.table, Key=to_item(key))

    def store(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def report(self, between: Callable[[], Any] | None = None, **options: Any) -> Report:
        """`between` is done once the table has been scanned, and before anything is looked at again."""

        def actual(step: str) -> None:
            if between is not None and step.startswith("Listing the bucket"):
                between()

        terms: dict[str, Any] = {"now": clock.now(), "retention_days": 90, "report_progress": actual}
        return audit(self.dynamodb, self.table, self.s3, self.bucket, **terms | options)

    def found(self, between: Callable[[], Any] | None = None, **options: Any) -> list[tuple[str, ...]]:
        """Rule and ids of each finding."""
        return [(finding.rule.value, *finding.ids) for finding in self.report(between, **options).findings]

    def command(self, *arguments: str, **options: Any) -> Result:
        """As an operator audits a stack on AWS."""
        return CliRunner().invoke(app, ["--stack", self.name, *arguments], **options)

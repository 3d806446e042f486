"""The CDK app's stacks on the emulator, without the CDK CLI: synthesise, upload the assets, create or update."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra import ROOT
from infra.cloudformation import describe, outputs_of
from infra.context import BOOTSTRAP_PARAMETER, declared_context
from infra.local.emulator.process import REGION, Emulator
from infra.local.waiting import wait_for
from infra.node import jsii_environment

BOOTSTRAP_VERSION = "30"
STACK_ARTIFACT = "aws:cloudformation:stack"
DEPLOY_SECONDS = 300.0
NOT_THERE = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}


class DeployError(RuntimeError):
    """The app could not be synthesised, or a stack could not be deployed."""


def synthesise(outdir: Path, context: Mapping[str, Any], *, app: Sequence[str] = ("-m", "infra.app")) -> None:
    """Write the app's cloud assembly to `outdir`; `context` wins over that of `cdk.json`."""
    merged = {**declared_context(), **context}
    run = subprocess.run(
        [sys.executable, *app],
        cwd=ROOT,
        env={
            **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
            "CDK_OUTDIR": str(outdir.resolve()),
            "CDK_CONTEXT_JSON": json.dumps(merged),
            **jsii_environment(),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise DeployError(f"The app could not be synthesised:\n{run.stdout}{run.stderr}")


def deploy(emulator: Emulator, outdir: Path, stack_name: str) -> dict[str, str]:
    """Create or update one stack of the assembly; gives its outputs. Raises DeployError."""
    artifact, template_file = _stack_artifact(outdir, stack_name)
    _bootstrap(emulator)
    template_url = _upload_assets(emulator, outdir, artifact, template_file)
    formation = emulator.client("cloudformation")
    request = {
        "StackName": stack_name,
        "TemplateURL": template_url,
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    stack = describe(formation, stack_name)
    if stack is not None and stack["StackStatus"] in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}:
        # As on AWS, a stack whose creation failed can only be deleted.
        formation.delete_stack(StackName=stack_name)
        stack = _settled(formation, stack_name)
    if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
        formation.create_stack(**request)
    else:
        _update(formation, request)
    return _outputs(formation, stack_name)


def _stack_artifact(outdir: Path, stack_name: str) -> tuple[str, str]:
    """The names of the stack's artifact and of its template."""
    artifacts = json.loads((outdir / "manifest.json").read_text())["artifacts"]
    stacks = {name: entry["properties"] for name, entry in artifacts.items() if entry["type"] == STACK_ARTIFACT}
    for name, properties in stacks.items():
        if properties.get("stackName", name) == stack_name:
            return name, properties["templateFile"]
    raise DeployError(f"The assembly has no stack '{stack_name}', only {', '.join(stacks) or 'none'}.")


def _bootstrap(emulator: Emulator) -> None:
    ssm = emulator.client("ssm")
    ssm.put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)


def _upload_assets(emulator: Emulator, outdir: Path, artifact: str, template_file: str) -> str:
    """Upload what the stack's templates refer to; gives the template's own address."""
    assets = json.loads((outdir / f"{artifact}.assets.json").read_text())["files"]
    account = emulator.client("sts").get_caller_identity()["Account"]
    s3 = emulator.client("s3")
    template_url = ""
    for asset in assets.values():
        source = asset["source"]
        for destination in asset["destinations"].values():
            bucket = _resolved(destination["bucketName"], account)
            key = _resolved(destination["objectKey"], account)
            _upload(s3, bucket, key, outdir / source["path"], packaging=source["packaging"])
            if source["path"] == template_file:
                template_url = f"{emulator.url}/{bucket}/{key}"
    if not template_url:
        raise DeployError(f"{artifact}.assets.json does not contain the template {template_file}.")
    return template_url


def _resolved(name: str, account: str) -> str:
    values = {"${AWS::AccountId}": account, "${AWS::Region}": REGION, "${AWS::Partition}": "aws"}
    for variable, value in values.items():
        name = name.replace(variable, value)
    return name


def _upload(s3: Any, bucket: str, key: str, source: Path, *, packaging: str) -> None:
    if _size_of(s3, bucket, key) is not None:
        return  # the key is a hash of the content
    body = zipped(source) if packaging == "zip" and source.is_dir() else source.read_bytes()
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    # Without its asset the emulator creates the function all the same, and it answers "Mock response".
    if _size_of(s3, bucket, key) != len(body):
        raise DeployError(f"The asset {source.name} did not arrive at s3://{bucket}/{key}.")


def _size_of(s3: Any, bucket: str, key: str) -> int | None:
    try:
        size: int = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_THERE:
            raise
        return None
    return size


def zipped(directory: Path) -> bytes:
    """The same bytes for the same files, whatever their dates and their order on disk."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(directory).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if os.access(file, os.X_OK) else 0o644) << 16
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def _update(formation: Any, request: dict[str, Any]) -> None:
    try:
        formation.update_stack(**request)
    except ClientError as error:
        # CloudFormation has no error code of its own for this, only this text.
        if "No updates are to be performed" not in error.response["Error"]["Message"]:
            raise DeployError(f"{request['StackName']} cannot be updated: {error}") from error


def _outputs(formation: Any, stack_name: str) -> dict[str, str]:
    stack = _settled(formation, stack_name)
    if stack is None or stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        status = stack["StackStatus"] if stack else "gone"
        raise DeployError(f"{stack_name} is {status}:\n{_failures(formation, stack_name)}")
    return outputs_of(stack)


def _settled(formation: Any, stack_name: str) -> dict[str, Any] | None:
    stack = wait_for(lambda: describe(formation, stack_name), _is_at_rest, seconds=DEPLOY_SECONDS)
    if stack is not None and not _is_at_rest(stack):
        raise DeployError(f"{stack_name} is still {stack['StackStatus']} after {DEPLOY_SECONDS:.0f} s.")
    return stack


def _is_at_rest(stack: Mapping[str, Any] | None) -> bool:
    return stack is None or not stack["StackStatus"].endswith("_IN_PROGRESS")


def _failures(formation: Any, stack_name: str) -> str:
    events = formation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]
    return "\n".join(
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', '')}"
        for event in failed
    )

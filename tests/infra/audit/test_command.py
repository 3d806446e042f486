"""The command as an operator calls it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from typer.testing import CliRunner

from handlers.domain.errors import Unavailable
from handlers.domain.seal import KeyRefused
from infra import ROOT
from infra.audit.command import app
from infra.audit.stacks import AuditedStack
from infra.local_connection import STACK_FILE
from tests.infra.audit.deployed import CONTENT, Deployed
from tests.infra.audit.storing import ORIGINAL, RERUN, a_lineage_of_today


def run(*arguments: str, **options: Any) -> tuple[int, str]:
    """The exit code and all that was printed."""
    result = CliRunner().invoke(app, [*arguments], **options)
    return result.exit_code, result.output


def test_it_is_the_command_of_the_package() -> None:
    said = subprocess.run([sys.executable, "-m", "infra.audit", "--help"], cwd=ROOT, capture_output=True, check=True)
    assert b"python -m infra.audit [OPTIONS]" in said.stdout


def test_a_clean_stack_is_reported_as_clean(deployed: Deployed) -> None:
    deployed.holds_sealed(*a_lineage_of_today())
    executions = f"{ORIGINAL}\n\n{RERUN}\n"
    status, said = run("--stack", deployed.name, "--open", "all", "--executions", "-", input=executions)
    assert status == 0, said
    assert "2: 2 completed" in said
    assert "1 with 1 re-run" in said
    assert "2 sealed, 2 opened" in said
    assert "skipped" not in said
    assert CONTENT not in said


def test_what_was_broken_by_hand_is_found(deployed: Deployed) -> None:
    storage, rerun = a_lineage_of_today()
    deployed.holds(storage)
    deployed.remove(storage.edge(rerun))
    deployed.put(storage.item(RERUN) | {"status": "pending", "deadline": 1767225600000})
    result = CliRunner().invoke(app, ["--stack", deployed.name, "--json", "--grace", "60"])
    document = json.loads(result.stdout)
    assert (result.exit_code, document["clean"]) == (1, False)
    assert {(finding["rule"], *finding["ids"]) for finding in document["findings"]} == {
        ("deadline", RERUN),
        ("indexes", RERUN),
        ("rerun-edge", RERUN, ORIGINAL),
        ("rerun-count", ORIGINAL),
    }


@pytest.mark.parametrize("left", [None, {"awsEndpointUrl": "http://127.0.0.1:1"}], ids=["never up", "no longer up"])
def test_what_make_up_started_is_audited_unless_a_stack_is_named(left: dict[str, str] | None, tmp_path: Path) -> None:
    if left is not None:
        (tmp_path / STACK_FILE).write_text(json.dumps(left))
    status, said = run("--directory", str(tmp_path))
    assert (status, "make up" in said, "--stack" in said) == (2, True, True)


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_is_not_there_is_named() -> None:
    status, said = run("--stack", "Nowhere")
    assert (status, "There is no stack Nowhere in us-east-1" in said) == (2, True), said


def test_a_stack_of_others_is_not_audited(deployed: Deployed) -> None:
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}, "Outputs": {"Some": {"Value": "thing"}}}
    cloudformation = deployed.emulator.client("cloudformation")
    cloudformation.create_stack(StackName="OfOthers", TemplateBody=json.dumps(template))
    status, said = run("--stack", "OfOthers")
    assert (status, "not one of Function Re-run" in said) == (2, True), said


def test_without_credentials_or_profile_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    status, said = run("--stack", "Any", "--region", "eu-west-1")
    assert (status, "There are no AWS credentials" in said) == (2, True), said
    status, said = run("--stack", "Any", "--profile", "nobody")
    assert (status, "nobody" in said, "--profile" in said) == (2, True, True), said


def of_aws(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "Scan")


def unavailable_for(cause: Exception) -> Unavailable:
    unavailable = Unavailable()
    unavailable.__cause__ = cause
    return unavailable


@pytest.mark.parametrize(
    ("fault", "what_to_do"),
    [
        (of_aws("AccessDeniedException"), "AWS denies Scan. The audit needs dynamodb:Scan"),
        (unavailable_for(of_aws("AccessDeniedException")), "AWS denies Scan. The audit needs dynamodb:Scan"),
        (of_aws("ExpiredTokenException"), "Log in again"),
        (of_aws("ResourceNotFoundException"), "is gone. Deploy the stack again"),
        (of_aws("ThrottlingException"), "try again later"),
        (EndpointConnectionError(endpoint_url="http://aws"), "AWS does not answer"),
        (KeyRefused(), "Enable the stack's key"),
        (Unavailable("Nobody is there."), "Nobody is there."),
    ],
    ids=repr,
)
def test_what_keeps_the_audit_from_being_done_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, what_to_do: str
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise fault

    monkeypatch.setattr(AuditedStack, "on_aws", fails)
    status, said = run("--stack", "Any")
    assert (status, what_to_do in said) == (2, True), said


@pytest.mark.parametrize(
    ("lines", "what_to_do"),
    [(f"{ORIGINAL}\n{CONTENT}\n", "Line 2 of --executions is not the id of a run"), (b"\xff\xfe\n", "is not text")],
    ids=["a line of a log", "bytes"],
)
def test_executions_that_are_no_run_ids_are_refused_and_not_quoted(lines: Any, what_to_do: str) -> None:
    status, said = run("--executions", "-", input=lines)
    assert (status, what_to_do in said, CONTENT in said) == (2, True, False), said


def test_no_executions_at_all_are_no_comparison() -> None:
    status, said = run("--executions", "-", input="\n")
    assert (status, "is empty" in said) == (2, True), said


@pytest.mark.parametrize("option", ["--region", "--profile"])
def test_what_is_for_aws_is_not_ignored_on_this_machine(option: str) -> None:
    status, said = run(option, "eu-west-1")
    assert (status, "--stack" in said) == (2, True), said


@pytest.mark.parametrize("given", ["some", "-1", "1.5", ""])
def test_parts_to_open_are_a_number_or_all(given: str) -> None:
    status, said = run("--open", given)
    assert (status, "a number of parts, or all" in said) == (2, True), said

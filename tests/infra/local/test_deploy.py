import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.deploy import DeployError, deploy, synthesise, zipped
from infra.local.emulator.process import Emulator
from infra.local.local_stack import CONTEXT, STACK


def a_parameter(name: str) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": "v"}}


def an_assembly(outdir: Path, *, name: str, resources: dict[str, Any], version: str = "1") -> Path:
    """What the CDK would write for one stack, with a template of ours."""
    template = {"Resources": resources, "Outputs": {"Version": {"Value": version}}}
    outdir.mkdir(exist_ok=True)
    (outdir / "code").mkdir(exist_ok=True)
    (outdir / "code" / "index.py").write_text("def handler(event, context): ...\n")
    (outdir / "t.json").write_text(json.dumps(template))
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json", "stackName": name}}
    (outdir / "manifest.json").write_text(json.dumps({"artifacts": {"S": stack}}))
    files = {
        key: {
            "source": {"path": path, "packaging": packaging},
            "destinations": {
                "here": {
                    "bucketName": "assets-${AWS::AccountId}-${AWS::Region}",
                    "objectKey": f"{name}-{version}-{key}",
                }
            },
        }
        for key, path, packaging in [("t", "t.json", "file"), ("c", "code", "zip")]
    }
    (outdir / "S.assets.json").write_text(json.dumps({"files": files}))
    return outdir


def test_a_stack_is_created_then_updated_and_left_alone_when_nothing_changed(
    emulator: Emulator, tmp_path: Path
) -> None:
    outdir = an_assembly(tmp_path / "out", name="One", resources={"P": a_parameter("/p")})
    assert deploy(emulator, outdir, "One") == {"Version": "1"}
    an_assembly(outdir, name="One", resources={"P": a_parameter("/another")}, version="2")
    assert [deploy(emulator, outdir, "One") for _ in range(2)] == [{"Version": "2"}] * 2
    assert emulator.client("ssm").get_parameter(Name="/another")["Parameter"]["Value"] == "v"
    bucket = "assets-000000000000-us-east-1"
    stored = emulator.client("s3").get_object(Bucket=bucket, Key="One-1-c")["Body"].read()
    assert stored == zipped(outdir / "code")


def test_a_stack_that_cannot_be_deployed_names_the_resource_and_the_next_try_succeeds(
    emulator: Emulator, tmp_path: Path
) -> None:
    clashing = {"P": a_parameter("/clash"), "Second": {**a_parameter("/clash"), "DependsOn": "P"}}
    outdir = an_assembly(tmp_path / "out", name="Two", resources=clashing)
    with pytest.raises(DeployError, match=r"Second \(AWS::SSM::Parameter\): .*already exists"):
        deploy(emulator, outdir, "Two")
    an_assembly(outdir, name="Two", resources={"P": a_parameter("/clash")}, version="2")
    assert deploy(emulator, outdir, "Two") == {"Version": "2"}


def test_the_same_files_zip_to_the_same_bytes(tmp_path: Path) -> None:
    for folder, order in (("one", "ab"), ("two", "ba")):
        for name in order:
            file = tmp_path / folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(name)
    (tmp_path / "one" / "a").touch()
    assert zipped(tmp_path / "one") == zipped(tmp_path / "two")


def test_an_app_that_fails_to_synthesise_says_why(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="no such construct"):
        synthesise(tmp_path, {}, app=("-c", "raise SystemExit('no such construct')"))


def test_context_reaches_the_app_over_that_of_cdk_json(tmp_path: Path) -> None:
    seen = tmp_path / "context"
    code = f"import os, pathlib; pathlib.Path({str(seen)!r}).write_text(os.environ['CDK_CONTEXT_JSON'])"
    synthesise(tmp_path / "out", {"flavour": "sour"}, app=("-c", code))
    assert json.loads(seen.read_text())["flavour"] == "sour"


def test_the_stack_of_this_machine_has_its_own_name_whatever_cdk_json_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("infra.local.deploy.declared_context", lambda: {"stackName": "Acme"})
    seen = tmp_path / "context"
    code = f"import os, pathlib; pathlib.Path({str(seen)!r}).write_text(os.environ['CDK_CONTEXT_JSON'])"
    synthesise(tmp_path / "out", CONTEXT, app=("-c", code))
    assert json.loads(seen.read_text())["stackName"] == STACK

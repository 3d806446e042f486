"""A version's code is what AWS says that it is, and each reason why it cannot be had is one line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fnrun.debugging import aws as of_fnrun
from fnrun.debugging.aws import LambdaVersions
from fnrun.debugging.folder import RunFolder
from fnrun.errors import CommandError, Exit

from tests.client.debugging.aws import SIGNATURE, Aws, aws_with_credentials
from tests.client.debugging.calling import ARN, a_version
from tests.packages import package

PATH = f"/2015-03-31/functions/{ARN}"
LAYERS = [f"arn:aws:lambda:eu-west-1:111122223333:layer:{name}:1" for name in ("first", "second")]
RUN = {"id": "43b603bd-1", "parametersFormat": "json", "parameters": {"a": 1}, "result": "x", "status": "failure"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with aws_with_credentials(monkeypatch) as aws:
        yield aws


def failure(arn: str = ARN) -> CommandError:
    with pytest.raises(CommandError) as failed:
        LambdaVersions(region="eu-west-1").get(arn)
    assert "secret" not in failed.value.message
    return failed.value


def test_a_version_is_described_and_its_code_and_layers_unpacked_in_order(aws: Aws, tmp_path: Path) -> None:
    layers = [{"Arn": arn} for arn in LAYERS]
    environment = {"Variables": {"TABLE": "a-secret", "KEY": "a-secret"}}
    aws.add_function(ARN, package("code"), Layers=layers, Environment=environment, Architectures=["arm64"])
    aws.add_layer(LAYERS[0], package("first", {"python/a.py": "first", "python/b.py": "first"}))
    aws.add_layer(LAYERS[1], package("second", {"python/b.py": "second"}))
    versions = LambdaVersions(region="eu-west-1")
    version = versions.get(ARN)
    assert (version.title, version.architecture, version.variables) == ("orders:3", "arm64", ("KEY", "TABLE"))
    assert SIGNATURE not in repr(version)

    folder = RunFolder(tmp_path / "RUN")
    folder.claim(RUN)
    folder.write_env_example(version)
    code = folder.fetch_code(version, versions, place=folder.path)
    opt = folder.fetch_layers(version, versions, place=folder.path)
    assert (code / "index.py").read_text() == "code"
    assert [(opt / "python" / name).read_text() for name in ("a.py", "b.py")] == ["first", "second"]
    assert folder.env_example.read_text().splitlines()[1:] == ["KEY=", "TABLE="]
    assert sorted(each.name for each in folder.path.iterdir()) == ["code", "env.example", "layers", "run.json"]
    assert "a-secret" not in "".join(file.read_text() for file in folder.path.rglob("*") if file.is_file())


def test_what_is_there_already_is_kept_with_its_changes(aws: Aws, tmp_path: Path) -> None:
    aws.add_function(ARN, package("code"))
    versions, folder = LambdaVersions(region="eu-west-1"), RunFolder(tmp_path / "RUN")
    folder.claim(RUN)
    for text in ("code", "changed"):
        code = folder.fetch_code(versions.get(ARN), versions, place=folder.path)
        assert (code / "index.py").read_text() == text
        (code / "index.py").write_text("changed")


def test_what_is_not_what_aws_has_said_is_not_unpacked(aws: Aws, tmp_path: Path) -> None:
    aws.add_function(ARN, package("code"))
    aws.answers["/code/3"] = 200, package("another")
    versions, folder = LambdaVersions(region="eu-west-1"), RunFolder(tmp_path / "RUN")
    folder.claim(RUN)
    with pytest.raises(CommandError, match="is not the code: its hash differs"):
        folder.fetch_code(versions.get(ARN), versions, place=folder.path)
    assert [each.name for each in folder.path.iterdir()] == ["run.json"]


def test_a_download_that_fails_or_does_not_end_is_one_line_without_the_signed_address(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.add_function(ARN, package("code"))
    versions = LambdaVersions(region="eu-west-1")
    code = versions.get(ARN).code
    monkeypatch.setattr(of_fnrun, "MAX_BYTES", 10)
    with pytest.raises(CommandError, match="larger than anything that Lambda takes"):
        versions.download(code, tmp_path / "a.zip")
    aws.answers["/code/3"] = 403, b"expired"
    with pytest.raises(CommandError) as failed:
        versions.download(code, tmp_path / "a.zip")
    assert failed.value.message == "the code could not be downloaded (HTTPStatusError)"
    assert failed.value.__cause__ is None


def test_why_aws_does_not_give_a_version_is_one_line(aws: Aws) -> None:
    gone = failure()
    assert gone.message == f"{ARN} no longer exists in AWS"
    for status, code, exit_code, message in (
        (403, "AccessDeniedException", Exit.NOT_PERMITTED, f"Your AWS credentials may not read {ARN}"),
        (403, "ExpiredTokenException", Exit.NOT_PERMITTED, "AWS does not accept your credentials, or you have none"),
        (
            400,
            "UnrecognizedClientException",
            Exit.NOT_PERMITTED,
            "AWS does not accept your credentials, or you have none",
        ),
        (500, "ServiceException", Exit.NOT_REACHED, f"AWS gave no answer about {ARN}: ServiceException"),
    ):
        aws.refuse(PATH, status, code)
        refused = failure()
        assert (refused.message, refused.exit_code) == (message, exit_code)


def test_an_image_is_not_code_that_can_be_brought_here(aws: Aws) -> None:
    aws.add_function(ARN, b"", PackageType="Image")
    aws.answers[PATH][1]["Code"] = {"ImageUri": "registry/orders:1", "ResolvedImageUri": "registry/orders@sha256:1"}
    refused = failure()
    assert (refused.message, refused.next_step) == (
        f"{ARN} is a container image, and its code is in that",
        "docker pull registry/orders@sha256:1",
    )


def test_without_credentials_or_an_answer_one_line_says_so(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert failure().message == f"AWS gave no answer about {ARN}: EndpointConnectionError"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert failure().exit_code == Exit.NOT_PERMITTED
    with pytest.raises(CommandError, match="There is no such AWS profile"):
        LambdaVersions(region="eu-west-1", profile="missing")


def test_names_that_aws_hides_are_said_to_be_hidden(aws: Aws, tmp_path: Path) -> None:
    aws.add_function(ARN, package(""), Environment={"Error": {"ErrorCode": "AccessDeniedException"}})
    folder = RunFolder(tmp_path / "RUN")
    folder.claim(RUN)
    folder.write_env_example(LambdaVersions(region="eu-west-1").get(ARN))
    assert folder.env_example.read_text() == "# AWS does not show the names of this function's variables.\n"


def test_the_folder_is_its_owner_s_only_and_holds_no_content_but_the_event(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "RUN")
    folder.check("43b603bd-1")
    folder.claim(RUN)
    folder.write_event(RUN)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert {each.name: each.stat().st_mode & 0o777 for each in folder.path.iterdir()} == {
        "run.json": 0o600,
        "event.json": 0o600,
    }
    assert folder.event.read_text() == '{\n  "a": 1\n}\n'
    assert '"x"' not in (folder.path / "run.json").read_text()
    folder.write_event({**RUN, "parametersFormat": "raw", "parameters": '{"a":1,"a":2}'})
    assert folder.event.read_text() == '{"a":1,"a":2}'


@pytest.mark.parametrize("content", [None, '{"id": "another"}', "no json", "[]"])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, content: str | None) -> None:
    folder = RunFolder(tmp_path / "RUN")
    folder.path.mkdir()
    folder.check("43b603bd-1")
    file = folder.path / ("other.txt" if content is None else "run.json")
    file.write_text(content or "mine")
    with pytest.raises(CommandError, match="holds something else"):
        folder.check("43b603bd-1")
    with pytest.raises(CommandError, match="holds something else"):
        RunFolder(file).check("43b603bd-1")


def test_what_it_writes_does_not_follow_a_link(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "RUN")
    folder.claim(RUN)
    (tmp_path / "mine").write_text("mine")
    folder.event.symlink_to(tmp_path / "mine")
    folder.write_event(RUN)
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_function_without_layers_has_an_empty_folder_of_them(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "RUN")
    folder.claim(RUN)
    nothing = LambdaVersions(region="eu-west-1", endpoint="http://127.0.0.1:9")
    assert list(folder.fetch_layers(a_version(), nothing, place=folder.path).iterdir()) == []

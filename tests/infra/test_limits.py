"""What is too large for AWS stops the synthesis, and the message names the key of the context."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra import ROOT
from infra.limits import ENVIRONMENT_BYTES, INLINE_POLICY_BYTES, TooLargeError, check_limits
from infra.settings import Settings
from tests.infra.template import INVOKABLE, Synthesise

STACK = "FunctionRerun"


def checked(synthesise: Synthesise, **context: Any) -> None:
    check_limits(synthesise(**context).template, Settings.model_validate(context), stack_name=STACK)


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"invokableFunctions": {f"team-{n}": [INVOKABLE] for n in range(20)}},
        {
            "invokableFunctions": {"acme": [INVOKABLE]},
            "otherBuses": {"acme": ["default"]},
            "deleteUnusedVersions": True,
        },
    ],
)
def test_what_fits_is_synthesised(synthesise: Synthesise, context: dict[str, Any]) -> None:
    checked(synthesise, **context)


def test_patterns_that_do_not_fit_into_an_environment_are_refused_by_their_key(synthesise: Synthesise) -> None:
    with pytest.raises(
        TooLargeError, match=r"environment of FunctionRerun-.*AWS takes at most 4,096.*: invokableFunctions \("
    ):
        checked(synthesise, invokableFunctions={f"team-{n}": [INVOKABLE] for n in range(100)})


def test_buses_that_do_not_fit_into_an_environment_are_refused_by_their_key(synthesise: Synthesise) -> None:
    with pytest.raises(TooLargeError, match=r"environment of FunctionRerun-.*: otherBuses \("):
        checked(synthesise, otherBuses={"acme": [f"{n:02}" + "b" * 200 for n in range(20)]})


def test_short_names_of_buses_that_do_not_fit_into_a_policy_are_refused_by_their_key(synthesise: Synthesise) -> None:
    with pytest.raises(TooLargeError, match=r"policy of the role .*: otherBuses \("):
        checked(synthesise, otherBuses={"acme": [f"b{n}" for n in range(200)]})


def template_of(variables: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {"FunctionName": "f", "Environment": {"Variables": variables}}
    return {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}, **more}}


class TestEnvironment:
    """It is one JSON text of at most 4,096 bytes."""

    @pytest.mark.parametrize("quotes", [0, 100])
    def test_it_counts_as_json_in_which_quotes_are_escaped(self, quotes: int) -> None:
        room = ENVIRONMENT_BYTES - len('{"A":""}')
        value = quotes * '"' + (room - 2 * quotes) * "x"
        check_limits(template_of({"A": value}), Settings(), stack_name=STACK)
        with pytest.raises(TooLargeError, match="4,097 bytes"):
            check_limits(template_of({"A": value + "x"}), Settings(), stack_name=STACK)

    @pytest.mark.parametrize(
        ("reference", "resource", "longest"),
        [
            ({"Ref": "R"}, {"Type": "AWS::DynamoDB::Table"}, "FunctionRerun-R-XXXXXXXXXXXXX"),
            ({"Ref": "R"}, {"Type": "AWS::Events::EventBus", "Properties": {"Name": "bus"}}, "bus"),
            (
                {"Ref": "R"},
                {"Type": "AWS::SQS::Queue"},
                "https://sqs.us-isof-south-1.amazonaws.com.cn/123456789012/FunctionRerun-R-XXXXXXXXXXXXX",
            ),
            (
                {"Fn::GetAtt": ["R", "Arn"]},
                {"Type": "AWS::KMS::Key"},
                "arn:aws-us-gov:kms:us-isof-south-1:123456789012:key/12345678-1234-1234-1234-123456789012",
            ),
            (
                {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":", {"Ref": "AWS::Region"}]]},
                {"Type": "AWS::DynamoDB::Table"},
                "arn:aws-us-gov:us-isof-south-1",
            ),
        ],
    )
    def test_what_only_the_deployment_knows_counts_as_long_as_it_may_become(
        self, reference: Any, resource: dict[str, Any], longest: str
    ) -> None:
        room = ENVIRONMENT_BYTES - len(json.dumps({"A": longest, "B": ""}, separators=(",", ":")))
        check_limits(template_of({"A": reference, "B": room * "x"}, R=resource), Settings(), stack_name=STACK)
        with pytest.raises(TooLargeError):
            check_limits(template_of({"A": reference, "B": room * "x" + "x"}, R=resource), Settings(), stack_name=STACK)


class TestPolicies:
    """All inline policies of a role count together, without white space; each managed one by itself."""

    def policies(self, kind: str, *sizes: int) -> dict[str, Any]:
        document = {"Statement": [{"Effect": "Allow", "Resource": ""}]}
        empty = len(json.dumps(document, separators=(",", ":")))
        resources: dict[str, Any] = {"Role": {"Type": "AWS::IAM::Role"}}
        for number, size in enumerate(sizes):
            filled = copy.deepcopy(document)
            filled["Statement"][0]["Resource"] = (size - empty) * "r" + 100 * " "
            resources[f"P{number}"] = {
                "Type": kind,
                "Properties": {"Roles": [{"Ref": "Role"}], "PolicyDocument": filled},
            }
        return {"Resources": resources}

    @pytest.mark.parametrize(
        ("kind", "fits", "does_not"),
        [
            ("AWS::IAM::Policy", (INLINE_POLICY_BYTES,), (INLINE_POLICY_BYTES + 1,)),
            ("AWS::IAM::Policy", (5000, 5240), (5000, 5241)),
            ("AWS::IAM::ManagedPolicy", (6144, 6144), (100, 6145)),
            ("AWS::IAM::ManagedPolicy", (100,) * 10, (100,) * 11),
        ],
    )
    def test_a_role_has_room_for_so_much(self, kind: str, fits: tuple[int, ...], does_not: tuple[int, ...]) -> None:
        check_limits(self.policies(kind, *fits), Settings(), stack_name=STACK)
        with pytest.raises(TooLargeError, match="of the role Role"):
            check_limits(self.policies(kind, *does_not), Settings(), stack_name=STACK)

    def test_a_pattern_counts_with_and_without_its_versions_and_is_named_by_its_key(self) -> None:
        template = self.policies("AWS::IAM::Policy", INLINE_POLICY_BYTES)
        (statement,) = template["Resources"]["P0"]["Properties"]["PolicyDocument"]["Statement"]
        statement["Resource"] = [statement["Resource"], INVOKABLE, f"{INVOKABLE}:*"]
        settings = Settings.model_validate({"invokableFunctions": {"acme": [INVOKABLE]}})
        size = 2 * len(INVOKABLE) + len(":*") + 2 * len('"",')
        with pytest.raises(TooLargeError, match=rf"invokableFunctions \({size} bytes\)"):
            check_limits(template, settings, stack_name=STACK)


def test_the_app_ends_with_the_message_and_no_traceback(tmp_path: Path) -> None:
    context = {"local": True, "invokableFunctions": {f"team-{n}": [INVOKABLE] for n in range(100)}}
    environment = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path)}
    command = [sys.executable, "-m", "infra.app"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "Shorten in the context, by wider patterns for example: invokableFunctions" in ran.stderr
    assert "Traceback" not in ran.stderr

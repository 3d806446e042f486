"""The stack is synthesised once; each test reads the same JSON."""

from pathlib import Path
from typing import Any

import aws_cdk
import pytest
from aws_cdk.assertions import Template

from infra.settings import Settings
from infra.stack import FunctionRerunStack
from tests.infra.template import CERTIFICATE, INVOKABLE, Resource, Stack, Synthesise


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Synthesise:
    layer = tmp_path_factory.mktemp("layer")
    (layer / "dependency.py").touch()

    def synthesised(**context: Any) -> Stack:
        app = aws_cdk.App(context=context, outdir=str(tmp_path_factory.mktemp("cdk.out")))
        settings = Settings.of(app.node)
        directory: Path | None = None if settings.local else layer
        stack = FunctionRerunStack(app, "FunctionRerun", settings=settings, layer_directory=directory)
        return Stack(dict(Template.from_stack(stack).to_json()))

    return synthesised


@pytest.fixture(scope="session")
def stack(synthesise: Synthesise) -> Stack:
    return synthesise(invokableFunctions={"acme": [INVOKABLE]})


@pytest.fixture(scope="session")
def sweeping(synthesise: Synthesise) -> Stack:
    """The stack of a team that has versions deleted."""
    return synthesise(invokableFunctions={"acme": [INVOKABLE]}, deleteUnusedVersions=True)


@pytest.fixture(scope="session")
def optional(synthesise: Synthesise) -> Stack:
    """The stack of a team that has asked for everything that is left out unless it is asked for."""
    return synthesise(
        invokableFunctions={"acme": [INVOKABLE]},
        deleteUnusedVersions=True,
        maxConcurrentExecutionsPerWorkspace=5,
        requireReason=True,
    )


@pytest.fixture(scope="session")
def decided(synthesise: Synthesise) -> Stack:
    """The stack of a team that has decided everything for itself."""
    return synthesise(
        invokableFunctions={"*": [INVOKABLE], "acme": [INVOKABLE]},
        issuer="https://acme.eu.auth0.com/",
        audience=["https://api.acme.example"],
        loginClientId="a-login-client",
        domainName="runs.acme.example",
        certificateArn=CERTIFICATE,
        deletionProtection=True,
        userPoolDomainPrefix="acme-runs",
        retentionDays=7,
        auditRetentionDays=8,
        maxRerunsPerLineage=3,
        maxConcurrentExecutionsPerWorkspace=5,
        logRetentionDays=30,
        apiRequestsPerSecond=5,
        trustTriggerBusSenders=True,
        alarmTopicArn="arn:aws:sns:eu-west-1:123456789012:on-call",
        errorGroupTopicArn="arn:aws:sns:eu-west-1:123456789012:errors",
    )


@pytest.fixture
def table(stack: Stack) -> Resource:
    return stack.one("AWS::DynamoDB::Table")

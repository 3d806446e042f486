"""What stands in `cdk.json`, and the CDK's own names, for programs that do not load the CDK."""

import json
from typing import Any

from infra import ROOT

STACK_NAME = "FunctionRerun"
"""Unless the context says otherwise."""
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
"""The SSM parameter that says that the CDK can deploy here; hnb659fds is its default qualifier."""

_FILE = ROOT / "cdk.json"


def declared_context() -> dict[str, Any]:
    context: dict[str, Any] = json.loads(_FILE.read_text()).get("context", {}) if _FILE.exists() else {}
    return context


def declared_stack_name() -> str:
    return str(declared_context().get("stackName", STACK_NAME))

"""What stands in `cdk.json`, for programs that do not load the CDK."""

import json
from pathlib import Path
from typing import Any

STACK_NAME = "FunctionRerun"
"""Unless the context says otherwise."""

_FILE = Path(__file__).parent.parent / "cdk.json"


def declared_context() -> dict[str, Any]:
    context: dict[str, Any] = json.loads(_FILE.read_text()).get("context", {}) if _FILE.exists() else {}
    return context


def declared_stack_name() -> str:
    return str(declared_context().get("stackName", STACK_NAME))

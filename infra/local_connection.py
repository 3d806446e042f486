"""Where the local stack is, for those who use it without starting it: `make up` leaves a file that says so."""

import json
import os
from pathlib import Path
from typing import Any

import httpx

STACK_FILE = "stack.json"
TOKEN_FILE = "token.json"  # noqa: S105 - the name of a file
"""An access token for the command line, mode 600: {"accessToken", "expiresAt"}, a timestamp in UTC."""
ANSWER_SECONDS = 10.0
_UNSET = (None, None, None, None)
_NOWHERE = (None, None, os.devnull, None)
ISOLATED: Any = {"profile": _UNSET, "config_file": _NOWHERE, "credentials_file": _NOWHERE}
"""Variables of a botocore session that reads nothing of the caller's AWS configuration."""
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
"""The emulator's root credentials."""


class NotUpError(RuntimeError):
    def __init__(self, directory: Path) -> None:
        super().__init__(f"Nothing is up in {directory}. Bring it up first: make up")


def read_stack_file(directory: Path) -> dict[str, Any]:
    """Empty if there is none."""
    file = directory / STACK_FILE
    described: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return described


def is_healthy(emulator_url: str) -> bool:
    try:
        answer = httpx.get(f"{emulator_url}/_ministack/health", timeout=ANSWER_SECONDS, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK

"""The local stack, which is found without being named once `make up` has started it."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fnrun.connection.addresses import is_loopback
from fnrun.connection.checkouts import checkouts, is_confirmed, register, unconfirmed
from fnrun.connection.claims import claims_of, expiry_of
from fnrun.connection.files import config_directory, write_private
from fnrun.errors import CommandError, Exit

WORKSPACE = "acme"
GRANT = f"{WORKSPACE}/*:*"
NEXT_STEP = "start it with: fnrun local up (or make up)"
TOKEN_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    directory: Path
    """Where it keeps its files: `.local` of the checkout."""
    checkout: Path
    api_url: str
    aws_endpoint_url: str
    """The emulator's."""
    region: str
    outputs: Mapping[str, str]
    """Of the stack's CloudFormation outputs, by name; `samples` are those of the sample functions."""
    samples: Mapping[str, str]

    def stored_token(self) -> str | None:
        """The token that `make up` has left; it may be refused by now."""
        try:
            token = json.loads(self._token_file.read_text(encoding="utf-8"))["accessToken"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return token if isinstance(token, str) else None

    def new_token(self) -> str:
        """Made by the checkout's own program, because only that knows the emulator's keys. Raises CommandError."""
        command = [
            str(_python_of(self.checkout)),
            "-m",
            "infra.local",
            "token",
            "--grant",
            GRANT,
            "--directory",
            str(self.directory),
        ]
        try:
            # The token comes by a pipe, not by an argument.
            made = subprocess.run(  # noqa: S603 - the checkout's own interpreter
                command, cwd=self.checkout, capture_output=True, text=True, timeout=TOKEN_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            raise _no_token() from None
        token = made.stdout.strip().rsplit("\n", 1)[-1].strip()
        if made.returncode or token.count(".") != 2:  # noqa: PLR2004 - a JWT's parts are header, claims, signature
            raise _no_token()
        write_private(self._token_file, json.dumps({"accessToken": token, "expiresAt": _expiry(token)}) + "\n")
        return token

    @property
    def _token_file(self) -> Path:
        return self.directory / "token.json"


def find() -> LocalStack | None:
    """The nearest, if it may be used."""
    stack = nearest()
    return stack if stack and is_confirmed(stack.checkout) else None


def found() -> LocalStack:
    """Raises CommandError if there is none, or it may not be used."""
    stack = nearest()
    if stack is None:
        raise CommandError("No local stack was found here", NEXT_STEP, Exit.NOT_REACHED)
    return confirmed(stack)


def nearest() -> LocalStack | None:
    """Of this directory or the nearest above it, else of the checkout that `fnrun` came from. It may be anybody's."""
    return next((stack for checkout in checkouts() if (stack := _load(checkout))), None)


def confirmed(stack: LocalStack) -> LocalStack:
    """Raises CommandError if it is not: another one is not used instead, which is not the one that its user sees."""
    if not is_confirmed(stack.checkout):
        raise unconfirmed(stack.checkout)
    return stack


def checkout(*, is_to_be_started: bool = False) -> Path:
    """The one whose program may be run, up or not. Raises CommandError.

    Who starts the stack of the current directory confirms that.
    """
    found = next((each for each in checkouts() if _is_ours(each / "infra" / "local" / "__main__.py")), None)
    if found is None:
        raise CommandError(
            "The local stack is started from a checkout of Function Re-run, and none was found here",
            "go to the checkout, and call it there",
            Exit.NOT_REACHED,
        )
    if is_to_be_started and found == Path.cwd():
        _register(found)
    elif not is_confirmed(found):
        raise unconfirmed(found)
    return found


def _register(checkout: Path) -> None:
    try:
        register(checkout)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CommandError(
            f"{config_directory()} cannot be written: {why}", "name another folder: FNRUN_CONFIG_DIR", Exit.USAGE
        ) from None


def python_of(checkout: Path) -> Path:
    """The interpreter of the local stack, which has all that it needs. Raises CommandError if it is not installed."""
    python = _python_of(checkout)
    if not python.exists():
        raise CommandError(f"{checkout} is not installed", f"make -C {checkout} install", Exit.USAGE)
    return python


def _python_of(checkout: Path) -> Path:
    return checkout / ".venv" / "bin" / "python"


def _load(checkout: Path) -> LocalStack | None:
    file = checkout / ".local" / "stack.json"
    try:
        if not _is_ours(file):
            return None
        described: Any = json.loads(file.read_text(encoding="utf-8"))
        found = LocalStack(
            directory=checkout / ".local",
            checkout=checkout,
            api_url=str(described["apiUrl"]).rstrip("/"),
            aws_endpoint_url=str(described["awsEndpointUrl"]).rstrip("/"),
            region=str(described["region"]),
            outputs=dict(described["outputs"]),
            samples=dict(described["samples"]),
        )
        return found if is_loopback(found.api_url) and is_loopback(found.aws_endpoint_url) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _is_ours(file: Path) -> bool:
    """Whether it is there, and this user wrote it. In a folder that all share, another's could name programs to run."""
    return file.is_file() and (os.name != "posix" or file.stat().st_uid == os.getuid())


def _expiry(token: str) -> str:
    expiry = datetime.fromtimestamp(expiry_of(claims_of(token)) or 0, UTC)
    return expiry.isoformat(timespec="seconds").replace("+00:00", "Z")


def _no_token() -> CommandError:
    return CommandError("The local stack gave no token", NEXT_STEP, Exit.NOT_REACHED)

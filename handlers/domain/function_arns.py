"""Which Lambda functions may be registered, by their ARNs."""

import re
from typing import Protocol

from handlers.domain.errors import InvalidRequest

# An executor waits for a function inside its own 15 minutes: this leaves it a minute to record the outcome.
MAX_TIMEOUT_SECONDS = 840
# The version of code that has no number of its own yet. It moves on with each deploy.
LATEST = "$LATEST"

_LAMBDA_ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:(?P<qualifier>[A-Za-z0-9_$-]{1,128}))?"
)


class FunctionCatalogue(Protocol):
    """What is known of the Lambda functions themselves."""

    def timeout_seconds(self, function_arn: str) -> int | None:
        """The timeout of the function's current code; None if there is no such function, or none we may see."""


class InvokablePatterns:
    """Which Lambda functions a workspace may register: ARN patterns by workspace, `*` matching within them.

    The workspace `*` stands for every workspace. The stack's own functions are never among them.
    """

    def __init__(self, patterns: dict[str, list[str]], *, own_functions: str) -> None:
        self._patterns = patterns
        self._own_functions = own_functions

    def allows(self, workspace: str, function_arn: str) -> bool:
        return self.includes(workspace, function_arn) and not _matches(self._own_functions, base_arn(function_arn))

    def includes(self, workspace: str, function_arn: str) -> bool:
        """Whether the context permits it, as it is now. The stack's own functions may be among what it names."""
        base = base_arn(function_arn)
        patterns = [*self._patterns.get(workspace, []), *self._patterns.get("*", [])]
        return any(_matches(pattern, base) for pattern in patterns)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def is_function_arn(text: str) -> bool:
    """Whether it may be the ARN of a Lambda that is registered, whatever its alias or version."""
    return _LAMBDA_ARN.fullmatch(base_arn(text)) is not None


def base_arn(function_arn: str) -> str:
    """A Lambda ARN without its alias or version."""
    return ":".join(function_arn.split(":")[:7])


def check_function_arn(
    function_arn: str, *, workspace: str, allowed: InvokablePatterns, catalogue: FunctionCatalogue
) -> None:
    """Refuse what could not be run as promised. Raises InvalidRequest naming `functionArn`."""
    match = _LAMBDA_ARN.fullmatch(function_arn)
    if match is None:
        raise InvalidRequest("functionArn", "must be the ARN of a Lambda function, with or without an alias.")
    alias = match["qualifier"]
    if alias is not None and (alias.isdigit() or alias.startswith("$")):
        raise InvalidRequest("functionArn", "must name the function or an alias of it, not a version.")
    if not allowed.allows(workspace, function_arn):
        raise InvalidRequest(
            "functionArn", "is not a function that this workspace may invoke (the setting invokableFunctions)."
        )
    timeout = catalogue.timeout_seconds(function_arn)
    if timeout is None:
        region, account = function_arn.split(":")[3:5]
        raise InvalidRequest(
            "functionArn", f"names no function that this service can see in account {account} and region {region}."
        )
    if timeout > MAX_TIMEOUT_SECONDS:
        raise InvalidRequest(
            "functionArn", f"has a timeout of {timeout} s; {MAX_TIMEOUT_SECONDS} s is the most that can be awaited."
        )

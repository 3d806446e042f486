"""Which code a Lambda function has now, as a version that never changes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from handlers.aws import aws_errors, lambda_errors
from handlers.domain.errors import Unavailable
from handlers.domain.function_arns import LATEST, base_arn
from handlers.domain.runs.outcome import ACCESS_DENIED, STATE_FAILED, VERSION_NOT_FOUND, PermanentFailure, RetryLater
from handlers.domain.runs.run import Pin

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# Lambda answers 100 GetFunction a second per account, and 15 of all other calls of its control plane together.
# So GetFunction it is, although only the configuration is read, and bursts of runs share one answer.
CACHE_SECONDS = 3.0
# Marks the versions that this service publishes: only these may be deleted by the sweep.
DESCRIPTION = "Published by Function Re-run"


class FunctionCode:
    def __init__(
        self, client: "LambdaClient", *, marks_versions: bool, hash_of: Callable[[dict[str, Any]], str | None]
    ) -> None:
        """`marks_versions`: say of what is published that it was published here, so that it may be deleted some day.

        `hash_of` gives the hash of a configuration; it may raise RetryLater.
        """
        self._client = client
        self._hash_of = hash_of
        # Only where it is asked for: AWS does not say whether another description is a change worth a new version.
        self._described: dict[str, Any] = {"Description": DESCRIPTION} if marks_versions else {}
        self._recent: dict[str, tuple[float, Pin]] = {}
        # What $LATEST was when it was published. A change of the environment keeps the code's hash, so the
        # modification time belongs to the key.
        self._published: dict[tuple[str, str, str], Pin] = {}

    def current(self, function_arn: str, *, refresh: bool) -> Pin:
        at = time.monotonic()
        recent = self._recent.get(function_arn)
        if recent and not refresh and at - recent[0] < CACHE_SECONDS:
            return recent[1]
        pin = self._resolve(function_arn)
        self._recent[function_arn] = (at, pin)
        return pin

    def read(self, function_arn: str) -> Pin:
        """What the ARN names now, and nothing is published: code that has no number yet has the version `$LATEST`.

        Raises RetryLater, also while the code is being changed, or PermanentFailure.
        """
        return self._pin(function_arn, self._usable(function_arn))

    def evict(self, pin: Pin) -> None:
        """The version is gone, whatever was remembered of it: someone has deleted it."""
        self._recent = {arn: recent for arn, recent in self._recent.items() if recent[1] != pin}
        self._published = {state: known for state, known in self._published.items() if known != pin}

    def check_state(self, pin: Pin) -> None:
        _check_state(pin.function_version_arn, self._configuration(pin.function_version_arn))

    def timeout_seconds(self, function_arn: str) -> int | None:
        """The timeout of the current code; None if there is no such function, or none we may see."""
        try:
            with _translated(function_arn):
                return self._client.get_function_configuration(FunctionName=function_arn)["Timeout"]
        except RetryLater as fault:
            raise Unavailable from fault
        except PermanentFailure:
            return None

    def _resolve(self, function_arn: str) -> Pin:
        configuration = self._usable(function_arn)
        if configuration["Version"] != LATEST:
            return self._pin(function_arn, configuration)
        state = (base_arn(function_arn), configuration["CodeSha256"], configuration["LastModified"])
        if state not in self._published:
            self._published[state] = self._pin(function_arn, self._publish(base_arn(function_arn)))
        return self._published[state]

    def _usable(self, function_arn: str) -> dict[str, Any]:
        configuration = self._configuration(function_arn)
        _check_state(function_arn, configuration)
        is_changing = configuration.get("State") == "Pending" or configuration.get("LastUpdateStatus") == "InProgress"
        if is_changing and configuration["Version"] == LATEST:
            raise RetryLater("FunctionBeingUpdated")
        return configuration

    def _configuration(self, function_arn: str) -> dict[str, Any]:
        with _translated(function_arn):
            return dict(self._client.get_function(FunctionName=function_arn)["Configuration"])

    def _publish(self, function_arn: str) -> dict[str, Any]:
        # Unchanged since the last version, Lambda answers with that version, its own description included.
        with _translated(function_arn):
            return dict(self._client.publish_version(FunctionName=function_arn, **self._described))

    def _pin(self, function_arn: str, configuration: dict[str, Any]) -> Pin:
        version = configuration["Version"]
        return Pin(
            function_version_arn=f"{base_arn(function_arn)}:{version}",
            function_version=version,
            function_code_hash=configuration["CodeSha256"],
            timeout_seconds=int(configuration["Timeout"]),
            config_hash=self._hash_of(configuration),
        )


def _check_state(function_arn: str, configuration: dict[str, Any]) -> None:
    """A function is in the state Failed until it is deleted and made again, a version for ever: PermanentFailure.

    A *change* that failed (`LastUpdateStatus`) is something else: the code from before it can be used.
    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    if configuration.get("State") == "Failed":
        reason = configuration.get("StateReasonCode", "no reason given")
        raise PermanentFailure(STATE_FAILED, f"{function_arn} is in the state Failed: {reason}.")


@contextmanager
def _translated(function_arn: str) -> Iterator[None]:
    """Lambda's control plane, in the domain's words."""
    try:
        yield
    except aws_errors.OF_BOTOCORE as error:
        raise RetryLater("ConnectionFailed") from error
    except ClientError as error:
        code = aws_errors.code(error)
        if code not in lambda_errors.CONTROL_NEVER and (
            code in lambda_errors.CONTROL_LATER or aws_errors.is_passing(error.response)
        ):
            raise RetryLater(code) from error
        raise unusable(code, function_arn) from error


def unusable(code: str, function_arn: str) -> PermanentFailure:
    """Lambda's lasting refusals as an error code and a sentence for the run."""
    if code == "ResourceNotFoundException":
        return PermanentFailure(VERSION_NOT_FOUND, f"{function_arn} does not exist. It may have been deleted.")
    if code in ("AccessDeniedException", "AccessDenied"):
        return PermanentFailure(ACCESS_DENIED, f"This installation may not use {function_arn}: see invokableFunctions.")
    return PermanentFailure(code, f"Lambda refused to use {function_arn}: {code}.")

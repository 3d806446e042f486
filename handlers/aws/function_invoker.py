"""Invoke one version of a Lambda function, once, and read what came of it."""

import base64
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from handlers.aws import aws_errors, lambda_errors
from handlers.aws.function_code import unusable
from handlers.domain.runs.outcome import NotReady, Outcome, OutcomeUnknown, PermanentFailure, Postponed, RetryLater
from handlers.domain.runs.run import FunctionRun, Pin, Status

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import InvocationResponseTypeDef

# Lambda's clock and ours may run apart so far. The request's way there and back only adds to what is measured here.
CLOCKS_DIFFER_SECONDS = 0.1


class FunctionInvoker:
    def __init__(self, client: "LambdaClient", *, now: Callable[[], float] = time.monotonic) -> None:
        """`client` must not retry and must be patient: a repeated Invoke runs the function twice.

        `now` is a clock that only goes forward, in seconds.
        """
        self._client = client
        self._now = now

    def invoke(self, pin: Pin, parameters: bytes, run: FunctionRun) -> Outcome:
        """The full version ARN is invoked, so that only the exact version's permission is needed."""
        started = self._now()
        try:
            answer = self._client.invoke(
                FunctionName=pin.function_version_arn,
                InvocationType="RequestResponse",
                LogType="Tail",
                ClientContext=_client_context(run),
                Payload=parameters,
            )
        except ClientError as error:
            raise _refused(error, pin) from error
        except Exception as error:  # a broken connection, or what botocore makes of an answer that is none of AWS's
            raise OutcomeUnknown("ConnectionFailed") from error
        return _outcome(answer, used_up_its_time=self._used_up_its_time(pin, started))

    def _used_up_its_time(self, pin: Pin, started: float) -> bool:
        seconds = self._now() - started
        return pin.timeout_seconds is not None and seconds >= pin.timeout_seconds - CLOCKS_DIFFER_SECONDS


def _outcome(answer: "InvocationResponseTypeDef", *, used_up_its_time: bool) -> Outcome:
    """From here on nothing raises: the function has been executed, and Lambda's headers say how it ended."""
    logs = _logs(answer.get("LogResult", ""))
    payload = _read(answer["Payload"])
    if "FunctionError" in answer:
        return Outcome.of_failed_invocation(payload or b"", logs, used_up_its_time=used_up_its_time)
    return Outcome(Status.COMPLETED, result=payload, logs=logs, result_lost=payload is None)


def _logs(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded)
    except ValueError:
        return b""


def _read(payload: "StreamingBody") -> bytes | None:
    """None if the connection broke before its end."""
    try:
        return payload.read()
    except Exception:  # noqa: BLE001 - whatever a broken connection, or what was sent over it, makes of it
        return None


def _client_context(run: FunctionRun) -> str:
    """What the function may read of its run, flat strings only: some runtimes take nothing else."""
    custom = {
        "functionRunId": run.id,
        "functionRunOriginalId": run.lineage_id,
        "functionRunSourceId": run.source_run_id or run.id,
        "functionRunAttempt": str(run.execution_attempts),
        "functionRunEffectKey": run.effects_under,
    }
    return base64.b64encode(json.dumps({"custom": custom}).encode()).decode()


def _refused(error: ClientError, pin: Pin) -> Postponed | PermanentFailure:
    code = aws_errors.code(error)
    if code in lambda_errors.NOT_READY:
        return NotReady(code)
    if code in lambda_errors.LATER:
        return RetryLater(code)
    if code in lambda_errors.NEVER:
        return unusable(code, pin.function_version_arn)
    if code in lambda_errors.UNKNOWN or aws_errors.is_passing(error.response):
        return OutcomeUnknown(code)
    return unusable(code, pin.function_version_arn)

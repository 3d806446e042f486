"""Invoke one version of a Lambda function, once, and read what came of it."""

import base64
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from handlers.aws import aws_errors, lambda_errors
from handlers.aws.function_code import unusable
from handlers.domain.runs.outcome import NotReady, NotYet, Outcome, Postponed, Uncertain, Unusable
from handlers.domain.runs.run import FunctionRun, Pin, Status

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

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
            payload = answer["Payload"].read()
        except ClientError as error:
            raise _refused(error, pin) from error
        except BotoCoreError as error:
            raise Uncertain("ConnectionFailed") from error
        logs = base64.b64decode(answer.get("LogResult", ""))
        if "FunctionError" not in answer:
            return Outcome(Status.COMPLETED, result=payload, logs=logs)
        seconds = self._now() - started
        used_up_its_time = pin.timeout_seconds is not None and seconds >= pin.timeout_seconds - CLOCKS_DIFFER_SECONDS
        return Outcome.of_failed_invocation(payload, logs, used_up_its_time=used_up_its_time)


def _client_context(run: FunctionRun) -> str:
    """What the function may read of its run, flat strings only: some runtimes take nothing else."""
    custom = {
        "functionRunId": run.id,
        "functionRunOriginalId": run.lineage_id,
        "functionRunSourceId": run.source_run_id or run.id,
        "functionRunAttempt": str(run.execution_attempts),
    }
    return base64.b64encode(json.dumps({"custom": custom}).encode()).decode()


def _refused(error: ClientError, pin: Pin) -> Postponed | Unusable:
    code = aws_errors.code(error)
    if code in lambda_errors.NOT_READY:
        return NotReady(code)
    if code in lambda_errors.LATER:
        return NotYet(code)
    if code in lambda_errors.NEVER:
        return unusable(code, pin.function_version_arn)
    if code in lambda_errors.UNKNOWN or aws_errors.is_passing(error.response):
        return Uncertain(code)
    return unusable(code, pin.function_version_arn)

"""Invoke one version of a Lambda function, once, and read what came of it."""

import base64
import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from handlers.aws import aws_errors
from handlers.aws.function_code import unusable
from handlers.domain.runs.outcome import NotYet, Outcome, Postponed, Uncertain, Unusable
from handlers.domain.runs.run import FunctionRun, Pin, Status

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# Not executed, and worth another try: throttled, cold after weeks, or still being set up.
_LATER = aws_errors.THROTTLES | {
    "CodeArtifactUserPendingException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "EFSMountConnectivityException",
    "EFSMountTimeoutException",
    "ENILimitReachedException",
    "ENINotReadyException",
    "ResourceConflictException",
    "ResourceNotReadyException",
    "SnapStartNotReadyException",
    "SnapStartTimeoutException",
    "SubnetIPAddressLimitReachedException",
}
# Not executed either, and somebody has to mend it. Lambda says so with 502, as if it were its own fault.
_NEVER = frozenset(
    {
        "EC2AccessDeniedException",
        "InvalidRuntimeException",
        "InvalidSecurityGroupIDException",
        "InvalidSubnetIDException",
        "InvalidZipFileException",
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
    }
)


class FunctionInvoker:
    def __init__(self, client: "LambdaClient") -> None:
        """`client` must not retry and must be patient: a repeated Invoke runs the function twice."""
        self._client = client

    def invoke(self, pin: Pin, parameters: bytes, run: FunctionRun) -> Outcome:
        """The full version ARN is invoked, so that only the exact version's permission is needed."""
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
        return Outcome.of_failed_invocation(payload, logs)


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
    if code in _LATER:
        return NotYet(code)
    if code not in _NEVER and aws_errors.is_passing(error.response):
        return Uncertain(code)
    return unusable(code, pin.function_version_arn)

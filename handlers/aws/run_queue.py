"""The execution queue. Its messages carry a run's id and nothing else."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from handlers.aws import aws_errors
from handlers.domain.errors import Unavailable
from handlers.domain.runs.recording import to_message
from handlers.domain.runs.run import FunctionRun

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


_WAITING: Final = "ApproximateNumberOfMessages"


class RunQueue:
    def __init__(self, client: "SQSClient", url: str, report: Callable[[Exception], None]) -> None:
        """`report` receives what push does not raise."""
        self._client = client
        self._url = url
        self._report = report

    def push(self, run: FunctionRun, *, delay_seconds: int = 0) -> None:
        try:
            with aws_errors.translated():
                self._client.send_message(
                    QueueUrl=self._url,
                    MessageBody=to_message(run),
                    # Fair queues: a workspace with a backlog does not hold up the others.
                    MessageGroupId=run.workspace,
                    DelaySeconds=delay_seconds,
                )
        except Unavailable as fault:
            # The run is recorded with a deadline: the watchdog pushes it again.
            self._report(fault)

    def waiting(self) -> int:
        with aws_errors.translated():
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[_WAITING])
        return int(answer["Attributes"][_WAITING])

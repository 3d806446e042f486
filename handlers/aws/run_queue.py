"""The execution queue. Its messages carry a run's id and nothing else."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from handlers.aws import aws_errors
from handlers.domain.errors import Unavailable
from handlers.domain.runs.recording import to_message
from handlers.domain.runs.run import FunctionRun

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


# The most that SQS takes in one request.
_TOGETHER = 10
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
                    MessageGroupId=_group(run),
                    DelaySeconds=delay_seconds,
                )
        except Unavailable as fault:
            # The run is recorded with a deadline: the watchdog pushes it again.
            self._report(fault)

    def push_all(self, delayed: Sequence[tuple[FunctionRun, int]]) -> None:
        for start in range(0, len(delayed), _TOGETHER):
            try:
                self._push_together(delayed[start : start + _TOGETHER])
            except Unavailable as fault:
                self._report(fault)

    def _push_together(self, delayed: Sequence[tuple[FunctionRun, int]]) -> None:
        """Raises Unavailable if any of them was not taken."""
        with aws_errors.translated():
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": to_message(run),
                        "MessageGroupId": _group(run),
                        "DelaySeconds": delay_seconds,
                    }
                    for number, (run, delay_seconds) in enumerate(delayed)
                ],
            )
        for failed in answer.get("Failed", []):
            passes = not failed["SenderFault"] or aws_errors.is_passing_code(failed["Code"])
            raise aws_errors.fault(aws_errors.EntryRefused(failed["Code"]), passes=passes)

    def waiting(self) -> int:
        with aws_errors.translated():
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[_WAITING])
        return int(answer["Attributes"][_WAITING])


def _group(run: FunctionRun) -> str:
    """Fair queues: a workspace with a backlog holds up no other, and a batch none of its workspace's other runs."""
    return run.workspace if run.batch_id is None else f"{run.workspace}-batch"

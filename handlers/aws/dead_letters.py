"""The dead-letter queue of the execution queue: messages whose processing has failed five times."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from handlers.aws import aws_errors
from handlers.domain.errors import InvalidRunId
from handlers.domain.runs.recording import from_message
from handlers.domain.upkeep.recovery import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# Longer than a pass may take, so that none meets the same message twice; what is left alone is seen again by people.
HIDDEN_SECONDS = 120
_PAGE = 10
# A pass has other work, too.
_PAGES = 100


class DeadLetters:
    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def parseable(self) -> Iterator[DeadLetter]:
        """Raises Unavailable."""
        for _ in range(_PAGES):
            messages = self._receive()
            if not messages:
                return
            for message in messages:
                run_id = _run_id(message.get("Body", ""))
                if run_id is not None:
                    yield DeadLetter(run_id, message["ReceiptHandle"], _sent_at(message))

    def delete(self, dead_letter: DeadLetter) -> None:
        """Raises Unavailable."""
        with aws_errors.translated():
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=dead_letter.receipt)

    def _receive(self) -> "list[MessageTypeDef]":
        with aws_errors.translated():
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_PAGE,
                VisibilityTimeout=HIDDEN_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
            )
        return answer.get("Messages", [])


def _sent_at(message: "MessageTypeDef") -> datetime:
    """When it was sent to the execution queue: moving it to the dead-letter queue does not change that."""
    return datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)


def _run_id(body: str) -> str | None:
    try:
        return from_message(body)
    except InvalidRunId:
        return None

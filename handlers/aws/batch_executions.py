"""Executions of the state machine that drives batches. They know ids and numbers, and nothing else."""

import json
from typing import TYPE_CHECKING

from handlers.aws import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class BatchExecutions:
    def __init__(self, client: "SFNClient", state_machine_arn: str) -> None:
        self._client = client
        self._state_machine_arn = state_machine_arn

    def start(self, batch_id: str, generation: int) -> None:
        """Drive this generation of the batch. It has one execution at most, however often it is started.

        Raises Unavailable.
        """
        with aws_errors.translated():
            try:
                self._client.start_execution(
                    stateMachineArn=self._state_machine_arn,
                    # A name is taken for 90 days after its execution has ended.
                    name=f"{batch_id}-{generation}",
                    input=json.dumps({"batchId": batch_id, "generation": generation, "steps": 0}),
                )
            except self._client.exceptions.ExecutionAlreadyExists:
                return  # it has been started, and has perhaps ended since

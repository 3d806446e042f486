"""The dead-letter queue of the deployed stack: runs in it do not stay open, and what names no run stays for people."""

import json

from tests.stack.driver import Workspace, item_of, messages_in, until
from tests.stack.leak_story import executor_at_rest
from tests.stack.sources import lambda_of


def test_a_run_whose_message_ended_there_is_sent_once_more_and_fails_if_that_is_in_vain(workspace: Workspace) -> None:
    sqs, queue = workspace.local_stack.client("sqs"), workspace.local_stack.outputs["DeadLetterQueueUrl"]
    before = messages_in(workspace.local_stack, queue)
    with executor_at_rest(workspace.local_stack):
        run = workspace.execute(workspace.trigger_of()[0])
        for body in (json.dumps({"runId": run}), "not understood"):
            sqs.send_message(QueueUrl=queue, MessageBody=body)
        lambda_of(workspace, "watchdog", {})
        # Another pass, the minute's own, may have taken the message just before.
        until(lambda: "rs" in item_of(workspace, run))
        assert workspace.run(run)["status"] == "pending"
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"runId": run}))
        lambda_of(workspace, "watchdog", {})
        ended = until(lambda: document if (document := workspace.run(run))["status"] != "pending" else None)
        assert (ended["status"], ended["errorCode"], ended["executionAttempts"]) == ("failure", "DeliveryFailed", 0)
    error = workspace.run(run, include="error")["error"]
    assert "dead-letter queue" in error["errorMessage"]
    until(lambda: messages_in(workspace.local_stack, queue) == before + 1)
    # What was pushed for it executes nothing any more, and it can be re-run like any other.
    new = workspace.ended(workspace.rerun(run))
    assert (new["status"], workspace.run(run)["executionAttempts"]) == ("completed", 0)

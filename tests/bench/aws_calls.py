"""Which AWS calls a re-run makes, counted on the wire: `python -m tests.bench.aws_calls`.

The entry points' own stories run in this process against the deployed stack's table, key and queues.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx

from handlers.domain.audit.act import Act, Action
from handlers.domain.comparing.comparison import compare_contents, read_pair
from handlers.domain.runs.execution import execute
from handlers.domain.starting.rerun import RerunBody, RerunRequest
from handlers.settings import Settings
from handlers.wiring import Wiring
from infra.local.local_stack import LocalStack, bring_up
from tests.bench.write_units import FAILS_AT_FIRST
from tests.domain.starting.rerunning import rerun
from tests.stack.driver import Workspace


class Recorder(list[str]):
    """The AWS operations called by every client of this process, with the bytes sent."""

    def note(self, *, event_name: str, request: Any, **_: Any) -> None:
        operation = ".".join(event_name.split(".")[1:3])
        self.append(f"{operation} ({len(request.body or b'')} B)")


@contextmanager
def recorded(seal_context: str, calls: Recorder) -> Any:
    calls.clear()
    yield
    print(f"\n{seal_context}: {len(calls)} AWS calls")
    for number, call in enumerate(calls, start=1):
        print(f"  {number}. {call}")


def wired(local_stack: LocalStack, calls: Recorder) -> Wiring:
    """An entry point's wiring, pointed at the emulator, as fresh as a new container."""
    os.environ |= {
        "AWS_ENDPOINT_URL": local_stack.emulator.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    made = boto3.Session

    def session() -> boto3.Session:
        new = made()
        new.events.register("before-send", calls.note)
        return new

    boto3.Session = session  # type: ignore[assignment,misc]
    outputs = local_stack.outputs
    settings = Settings(
        table_name=outputs["TableName"],
        bucket_name=outputs["BucketName"],
        input_key_arn=outputs["InputKeyArn"],
        outcome_key_arn=outputs["OutcomeKeyArn"],
        # Nobody listens here: the executor of this process is the only one.
        run_queue_url=local_stack.client("sqs").create_queue(QueueName="counted")["QueueUrl"],
        lifecycle_bus_name=outputs["LifecycleBusName"],
        invokable_functions='{"*": ["*"]}',  # JSON, as in the environment
    )
    return Wiring(settings)


def main(report: Callable[[str], None] = print) -> None:
    calls = Recorder()
    with tempfile.TemporaryDirectory() as directory, httpx.Client(timeout=30, trust_env=False) as connection:
        local_stack = bring_up(Path(directory), report=report)
        try:
            workspace = Workspace(local_stack, connection)
            trigger, _ = workspace.trigger_of()
            original = workspace.execute(trigger, payload={"orderId": "o-1"})
            workspace.ended(original)
            wiring = wired(local_stack, calls)
            request = RerunRequest(workspace.name, original, "alice", RerunBody.read({"overrideParams": {"a": 1}}))
            for state in ("in a cold container", "in a warm container"):
                with recorded(f"POST rerun, {state}", calls):
                    new = rerun(request, wiring)
                with recorded(f"its execution, {state}", calls):
                    execute(new.id, wiring.execution_deps)
                assert workspace.run(new.id)["status"] == "completed"
            with recorded("a message delivered again", calls):
                execute(new.id, wiring.execution_deps)
            with recorded("GET compare, for who may not reveal content", calls):
                pair = read_pair(workspace.name, new.id, None, wiring.runs)
            with recorded("what more it takes for who may", calls):
                compare_contents(pair, wiring.runs, wiring.cipher)
                wiring.audit_log.write(Act.done(Action.COMPARE, "alice", workspace.name, kept_for=wiring.acts_kept_for))
            failed = workspace.execute(workspace.trigger_of(FAILS_AT_FIRST)[0])
            workspace.ended(failed)
            body = RerunBody.read({"overrideParams": {"a": 1}, "ifNotRecovered": True})
            with recorded("POST rerun with ifNotRecovered", calls):
                rerun(RerunRequest(workspace.name, failed, "alice", body), wiring)
        finally:
            local_stack.take_down()


if __name__ == "__main__":
    main()

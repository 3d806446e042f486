"""How long a re-run takes on the emulator, against its floor in the same run: `python -m tests.bench.latency`.

Accept: POST rerun until 202; its floor is a route to a Lambda that does nothing. Completion: POST rerun until the
function has run; its floor is a message to a queue whose Lambda does nothing but leave a mark.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from infra.local.local_stack import LocalStack, bring_up
from tests.stack.driver import TeamFunction, Workspace, until

ROUNDS = 60
WARM_UP = 5
MARK = "from pathlib import Path\ndef handler(event, context):\n    Path({mark}).touch()\n"
NOTHING = "def handler(event, context):\n    return {'statusCode': 202, 'body': '{}'}\n"


class Stopwatch(NamedTuple):
    """Seconds until the call was answered, and until the function behind it had run."""

    accepted: float
    completed: float


def timed(mark: Path, call: Callable[[], Any]) -> Stopwatch:
    """One call, waited for to its end, so that no call competes with the work of the one before."""
    mark.unlink(missing_ok=True)
    started = time.perf_counter()
    call()
    accepted = time.perf_counter() - started
    while not mark.exists():
        time.sleep(0.0005)
    return Stopwatch(accepted, time.perf_counter() - started)


def medians_ms(once: Callable[[], Stopwatch]) -> Stopwatch:
    for _ in range(WARM_UP):
        once()
    measured = [once() for _ in range(ROUNDS)]
    return Stopwatch(*(statistics.median(column) * 1000 for column in zip(*measured, strict=True)))


def route_that_does_nothing(local_stack: LocalStack) -> str:
    api = local_stack.client("apigatewayv2")
    function = TeamFunction(local_stack).deploy(NOTHING)
    api_id = api.create_api(Name="floor", ProtocolType="HTTP")["ApiId"]
    integration = api.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function.arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    api.create_route(ApiId=api_id, RouteKey="POST /any", Target=f"integrations/{integration}")
    api.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    return f"{local_stack.emulator.url}/_aws/execute-api/{api_id}/$default/any"


def queue_that_does_nothing(local_stack: LocalStack, mark: Path) -> Callable[[], Any]:
    sqs = local_stack.client("sqs")
    url = sqs.create_queue(QueueName="floor")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = TeamFunction(local_stack).deploy(MARK.format(mark=repr(str(mark))))
    function.client.create_event_source_mapping(FunctionName=function.name, EventSourceArn=arn, BatchSize=1)
    return lambda: sqs.send_message(QueueUrl=url, MessageBody="{}")


def measure(local_stack: LocalStack, connection: httpx.Client, directory: Path) -> dict[str, float]:
    workspace = Workspace(local_stack, connection)
    mark = directory / "mark"
    trigger, _ = workspace.trigger_of(MARK.format(mark="event['mark']"))
    original = workspace.execute(trigger, payload={"mark": str(mark)})
    until(mark.exists)
    route, push = route_that_does_nothing(local_stack), queue_that_does_nothing(local_stack, mark)

    def call_nothing() -> None:
        assert connection.post(route).status_code == httpx.codes.ACCEPTED
        mark.touch()

    nothing = medians_ms(lambda: timed(mark, call_nothing))
    queued = medians_ms(lambda: timed(mark, push))
    rerun = medians_ms(lambda: timed(mark, lambda: workspace.rerun(original)))
    return {
        "accept floor": nothing.accepted,
        "accept": rerun.accepted,
        "completion floor": queued.completed,
        "completion": rerun.completed,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as name, httpx.Client(timeout=30, trust_env=False) as connection:
        directory = Path(name)
        local_stack = bring_up(directory, report=print)
        try:
            found = measure(local_stack, connection, directory)
        finally:
            local_stack.take_down()
    print(json.dumps({name: round(value, 1) for name, value in found.items()}, indent=2))
    print(f"accept is {found['accept'] / found['accept floor']:.1f} times its floor")
    print(f"completion is {found['completion'] / found['completion floor']:.1f} times its floor")


if __name__ == "__main__":
    main()

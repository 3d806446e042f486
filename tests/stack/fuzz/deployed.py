"""A workspace on the deployed stack, and a door's wiring in this process that works on it."""

import json
from typing import Any, NamedTuple

import boto3
import botocore.session
from botocore.config import Config

from handlers.settings import Settings
from handlers.wiring import Wiring
from infra.local.local_stack import LocalStack
from tests.builders import FUNCTION_ID, RUN_ID, TRIGGER_ID
from tests.entry_points.events import OWN, Event, Json
from tests.stack.driver import Workspace

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}


class Own(NamedTuple):
    """A workspace with a run that has ended, and that run's trigger and function."""

    workspace: Workspace
    run: str
    trigger: str
    function: str


class Deployed(Wiring):
    """A door's wiring in this process, on the emulator, that notes what is written."""

    def __init__(self, local_stack: LocalStack, settings: Settings) -> None:
        super().__init__(settings)
        self.written: list[str] = []
        core = botocore.session.Session()
        core.set_credentials("test", "test")
        core.set_config_variable("region", "us-east-1")
        core.set_default_client_config(Config(retries={"total_max_attempts": 1}, proxies={}))
        core.register("before-send.dynamodb", self._note)
        make = core.create_client
        core.create_client = lambda *of, **options: make(*of, **options | {"endpoint_url": local_stack.emulator.url})  # type: ignore[method-assign]
        self._core = core
        self.__dict__["_session"] = boto3.Session(botocore_session=core)
        self.__dict__["_kms_session"] = core

    def _note(self, **sent: Any) -> None:
        operation = sent["event_name"].rpartition(".")[2]
        if operation in WRITES:
            self.written.append(operation)


def settings_of(local_stack: LocalStack, *, run_queue_url: str) -> Settings:
    return Settings(
        table_name=local_stack.outputs["TableName"],
        bucket_name=local_stack.outputs["BucketName"],
        input_key_arn=local_stack.outputs["InputKeyArn"],
        outcome_key_arn=local_stack.outputs["OutcomeKeyArn"],
        run_queue_url=run_queue_url,
        lifecycle_bus_name=local_stack.outputs["LifecycleBusName"],
        trigger_bus_name=local_stack.outputs["TriggerBusName"],
        schedule_group=local_stack.outputs["ScheduleGroupName"],
        on_event_arn=local_stack.samples["EchoFunctionArn"],
        scheduler_role_arn="arn:aws:iam::000000000000:role/scheduler",
        rule_prefix="FunctionRerun",
        invokable_functions='{"*": ["arn:aws:lambda:*:*:function:*"]}',
    )


def with_ids(own: Own, sent: tuple[Any, Event]) -> tuple[Any, Event]:
    """The event with the ids and the workspace of the deployed stack in place of those of the builders."""
    workspace, run, trigger, function = own
    door, event = sent
    text = json.dumps(event)
    replaced = {RUN_ID: run, RUN_ID.upper(): run.upper(), TRIGGER_ID: trigger, FUNCTION_ID: function}
    for old, new in replaced.items():
        text = text.replace(old, new)
    event = json.loads(text.replace(f"{OWN}/*:*", f"{workspace.name}/*:*"))
    if event["pathParameters"]["workspace"] == OWN:
        event["pathParameters"]["workspace"] = workspace.name
        event["rawPath"] = event["rawPath"].replace(f"/workspace/{OWN}/", f"/workspace/{workspace.name}/")
    return door, event


def documents(workspace: Workspace) -> list[Json]:
    """All that the workspace has: its runs and what is registered."""
    paths = ("/function-runs", "/compute-functions", "/function-triggers")
    return [sorted(map(stable, workspace.http.get(path, params={"limit": 100}).json()["data"])) for path in paths]


def stable(document: dict[str, Json]) -> str:
    """What a request may change of a document: runs go on by themselves."""
    kept = ("id", "rerunCount", "version", "name", "enabled", "functionArn")
    return json.dumps({name: document.get(name) for name in kept})

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.config import Config
from botocore.session import Session

from handlers.aws.audit_log import AuditLog
from handlers.aws.cipher import Cipher
from handlers.aws.function_code import DESCRIPTION
from handlers.aws.registry_store import RegistryStore
from handlers.aws.run_recorder import RunRecorder
from handlers.aws.table import Table
from handlers.aws.workspace_slots import WorkspaceSlots
from handlers.domain import clock
from handlers.domain.runs.workspace_limit import Slot
from infra.local.local_stack import LocalStack
from tests.aws.storing import store_of
from tests.faults.client import LateEvents
from tests.packages import package
from tests.stack.driver import ECHO, TeamFunction

MAX_RERUNS = 3
KMS_EVENTS = LateEvents()


@pytest.fixture
def dynamodb(local_stack: LocalStack) -> Any:
    return local_stack.client("dynamodb")


@pytest.fixture
def table(local_stack: LocalStack, dynamodb: Any) -> Table:
    return Table(dynamodb, local_stack.outputs["TableName"])


@pytest.fixture
def runs(local_stack: LocalStack, table: Table) -> RunRecorder:
    return store_of(local_stack, table, max_reruns=MAX_RERUNS)


@pytest.fixture
def registry(table: Table) -> RegistryStore:
    return RegistryStore(table, report=lambda _: None)


@pytest.fixture
def audit_log_in_table(table: Table) -> AuditLog:
    return AuditLog(table, report=lambda _: None)


@pytest.fixture
def kms_session(local_stack: LocalStack) -> Session:
    """A session whose KMS clients speak to the emulator, and try each call once."""
    session = Session()
    session.set_credentials("test", "test")
    session.set_config_variable("region", "us-east-1")
    session.set_default_client_config(Config(retries={"total_max_attempts": 1}, proxies={}))
    make = session.create_client
    # Clients copy their session's handlers when they are made: this one is there for those that tests inject later.
    session.register("before-send.kms", KMS_EVENTS.before_send)
    session.create_client = lambda *of, **options: make(*of, **options | {"endpoint_url": local_stack.emulator.url})  # type: ignore[method-assign]
    return session


@pytest.fixture
def kms_events() -> LateEvents:
    return KMS_EVENTS


@pytest.fixture
def cipher(local_stack: LocalStack, kms_session: Session) -> Cipher:
    return Cipher(kms_session, inputs=local_stack.outputs["InputKeyArn"], outcomes=local_stack.outputs["OutcomeKeyArn"])


@pytest.fixture
def slots_in_the_table(table: Table) -> WorkspaceSlots:
    return WorkspaceSlots(table, lambda _: None)


@pytest.fixture
def a_slot() -> Callable[..., Slot]:
    """Slots of one workspace."""
    workspace = f"ws-{uuid4().hex[:8]}"
    return lambda number=0, holder="one", seconds=60.0: Slot(
        workspace, number, holder, clock.now() + timedelta(seconds=seconds)
    )


@pytest.fixture
def published_function(local_stack: LocalStack) -> TeamFunction:
    """With two versions published by this service, and one by the team. Nobody invokes it: nor need it be active."""
    function = TeamFunction(local_stack)
    client = function.client
    function.arn = client.create_function(
        FunctionName=function.name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=function._role(),
        Code={"ZipFile": package(ECHO)},
    )["FunctionArn"]
    for timeout, description in enumerate([DESCRIPTION, DESCRIPTION, "release 12"], start=1):
        client.update_function_configuration(FunctionName=function.name, Timeout=timeout)
        client.publish_version(FunctionName=function.name, Description=description)
    return function

"""Versions on the emulator, as on AWS: their numbers, and their code."""

import io
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from botocore.exceptions import ClientError

from infra.local.emulator.process import Emulator
from tests.infra.local.functions import MakeFunction
from tests.packages import package


@pytest.fixture
def client(emulator: Emulator) -> Any:
    return emulator.client("lambda")


@pytest.fixture
def created(client: Any, a_function: MakeFunction) -> Callable[[str], str]:
    """Makes a function of this name, again if need be, and publishes it: the version's number."""
    role = client.get_function(FunctionName=a_function("def handler(*_): pass").arn)["Configuration"]["Role"]

    def create(name: str) -> str:
        client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": package("def handler(event, context): pass")},
        )
        return str(client.publish_version(FunctionName=name)["Version"])

    return create


def test_the_number_of_a_version_that_was_deleted_is_not_used_again(client: Any, created: Callable[[str], str]) -> None:
    name = f"f-{uuid4().hex}"
    first = created(name)
    client.delete_function(FunctionName=name, Qualifier=first)
    assert (first, client.publish_version(FunctionName=name)["Version"]) == ("1", "2")


def test_nor_are_those_of_a_function_that_was_deleted_and_made_again(
    client: Any, created: Callable[[str], str]
) -> None:
    name = f"f-{uuid4().hex}"
    versions = []
    for _ in range(3):
        versions.append(created(name))
        client.delete_function(FunctionName=name)
    assert versions == ["1", "2", "3"]
    assert created(f"{name}-another") == "1"


def test_the_code_of_a_version_is_what_was_published(client: Any, a_function: MakeFunction) -> None:
    function = a_function("FIRST = True").arn

    def code_of(arn: str) -> str:
        address = client.get_function(FunctionName=arn)["Code"]["Location"]
        with zipfile.ZipFile(io.BytesIO(httpx.get(address, trust_env=False).content)) as archive:
            return archive.read("index.py").decode()

    version = client.publish_version(FunctionName=function)["FunctionArn"]
    client.update_function_code(FunctionName=function, ZipFile=package("SECOND = True"))
    assert (code_of(version), code_of(function)) == ("FIRST = True", "SECOND = True")
    address = client.get_function(FunctionName=version)["Code"]["Location"]
    client.delete_function(FunctionName=version)
    assert httpx.get(address, trust_env=False).status_code == httpx.codes.NOT_FOUND
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_function(FunctionName=version)

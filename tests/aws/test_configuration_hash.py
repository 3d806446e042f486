"""Which configurations a hash distinguishes, which not, and what it takes to guess from it."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws.cipher import Cipher
from handlers.aws.configuration_hash import ConfigurationHash
from handlers.aws.stack_secret import StackSecret
from handlers.aws.table import Table, to_item
from handlers.domain.errors import Unavailable
from handlers.domain.runs.outcome import RetryLater
from handlers.domain.seal import KeyRefused, SealBroken
from infra.local.local_stack import LocalStack

CONFIGURATION: dict[str, Any] = {
    "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:orders:7",
    "Version": "7",
    "Runtime": "python3.13",
    "Handler": "index.handler",
    "MemorySize": 256,
    "Timeout": 30,
    "Role": "arn:aws:iam::123456789012:role/orders",
    "PackageType": "Zip",
    "Architectures": ["arm64"],
    "Environment": {"Variables": {"PIN": "4711", "MODE": "fast"}},
    "Layers": [{"Arn": "arn:…:layer:a:1", "CodeSize": 5}, {"Arn": "arn:…:layer:b:1", "CodeSize": 5}],
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [{"Arn": "arn:…:access-point/1", "LocalMountPath": "/mnt/a"}],
    "VpcConfig": {"SubnetIds": ["s-1", "s-2"], "SecurityGroupIds": ["g-1"], "VpcId": "v-1"},
    "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
}


def read(secret: bytes | Exception) -> bytes:
    if isinstance(secret, Exception):
        raise secret
    return secret


def hash_of(configuration: dict[str, Any], secret: bytes | Exception = b"secret") -> str | None:
    return ConfigurationHash(lambda: read(secret), lambda _: None).of(configuration)


@pytest.mark.parametrize(
    "change",
    [
        {"Runtime": "python3.14"},
        {"Handler": "index.other"},
        {"MemorySize": 257},
        {"Timeout": 31},
        {"Role": "arn:aws:iam::123456789012:role/another"},
        {"PackageType": "Image"},
        {"Architectures": ["x86_64"]},
        {"Environment": {"Variables": {"PIN": "4712", "MODE": "fast"}}},
        {"Environment": {"Variables": {"PIN": "4711", "mode": "fast"}}},
        {"Environment": {"Variables": {"PIN": "4711"}}},
        {"Layers": CONFIGURATION["Layers"][::-1]},
        {"Layers": CONFIGURATION["Layers"][:1]},
        {"ImageConfigResponse": {"ImageConfig": {"Command": ["other"]}}},
        {"EphemeralStorage": {"Size": 1024}},
        {"FileSystemConfigs": [{"Arn": "arn:…:access-point/1", "LocalMountPath": "/mnt/b"}]},
        {"VpcConfig": {"SubnetIds": ["s-1"], "SecurityGroupIds": ["g-1"]}},
        {"VpcConfig": {"SubnetIds": ["s-1", "s-2"], "SecurityGroupIds": ["g-2"]}},
        {"SnapStart": {"ApplyOn": "PublishedVersions"}},
    ],
    ids=lambda change: json.dumps(change)[:50],
)
def test_what_decides_on_how_the_code_runs_is_told_apart(change: dict[str, Any]) -> None:
    assert hash_of(CONFIGURATION | change) != hash_of(CONFIGURATION)


@pytest.mark.parametrize(
    "change",
    [
        dict(reversed(CONFIGURATION.items())),
        {"Environment": {"Variables": {"MODE": "fast", "PIN": "4711"}}},
        {"VpcConfig": {"SubnetIds": ["s-2", "s-1"], "SecurityGroupIds": ["g-1"], "Ipv6AllowedForDualStack": False}},
        {"Layers": [{"Arn": layer["Arn"]} for layer in CONFIGURATION["Layers"]]},
        {"Version": "8", "FunctionArn": "another", "CodeSha256": "another", "RevisionId": "another"},
        {"LastModified": "2026-11-22T09:30:00.000+0000", "Description": "release 12"},
        {"State": "Active", "LastUpdateStatus": "Successful", "SnapStart": {"ApplyOn": "None"}},
        {"RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:eu-west-1::runtime:0af1"}},
        {"RuntimeVersionConfig": {"Error": {"ErrorCode": "AccessDeniedException"}}},
        {"ImageConfigResponse": {}},
    ],
    ids=lambda change: json.dumps(change)[:50],
)
def test_what_does_not_decide_on_it_makes_no_difference(change: dict[str, Any]) -> None:
    assert hash_of(CONFIGURATION | change) == hash_of(CONFIGURATION)


def test_what_is_empty_is_as_absent() -> None:
    bare = {"Runtime": "python3.13", "Timeout": 3}
    empty = {"Environment": {"Variables": {}}, "Layers": [], "VpcConfig": {"SubnetIds": []}, "Handler": ""}
    assert hash_of(bare) == hash_of(bare | empty) == hash_of(bare | {"Environment": {}})


@pytest.mark.parametrize("part", ["Environment", "ImageConfigResponse"])
def test_of_what_cannot_be_read_whole_there_is_no_hash(part: str) -> None:
    refused = {part: {"Error": {"ErrorCode": "AccessDeniedException", "Message": "kms:Decrypt"}}}
    assert hash_of(CONFIGURATION | refused) is None


def test_a_hash_cannot_be_computed_without_the_secret_by_who_knows_all_but_one_value() -> None:
    found = hash_of(CONFIGURATION)
    assert found != hash_of(CONFIGURATION, b"another installation's")
    assert len(found or "") == 44
    plain = {hashlib.sha256(json.dumps({"PIN": f"{pin:04}"}).encode()).hexdigest() for pin in range(10_000)}
    assert found not in plain


@pytest.mark.parametrize("fault", [Unavailable(), KeyRefused()])
def test_while_the_secret_cannot_be_read_the_run_waits(fault: Exception) -> None:
    with pytest.raises(RetryLater) as reason:
        hash_of(CONFIGURATION, fault)
    assert reason.value.code == "ConfigHashUnavailable"


def test_without_a_secret_there_is_no_hash() -> None:
    assert ConfigurationHash(lambda: None, lambda _: None).of(CONFIGURATION) is None


def test_a_secret_that_is_lost_costs_the_hash_and_no_execution() -> None:
    reported: list[Exception] = []
    assert ConfigurationHash(lambda: read(SealBroken()), reported.append).of(CONFIGURATION) is None
    assert [type(each) for each in reported] == [SealBroken]


class TestSecret:
    @pytest.fixture
    def secrets(self, table: Table, cipher: Cipher) -> Callable[[], StackSecret]:
        """Of one purpose, each as in a container of its own."""
        purpose = uuid4().hex
        return lambda: StackSecret(table, cipher, purpose)

    def test_it_is_the_same_in_every_container_those_that_make_it_at_once_included(
        self, secrets: Callable[[], StackSecret]
    ) -> None:
        containers = [secrets() for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(lambda container: container.read(), containers))
        (secret,) = found
        assert len(secret) == 32
        assert secrets().read() == secret

    def test_it_is_another_for_another_purpose(self, table: Table, cipher: Cipher) -> None:
        one, another = (StackSecret(table, cipher, uuid4().hex).read() for _ in range(2))
        assert one != another

    def test_it_stands_in_the_table_sealed_and_does_not_expire(
        self, table: Table, cipher: Cipher, dynamodb: Any, local_stack: LocalStack
    ) -> None:
        purpose = uuid4().hex
        secret = StackSecret(table, cipher, purpose).read()
        key = to_item({"pk": f"SECRET#{purpose}", "sk": f"SECRET#{purpose}"})
        item = dynamodb.get_item(TableName=local_stack.outputs["TableName"], Key=key)["Item"]
        assert item.keys() == {"pk", "sk", "sealed", "schema"}
        assert secret not in item["sealed"]["B"]

    def test_who_may_not_write_finds_it_and_never_makes_it(self, secrets: Callable[[], StackSecret]) -> None:
        assert secrets().find() is None
        reader = secrets()
        assert reader.find() is None
        secret = secrets().read()
        assert reader.find() == reader.read() == secret

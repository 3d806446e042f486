"""How the production template keeps data."""

import json
from typing import Any

import pytest

from handlers.aws import part_objects
from infra import storage
from tests.infra.template import Resource, Stack

KEPT = {"Retain", "RetainExceptOnCreate"}


class TestStorage:
    def test_the_table_can_be_restored_to_any_second(self, table: Resource) -> None:
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}

    def test_runs_expire(self, table: Resource) -> None:
        assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}

    def test_the_table_is_paid_on_demand(self, table: Resource) -> None:
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"

    def test_the_table_has_the_keys_of_its_items(self, table: Resource) -> None:
        assert _keys(table["Properties"]) == ("pk", "sk")

    def test_all_indexes_exist_from_the_first_template(self, table: Resource) -> None:
        indexes = {
            index["IndexName"]: (*_keys(index), index["Projection"])
            for index in table["Properties"]["GlobalSecondaryIndexes"]
        }
        assert indexes == {
            "byWorkspace": ("byWorkspace", "position", {"ProjectionType": "KEYS_ONLY"}),
            "byFunction": ("byFunction", "position", {"ProjectionType": "KEYS_ONLY"}),
            "due": ("due", "dueAt", {"ProjectionType": "KEYS_ONLY"}),
            "failures": ("byWorkspace", "failedAt", {"ProjectionType": "KEYS_ONLY"}),
            # Of what comes next: nothing is in them yet.
            "unrecovered": ("byWorkspace", "unrecoveredAt", {"ProjectionType": "KEYS_ONLY"}),
            "errorGroup": ("errorGroup", "unrecoveredAt", {"ProjectionType": "KEYS_ONLY"}),
            "groupFailures": ("errorGroup", "failedAt", {"ProjectionType": "KEYS_ONLY"}),
            "batch": ("batch", "position", {"ProjectionType": "KEYS_ONLY"}),
        }

    def test_every_key_is_text(self, table: Resource) -> None:
        definitions = table["Properties"]["AttributeDefinitions"]
        assert {each["AttributeType"] for each in definitions} == {"S"}

    def test_nothing_that_a_first_deployment_makes_resists_its_rollback(self, stack: Stack, table: Resource) -> None:
        assert not table["Properties"].get("DeletionProtectionEnabled")
        assert stack.one("AWS::Cognito::UserPool")["Properties"].get("DeletionProtection") in (None, "INACTIVE")
        kept = [each for each in stack.template["Resources"].values() if each.get("DeletionPolicy") in KEPT]
        assert {each["DeletionPolicy"] for each in kept} == {"RetainExceptOnCreate"}

    def test_afterwards_table_and_users_can_be_protected_from_deletion_by_mistake(self, decided: Stack) -> None:
        assert decided.one("AWS::DynamoDB::Table")["Properties"]["DeletionProtectionEnabled"] is True
        assert decided.one("AWS::Cognito::UserPool")["Properties"]["DeletionProtection"] == "ACTIVE"

    def test_nothing_that_outlives_the_stack_has_a_name_that_the_next_one_would_want(self, stack: Stack) -> None:
        kept = [each for each in stack.template["Resources"].values() if each.get("DeletionPolicy") in KEPT]
        named = ("TableName", "BucketName", "LogGroupName", "UserPoolName", "AliasName")
        names = [each["Properties"][name] for each in kept for name in named if name in each["Properties"]]
        assert all("AWS::StackId" in json.dumps(name) for name in names)

    @pytest.mark.parametrize(
        "kind",
        [
            *("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Cognito::UserPool"),
            "AWS::Logs::LogGroup",
        ],
    )
    def test_what_cannot_be_made_again_outlives_the_stack(self, stack: Stack, kind: str) -> None:
        for resource in stack.all(kind).values():
            assert resource["DeletionPolicy"] in KEPT
            assert resource["UpdateReplacePolicy"] in KEPT

    def test_what_is_staged_in_vain_lives_for_a_day(self, stack: Stack) -> None:
        rules = stack.one("AWS::S3::Bucket")["Properties"]["LifecycleConfiguration"]["Rules"]
        assert [(each["Prefix"], each["ExpirationInDays"]) for each in rules if "Prefix" in each] == [("staging/", 1)]

    def test_the_bucket_is_nobody_else_s(self, stack: Stack) -> None:
        bucket = stack.one("AWS::S3::Bucket")["Properties"]
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]

    def test_the_prefixes_are_those_that_objects_are_written_to(self) -> None:
        assert (storage.STAGING, storage.KEPT) == (part_objects.STAGING, part_objects.KEPT)

    def test_the_keys_rotate(self, stack: Stack) -> None:
        keys = stack.all("AWS::KMS::Key").values()
        assert [each["Properties"]["EnableKeyRotation"] for each in keys] == [True, True]


def _keys(schema: dict[str, Any]) -> tuple[str, str]:
    by_type = {key["KeyType"]: key["AttributeName"] for key in schema["KeySchema"]}
    return by_type["HASH"], by_type["RANGE"]

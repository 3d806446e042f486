"""The published versions of Lambda functions, and which of them aliases point to."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from handlers.aws import aws_errors
from handlers.aws.function_code import DESCRIPTION
from handlers.sweep_versions.sweep import Version

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# Lambda answers 15 of these calls a second per account: executors, who publish, are left the most of them.
PACE_SECONDS = 0.2


class FunctionVersions:
    def __init__(self, client: "LambdaClient") -> None:
        self._client = client

    def of(self, function_arn: str) -> list[Version]:
        with aws_errors.translated():
            try:
                aliased = {version for alias in self._aliases(function_arn) for version in _pointed_to(alias)}
                return [_version(function_arn, each, aliased) for each in self._published(function_arn)]
            except self._client.exceptions.ResourceNotFoundException:
                return []

    def delete(self, version_arn: str) -> bool:
        time.sleep(PACE_SECONDS)
        _, _, number = version_arn.rpartition(":")
        with aws_errors.translated():
            try:
                # Without a qualifier this would be the whole function: it is named twice, and nothing else is granted.
                self._client.delete_function(FunctionName=version_arn, Qualifier=number)
            except self._client.exceptions.ResourceNotFoundException:
                return True
            except self._client.exceptions.ResourceConflictException:
                return False
        return True

    def _aliases(self, function_arn: str) -> Iterator[Any]:
        return self._listed("list_aliases", "Aliases", function_arn)

    def _published(self, function_arn: str) -> Iterator[Any]:
        """Versions that stay; `$LATEST` is none."""
        listed = self._listed("list_versions_by_function", "Versions", function_arn)
        return (each for each in listed if each["Version"].isdigit())

    def _listed(
        self, operation: Literal["list_aliases", "list_versions_by_function"], what: str, function_arn: str
    ) -> Iterator[Any]:
        pages: Any = self._client.get_paginator(operation).paginate(FunctionName=function_arn)
        for page in pages:
            yield from page[what]
            time.sleep(PACE_SECONDS)


def _pointed_to(alias: Any) -> set[str]:
    """By all of its traffic, or by a share of it."""
    return {alias["FunctionVersion"], *(alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})}


def _version(function_arn: str, published: Any, aliased: set[str]) -> Version:
    number = published["Version"]
    return Version(
        arn=f"{function_arn}:{number}",
        number=int(number),
        is_ours=published.get("Description") == DESCRIPTION,
        is_aliased=number in aliased,
        modified_at=datetime.fromisoformat(published["LastModified"]),
    )

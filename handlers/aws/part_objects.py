"""Sealed parts that are too large for the table, as objects in a bucket.

An object is staged first, then moved to where it stays, once the run that it belongs to is recorded. What is never
moved, because nothing was recorded, lies under a prefix whose objects live for a day.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from handlers.aws import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STAGING, KEPT = "staging/", "kept/"
# A missing object is 404 only to those who may list the bucket. HeadObject has no body to say more in.
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


class PartLost(Exception):
    """An object that should be there is not. Nothing brings it back."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


class PartObjects:
    def __init__(self, client: Callable[[], "S3Client"], bucket: str) -> None:
        """`client` is called when there is a large part: most containers never meet one, and it is slow to make."""
        self._client = client
        self._bucket = bucket

    def stage(self, sealed: bytes) -> str:
        """The key of the new object. Raises Unavailable."""
        key = f"{STAGING}{uuid.uuid4()}"
        self.put(key, sealed)
        return key

    def put(self, key: str, sealed: bytes) -> None:
        """Raises Unavailable."""
        with aws_errors.translated():
            self._client().put_object(Bucket=self._bucket, Key=key, Body=sealed)

    def move(self, staged: str, kept: str) -> None:
        """To where it stays; nothing happens if it is there. Raises PartLost or Unavailable."""
        with aws_errors.translated():
            try:
                source = {"Bucket": self._bucket, "Key": staged}
                self._client().copy_object(Bucket=self._bucket, Key=kept, CopySource=source)  # type: ignore[arg-type]
            except ClientError as error:
                if aws_errors.code(error) not in _MISSING:
                    raise
                if not self._exists(kept):
                    raise PartLost(kept) from error
                return
            self._client().delete_object(Bucket=self._bucket, Key=staged)

    def read(self, kept: str, staged: str | None) -> bytes:
        """Wherever it is. Raises PartLost or Unavailable."""
        # It may be moved between two looks, but once only.
        for key in (kept, staged, kept) if staged else (kept,):
            found = self._read(key)
            if found is not None:
                return found
        raise PartLost(kept)

    def delete(self, key: str) -> None:
        """Raises Unavailable."""
        with aws_errors.translated():
            self._client().delete_object(Bucket=self._bucket, Key=key)

    def staged_before(self, moment: datetime) -> Iterator[str]:
        """Keys of what was staged before then and never moved. Raises Unavailable."""
        with aws_errors.translated():
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=STAGING)
            for page in pages:
                yield from (each["Key"] for each in page.get("Contents", []) if each["LastModified"] < moment)

    def _read(self, key: str) -> bytes | None:
        with aws_errors.translated():
            try:
                return self._client().get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as error:
                if aws_errors.code(error) not in _MISSING:
                    raise
                return None

    def _exists(self, key: str) -> bool:
        try:
            self._client().head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if aws_errors.code(error) not in _MISSING:
                raise
            return False
        return True

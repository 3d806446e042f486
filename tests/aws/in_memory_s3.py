"""A bucket in memory."""

import io
from typing import Any

from botocore.exceptions import ClientError


class InMemoryS3:
    """An S3 client for one bucket. Each call is one step: nothing comes in between."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803 - as boto3 has it
        self.objects[Key] = Body

    def copy_object(self, *, Key: str, CopySource: dict[str, str], **_: Any) -> None:  # noqa: N803
        self.objects[Key] = self._existing(CopySource["Key"])

    def delete_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803
        self.objects.pop(Key, None)

    def get_object(self, *, Key: str, **_: Any) -> Any:  # noqa: N803
        return {"Body": io.BytesIO(self._existing(Key))}

    def head_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803
        self._existing(Key)

    def _existing(self, key: str) -> bytes:
        if key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "S3")
        return self.objects[key]

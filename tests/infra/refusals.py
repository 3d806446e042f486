"""How AWS, or what stands for it, refused a call."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ClientError) as refused:
        call()
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]

"""AWS's error answers in their exact shapes, as a botocore client receives them."""

import io
import json
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from urllib3 import HTTPResponse


def answer(status: int, document: dict[str, Any], **headers: str) -> AWSResponse:
    body = json.dumps(document).encode()
    typed = HTTPHeaders.from_dict(
        {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": "injected", **headers}
    )
    return AWSResponse("http://injected", status, typed, HTTPResponse(io.BytesIO(body), preload_content=False))


def error(status: int, code: str, message: str = "injected", **more: Any) -> AWSResponse:
    headers = {"x-amzn-ErrorType": code}
    return answer(status, {"__type": code, "message": message, **more}, **headers)


def throttled() -> AWSResponse:
    return error(400, "ThrottlingException", "Rate exceeded")


def cancelled(*codes: str) -> AWSResponse:
    """A transaction's refusal, with a code for each of its actions; "None" for those that did not fail."""
    reasons = [{"Code": code, "Message": None if code == "None" else "injected"} for code in codes]
    listed = ", ".join(codes)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{listed}]"
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    return answer(400, {"__type": kind, "Message": message, "CancellationReasons": reasons})

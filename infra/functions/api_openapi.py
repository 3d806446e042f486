from handlers import api_openapi
from infra.function import API_TIMEOUT, Function
from infra.resources import Resources


def describe(_: Resources) -> Function:
    return Function(
        entry_point=api_openapi,
        description="Describes the API",
        timeout=API_TIMEOUT,
        grants=[],
    )

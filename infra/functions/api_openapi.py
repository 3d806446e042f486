from handlers import api_openapi
from infra.function import Function
from infra.resources import Resources


def describe(_: Resources) -> Function:
    return Function(entry_point=api_openapi, grants=[])

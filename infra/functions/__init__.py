"""The Lambda functions of the stack, one file each, named like the entry point in handlers/ that it describes.

Its `describe(resources)` gives the function's description, or None if the context does not ask for the function. A new
file here is found by itself. What all functions may do in IAM can be read as one in docs/reference/grants.md.
"""

from importlib import import_module
from pkgutil import iter_modules

from infra.function import Function
from infra.resources import Resources


def describe_all(resources: Resources) -> list[Function]:
    files = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
    described: list[Function | None] = [each.describe(resources) for each in files]
    return [each for each in described if each is not None]

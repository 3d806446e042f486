"""With which number the versions of a function begin that had a predecessor of its name.

AWS never uses one again, "even for a function that has been deleted and recreated":
https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from typing import Any

from ministack.services import lambda_svc

_next_of_deleted = lambda_svc.AccountRegionScopedDict()

FIRST_VERSION = {'        "next_version": 1,\n': '        "next_version": first_version_of(name),\n'}
DELETION = {"        del _functions[name]\n": "        remember_versions_of(name, _functions.pop(name))\n"}


def first_version_of(name: str) -> int:
    return int(_next_of_deleted.get(name, 1))


def remember_versions_of(name: str, function: dict[str, Any]) -> None:
    _next_of_deleted[name] = function["next_version"]

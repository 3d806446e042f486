"""All that the roles of the functions may do, as one list: docs/reference/grants.md.

After a change that is meant: REWRITE=1 .venv/bin/python -m pytest tests/infra/test_grants.py, and read the difference.
"""

import json
import os
import re
from collections import defaultdict
from typing import Any

from infra.paths import ROOT
from tests.infra.template import INVOKABLE, Stack, Synthesise, text

PAGE = ROOT / "docs" / "reference" / "grants.md"
HEAD = f"""# Grants

Everything that the role of each Lambda function may do. Each grant stands in the function's description in
`infra/functions/`; a test compares this list with the synthesised template of a stack whose context asks for
`deleteUnusedVersions` and permits `{INVOKABLE}`. After a change that is meant, rewrite the list:

    REWRITE=1 .venv/bin/python -m pytest tests/infra/test_grants.py

Besides, each function writes its own log group and sends traces to X-Ray. Names are those of the resources in the
template, without their hashes.
"""


def test_the_list_of_all_grants_is_what_the_template_says(synthesise: Synthesise) -> None:
    stack = synthesise(invokableFunctions={"acme": [INVOKABLE]}, deleteUnusedVersions=True)
    page = "\n".join([HEAD, *(line for function in sorted(stack.functions) for line in section(stack, function))])
    if "REWRITE" in os.environ:
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "read what has changed; how to rewrite the list is said at its top"


def section(stack: Stack, function: str) -> list[str]:
    actions_by_resource: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for statement in stack.statements(function):
        if not of_every_function(statement, function):
            effect, condition = statement["Effect"], conditions(statement)
            for resource in statement["Resource"]:
                actions_by_resource[(effect, readable(resource), condition)].update(statement["Action"])
    resources_by_actions: dict[tuple[str, tuple[str, ...], str], list[str]] = defaultdict(list)
    for (effect, resource, condition), actions in sorted(actions_by_resource.items()):
        resources_by_actions[(effect, tuple(sorted(actions)), condition)].append(f"`{resource}`")
    lines = [
        f"- {'**denied** ' if effect == 'Deny' else ''}{', '.join(actions)} on {', '.join(resources)}{condition}"
        for (effect, actions, condition), resources in sorted(resources_by_actions.items())
    ]
    return [f"## {function}", *lines, ""]


def of_every_function(statement: dict[str, Any], function: str) -> bool:
    services = {action.partition(":")[0] for action in statement["Action"]}
    own_log = f"Functions{function.replace('_', '')}logs"
    return services == {"xray"} or (
        services == {"logs"} and [readable(each) for each in statement["Resource"]] == [own_log]
    )


def conditions(statement: dict[str, Any]) -> str:
    found = {
        f"{operator} {key}": readable(text(value))
        for operator, operands in statement.get("Condition", {}).items()
        for key, value in operands.items()
    }
    return f" if {json.dumps(found)}" if found else ""


def readable(resource: str) -> str:
    """Without the hashes of logical ids, and without what all ARNs of this account have in common."""
    account = re.sub(r"^arn:\$\{AWS::Partition\}:\w+:\$\{AWS::Region\}:\$\{AWS::AccountId\}:", "", resource)
    return re.sub(r"^([A-Za-z]\w*?)[0-9A-F]{8}(?=$|/)", r"\1", account)

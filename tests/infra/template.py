"""A synthesised template and the words in which tests ask it."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

Resource = dict[str, Any]
INVOKABLE = "arn:aws:lambda:eu-west-1:*:function:orders-*"
OWN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:FunctionRerun-*"
API_FUNCTIONS = {
    "api_rerun",
    "api_experiments",
    "api_rerun_plan",
    "api_batches",
    "api_runs",
    "api_registry",
    "api_triggers",
    "api_webhooks",
    "api_cancel",
    "api_erase",
    "api_openapi",
    "api_audit",
    "api_compare",
    "api_error_groups",
}
WORKERS = {"on_event", "on_run_failed", "capture_failures", "execute_runs", "watchdog", "housekeeping", "run_batches"}
FUNCTIONS = API_FUNCTIONS | WORKERS
ENTRY_POINTS = sorted(FUNCTIONS | {"sweep_versions"})
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-4000-8000-000000000001"

Synthesise = Callable[..., "Stack"]


def reads(entry_point: str) -> Sequence[str]:
    """The settings that an entry point says it reads."""
    names: Sequence[str] = import_module(f"handlers.{entry_point}").READS
    return names


class Stack:
    """A synthesised template, to be asked in plain words."""

    def __init__(self, template: dict[str, Any]) -> None:
        self.template = template

    def all(self, kind: str) -> dict[str, Resource]:
        """The resources of a type, by logical id."""
        return {name: each for name, each in self.template["Resources"].items() if each["Type"] == kind}

    def one(self, kind: str) -> Resource:
        (only,) = self.all(kind).values()
        return only

    @property
    def functions(self) -> dict[str, Resource]:
        """The Lambdas, by module."""
        functions = self.all("AWS::Lambda::Function").values()
        return {each["Properties"]["Handler"].split(".")[1]: each for each in functions}

    def name_of(self, function: str) -> str:
        """The logical id of a function's Lambda."""
        (name,) = (name for name, each in self.all("AWS::Lambda::Function").items() if each is self.functions[function])
        return name

    def variables(self, function: str) -> dict[str, Any]:
        """The environment of a function."""
        return dict(self.functions[function]["Properties"]["Environment"]["Variables"])

    def statements(self, function: str) -> list[dict[str, Any]]:
        """What a function's role says, actions and resources as lists of text."""
        role = self.functions[function]["Properties"]["Role"]["Fn::GetAtt"][0]
        policies = self.all("AWS::IAM::Policy").values()
        documents = [each["Properties"] for each in policies if {"Ref": role} in each["Properties"]["Roles"]]
        return [
            {
                **statement,
                "Action": listed(statement["Action"]),
                "Resource": [text(each) for each in listed(statement["Resource"])],
            }
            for document in documents
            for statement in document["PolicyDocument"]["Statement"]
        ]

    def actions(self, function: str, *, on: str = "") -> set[str]:
        """What a function may do to resources whose name begins so."""
        return {
            action
            for statement in self.statements(function)
            if statement["Effect"] == "Allow" and any(each.startswith(on) for each in statement["Resource"])
            for action in statement["Action"]
        }


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """An intrinsic function as one would write it in a Sub."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, "Arn"]}:
            return str(name)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text, parts))
        case {"Fn::Select": [index, {"Fn::Split": [separator, whole]}]}:
            return f"{text(whole)}.split({separator})[{index}]"
        case _:
            raise AssertionError(value)

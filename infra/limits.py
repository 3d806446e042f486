"""What the context can make too large for AWS, measured on the synthesised template before anything is deployed.

Values that only the deployment knows (names, ARNs, the region) are counted as long as they may become.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from infra.settings import Settings

# Lambda measures the variables as one JSON text: its refusal quotes it as "String measured".
# https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594
ENVIRONMENT_BYTES = 4096
# All inline policies of a role together, and each managed one, without white space. What does not fit into a role's
# inline policy the CDK moves to managed ones. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
INLINE_POLICY_BYTES, MANAGED_POLICY_BYTES, MANAGED_POLICIES = 10_240, 6_144, 10

_LONGEST = {
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "us-isof-south-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com.cn",
}
_NAMES = ("FunctionName", "Name", "TableName", "BucketName", "QueueName", "RoleName")
_RANDOM = "-" + 13 * "X"  # what CloudFormation ends the names with that it makes
_KEY_ID = 36 * "x"

Template = Mapping[str, Any]


class TooLargeError(ValueError):
    """Names what is too large, by how much, and which keys of the context to shorten."""

    def __init__(self, what: str, size: int, limit: int, shares: Mapping[str, int]) -> None:
        keys = ", ".join(f"{key} ({size:,} bytes)" for key, size in sorted(shares.items(), key=lambda each: -each[1]))
        advice = f"Shorten in the context, by wider patterns for example: {keys}." if keys else "No key of the context."
        super().__init__(f"{what} may become {size:,} bytes; AWS takes at most {limit:,}. {advice}")


class _Policy(NamedTuple):
    inline: bool
    statements: Any
    size: int


def check_limits(template: Template, settings: Settings, *, stack_name: str) -> None:
    """Raises TooLargeError."""
    longest = _Longest(template, stack_name)
    for name, function in _all(template, "AWS::Lambda::Function"):
        variables = longest.of(function.get("Environment", {}).get("Variables", {}))
        size = len(json.dumps(variables, separators=(",", ":")).encode())
        if size > ENVIRONMENT_BYTES:
            what = f"The environment of {function.get('FunctionName', name)}"
            raise TooLargeError(what, size, ENVIRONMENT_BYTES, _shares_of_variables(variables))
    for role, _ in _all(template, "AWS::IAM::Role"):
        _check_role(role, list(_policies(template, role, longest)), settings)


def _check_role(role: str, policies: list[_Policy], settings: Settings) -> None:
    everything = _shares_of_statements([policy.statements for policy in policies], settings)
    inline = sum(policy.size for policy in policies if policy.inline)
    managed = [policy.size for policy in policies if not policy.inline]
    if inline > INLINE_POLICY_BYTES:
        raise TooLargeError(f"The inline policy of the role {role}", inline, INLINE_POLICY_BYTES, everything)
    if max(managed, default=0) > MANAGED_POLICY_BYTES:
        raise TooLargeError(f"A managed policy of the role {role}", max(managed), MANAGED_POLICY_BYTES, everything)
    if len(managed) > MANAGED_POLICIES:
        total, limit = inline + sum(managed), INLINE_POLICY_BYTES + MANAGED_POLICIES * MANAGED_POLICY_BYTES
        raise TooLargeError(f"The {len(managed)} managed policies of the role {role}", total, limit, everything)


def _policies(template: Template, role: str, longest: "_Longest") -> Iterator[_Policy]:
    for kind, inline in (("AWS::IAM::Policy", True), ("AWS::IAM::ManagedPolicy", False)):
        for _, policy in _all(template, kind):
            if {"Ref": role} in policy.get("Roles", []):
                document = longest.of(policy["PolicyDocument"])
                size = len("".join(json.dumps(document, separators=(",", ":")).split()).encode())
                yield _Policy(inline, document["Statement"], size)


def _all(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def _shares_of_variables(variables: Mapping[str, str]) -> dict[str, int]:
    """How many bytes each key of the context is answerable for: those of collections, which have no end."""
    sizes = {to_camel(name.removeprefix("RERUN_").lower()): len(json.dumps(value)) for name, value in variables.items()}
    return {key: sizes[key] for key in ("invokableFunctions", "otherBuses") if key in sizes}


def _shares_of_statements(statements: Any, settings: Settings) -> dict[str, int]:
    texts = list(_texts(statements))
    invokable = sum(len(text) + 3 for text in texts if text.removesuffix(":*") in settings.invokable_patterns)
    rules = sum(len(text) + 3 for text in texts if ":rule/" in text)
    shares = {"invokableFunctions": invokable, "otherBuses": rules if settings.listened_buses else 0}
    return {key: size for key, size in shares.items() if size}


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)


class _Longest:
    """The values of a template, with each intrinsic function replaced by the longest text that it may give."""

    def __init__(self, template: Template, stack_name: str) -> None:
        self._resources = template["Resources"]
        self._stack_name = stack_name

    def of(self, value: Any) -> Any:
        match value:
            case {"Ref": name}:
                return self._ref(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._arn(name) if attribute == "Arn" else self._name(name)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self.of(part) for part in parts)
            case dict():
                return {key: self.of(each) for key, each in value.items()}
            case list():
                return [self.of(each) for each in value]
            case _:
                return value

    def _ref(self, name: str) -> str:
        if name == "AWS::StackName":
            return self._stack_name
        if name not in self._resources:
            return _LONGEST[name]
        if self._resources[name]["Type"] == "AWS::SQS::Queue":
            region, account, suffix = (_LONGEST[f"AWS::{each}"] for each in ("Region", "AccountId", "URLSuffix"))
            return f"https://sqs.{region}.{suffix}/{account}/{self._name(name)}"
        return self._name(name)

    def _arn(self, name: str) -> str:
        _, service, kind = self._resources[name]["Type"].lower().split("::")
        partition, region, account = (_LONGEST[f"AWS::{each}"] for each in ("Partition", "Region", "AccountId"))
        return f"arn:{partition}:{service}:{region}:{account}:{kind}/{self._name(name)}"

    def _name(self, name: str) -> str:
        if self._resources[name]["Type"] == "AWS::KMS::Key":
            return _KEY_ID
        properties = self._resources[name].get("Properties", {})
        own = next((properties[key] for key in _NAMES if key in properties), None)
        return f"{self._stack_name}-{name}{_RANDOM}" if own is None else str(self.of(own))

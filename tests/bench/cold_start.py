"""What a cold start imports, and what that costs: `python -m tests.bench.cold_start`.

Each entry point is imported from the bundle alone, in an interpreter of its own; beside it, the same without bytecode,
as on a read-only file system, and a bare boto3 client as the floor. CPU seconds, medians.
"""

import json
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.bundle.shipped import ENTRY_POINTS, Bundle, assemble

ROUNDS = 5


class Start(NamedTuple):
    modules: int
    seconds: float


def measured(bundle: Bundle, command: str, *modules: str) -> Start:
    found = []
    for _ in range(ROUNDS):
        out, log = bundle.start(command, *modules).communicate()
        assert log == "", log
        found.append(json.loads(out))
    return Start(len(found[0]["files"]), statistics.median(each["seconds"] for each in found))


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        bundle = assemble(Path(directory))
        floor = measured(bundle, "import", "boto3", "botocore.client")
        print(f"{'boto3 alone':20} {floor.modules:5} modules {floor.seconds:6.2f} s")
        for name in ENTRY_POINTS:
            start = measured(bundle, "import", f"handlers.{name}")
            compiled = measured(bundle, "compile", f"handlers.{name}")
            print(
                f"{name:20} {start.modules:5} modules {start.seconds:6.2f} s  without bytecode {compiled.seconds:6.2f} s"
            )


if __name__ == "__main__":
    main()

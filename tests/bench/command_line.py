"""What `fnrun --help` and a completion take, against `import typer` alone: `python -m tests.bench.command_line`.

Each in an interpreter of its own, in turns, so that whatever else the machine does falls on all alike. CPU seconds,
medians. Both are to take at most twice as long: the exit code says whether they do.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 15
AT_MOST = 2.0
_FNRUN = ["-m", "fnrun"]
_COMPLETE = {"_FNRUN_COMPLETE": "complete_bash", "COMP_WORDS": "fnrun rerun 55", "COMP_CWORD": "2"}
_RUN = ["550e8400-e29b-41d4-a716-446655440000", "failure", "f-1", "2026-11-26T12:00:00.000Z"]
COMMANDS: dict[str, tuple[list[str], dict[str, str]]] = {
    "import typer": (["-c", "import typer"], {}),
    "fnrun --help": ([*_FNRUN, "--help"], {}),
    "fnrun rerun 55<tab>": (_FNRUN, _COMPLETE),
    "the same in zsh": (_FNRUN, {"_FNRUN_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "fnrun rerun 55"}),
}


def measured(config: str) -> dict[str, float]:
    """Medians by command."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, (arguments, variables) in COMMANDS.items():
            seconds[name].append(_cpu_seconds(arguments, {"FNRUN_CONFIG_DIR": config} | variables))
    return {name: statistics.median(each) for name, each in seconds.items()}


def _cpu_seconds(arguments: list[str], variables: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], env=os.environ | variables, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    with tempfile.TemporaryDirectory() as config:
        scope = {"url": "", "workspace": "acme", "runs": [_RUN] * 200, "functions": {}, "triggers": {}}
        Path(config, "completion.json").write_text(json.dumps({"scopes": [scope] * 5}))
        medians = measured(config)
    floor = medians["import typer"]
    for name, seconds in medians.items():
        print(f"{name:20} {1000 * seconds:5.0f} ms  {seconds / floor:4.2f} times")
    return int(max(medians.values()) > AT_MOST * floor)


if __name__ == "__main__":
    sys.exit(main())

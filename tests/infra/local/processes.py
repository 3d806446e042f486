"""The processes of this machine that have not ended."""

import subprocess
from typing import NamedTuple


class Process(NamedTuple):
    id: int
    parent: int
    group: int
    command: str


def processes() -> list[Process]:
    ps = ["ps", "-wwAo", "pid=,ppid=,pgid=,stat=,args="]
    listed = subprocess.run(ps, capture_output=True, text=True, check=True).stdout.splitlines()
    entries = [line.split(maxsplit=4) for line in listed]
    return [
        Process(int(pid), int(parent), int(group), command)
        for pid, parent, group, state, command in entries
        if not state.startswith("Z")
    ]


def members_of(group: int) -> list[int]:
    return [process.id for process in processes() if process.group == group]

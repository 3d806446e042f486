"""The process that those of Python functions are forked from. `start.py` runs this file as a script.

It has imported what functions of AWS import first, which takes a new process half a second of CPU. It has nothing of a
function, not even the request to start one: only the child reads that. No thread, no client, no session is made here.

A request arrives as four descriptors: the three standard ones of the process to be, and a socket. On the socket come
`{"argv": …, "cwd": …, "env": …}` and an end; the answer is the process id. The process is left to the emulator, which
adopts what its descendants leave behind, so that it can kill it and ask for its exit status like a child of its own.
"""

import gc
import importlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

PRELOADED = (
    "aws_cron_expression_validator.validator",
    "aws_encryption_sdk",
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.typing",
    "boto3.dynamodb.types",
    "botocore.handlers",
    "pydantic.alias_generators",
    "pydantic.functional_serializers",
    "pydantic.root_model",  # pydantic imports most of itself when the first model is made
    "pydantic.types",
    "zoneinfo",
)
HANDLES = 4


def serve(server: socket.socket) -> list[str]:
    """The command line of a worker, in its own process. The server itself ends with the emulator."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # what the processes share is not copied for being looked at
    server.sendall(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})).encode() + b"\n")
    while True:
        received, handles, _, _ = socket.recv_fds(server, 1, HANDLES)
        if not received:
            sys.exit()
        child = os.fork()
        if child == 0:
            server.close()
            return become_worker(handles)
        os.waitpid(child, 0)
        for handle in handles:  # the socket's end tells the emulator that the worker has been left to it
            os.close(handle)


def become_worker(handles: list[int]) -> list[str]:
    with socket.socket(fileno=handles.pop()) as connection, connection.makefile("rb") as sent:
        request: dict[str, Any] = json.load(sent)
        worker = os.fork()
        if worker:
            connection.sendall(str(worker).encode())
            os._exit(0)
    for number, handle in enumerate(handles):
        os.dup2(handle, number)
        os.close(handle)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    argv: list[str] = request["argv"]
    return argv


if __name__ == "__main__":
    del sys.path[0]  # this file's directory, whose modules are no packages of a function
    sys.argv[:] = serve(socket.socket(fileno=int(sys.argv[1])))
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    sys.modules["__main__"] = main = ModuleType("__main__")
    main.__file__ = sys.argv[0]
    exec(compile(Path(sys.argv[0]).read_bytes(), sys.argv[0], "exec"), vars(main))  # noqa: S102 - the worker's script

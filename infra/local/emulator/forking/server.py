"""The process from which the processes of Python functions are forked. `start.py` runs this file as a script.

It has imported what AWS functions import first, which costs a new process half a second of CPU. It holds nothing of a
function, not even the request to start one: only the child reads that. It creates no thread, client or session.

A request arrives as four descriptors: the three standard ones of the new process, and a socket. The socket carries
`{"argv": …, "cwd": …, "env": …}` and an end of file; the answer is the process id. The process becomes a child of the
emulator, which adopts orphaned descendants and so can kill it and read its exit status.
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
    """Returns in each forked worker, with its command line. The server itself ends with the emulator."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # a collection would write to shared memory, and so copy it
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
        for handle in handles:  # the closed socket tells the emulator that the worker is now its own
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
    del sys.path[0]  # this file's directory: a function must not import from it
    sys.argv[:] = serve(socket.socket(fileno=int(sys.argv[1])))
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    sys.modules["__main__"] = main = ModuleType("__main__")
    main.__file__ = sys.argv[0]
    exec(compile(Path(sys.argv[0]).read_bytes(), sys.argv[0], "exec"), vars(main))  # noqa: S102 - the worker's script

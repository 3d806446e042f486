"""Run in an interpreter of its own, started with -I -S: `isolated.py CODE LAYER RUNTIME COMMAND HANDLER…`.

`serve` runs AWS's runtime client; `import` prints what was imported, and its CPU seconds. What they import from the
bundle must come with its bytecode: the first module that would be compiled ends them. `compile` is `import` without
bytecode.
"""

import importlib
import json
import sys
import time
from importlib.machinery import SourceFileLoader
from typing import Any

code, layer, runtime, command, *handlers = sys.argv[1:]
sys.path[:0] = [code, layer, runtime]
sys.dont_write_bytecode = True
to_code, get_code = SourceFileLoader.source_to_code, SourceFileLoader.get_code


def refuse(self: SourceFileLoader, data: Any, path: Any, **named: Any) -> Any:
    if str(path).startswith((code, layer)):
        raise RuntimeError(f"{path} is compiled at the cold start: it has no bytecode")
    return to_code(self, data, path, **named)


def compile_anew(self: SourceFileLoader, name: str) -> Any:
    path = self.get_filename(name)
    return to_code(self, self.get_data(path), path) if path.startswith((code, layer)) else get_code(self, name)


if command == "compile":
    SourceFileLoader.get_code = compile_anew  # type: ignore[method-assign, assignment]
else:
    SourceFileLoader.source_to_code = refuse  # type: ignore[method-assign, assignment]

if command == "serve":
    from awslambdaric.__main__ import main

    main([sys.argv[0], *handlers])
else:
    started = time.process_time()
    for handler in handlers:
        importlib.import_module(handler)
    seconds = time.process_time() - started
    files = [module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
    sys.stdout.write(json.dumps({"seconds": seconds, "files": files}))

"""Lambda's Python runtime: the script of a worker, and its process."""

import inspect
import textwrap
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from infra.local.emulator import worker, worker_script
from infra.local.emulator.corrections.rewriting import EmulatorChanged, require, rewrite_function, rewritten
from infra.local.emulator.forking.start import start_process


def rewrite_worker_script(defect: str, replacements: dict[str, str]) -> None:
    script = lambda_runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001
    lambda_runtime._PYTHON_WORKER_SCRIPT = rewritten(defect, script, replacements)  # noqa: SLF001


def the_python_worker_lacks_the_runtime_of_aws() -> None:
    script = lambda_runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001
    if not script.endswith("\nrun()\n"):
        raise EmulatorChanged("the Python worker lacks the runtime of AWS")
    lambda_runtime._PYTHON_WORKER_SCRIPT = inspect.getsource(worker_script) + script  # noqa: SLF001


def an_error_loses_its_type_and_stack_trace() -> None:
    defect = "an error loses its type and stack trace"
    rewrite_worker_script(
        defect,
        {
            "        mod = importlib.import_module(module_name)\n        handler_fn = getattr(mod, handler_name)\n": (
                "        handler_fn = load_handler(module_name, handler_name, code_dir)\n"
            ),
            "        try:\n"
            "            result = handler_fn(event, context)\n"
            '            _real_stdout.write(json.dumps({"status": "ok", "result": result}) + "\\n")\n'
            "        except Exception as e:\n"
            '            _real_stdout.write(json.dumps({"status": "error", "error": str(e), '
            '"trace": traceback.format_exc()}) + "\\n")\n': (
                '        _real_stdout.write(answer_of(handler_fn, event, context, code_dir) + "\\n")\n'
            ),
        },
    )
    before = '            error_msg = result.get("error", "Unknown error")\n'
    rewrite_function(
        defect,
        lambda_svc,
        "_execute_function_warm",
        {
            before: '            if "error_payload" in result:\n'
            '                return {"body": result["error_payload"], "error": True, "log": result["log"]}\n' + before
        },
    )


def an_exception_ends_the_worker() -> None:
    require(
        "an exception ends the worker",
        lambda_runtime.Worker.invoke,
        "durable: dict | None = None, invoked_function_arn: str | None = None) -> dict:",
        '            if response.get("status") == "error":\n'
        "                proc, self._proc = self._proc, None\n"
        "                _signal(proc)\n",
        '"error": f"Task timed out after {timeout}.00 seconds"',
    )
    uncorrected = lambda_runtime._worker_class_for  # noqa: SLF001

    def worker_class_for(config: dict[str, Any]) -> Any:
        is_python = str(config.get("Runtime", "python3.12")).startswith("python")
        return worker.PythonWorker if is_python else uncorrected(config)

    lambda_runtime._worker_class_for = worker_class_for  # noqa: SLF001


def the_end_of_a_log_is_guessed() -> None:
    defect = "the end of a log is guessed"
    require(defect, lambda_runtime.Worker._drain_stderr_bounded, "first_line_wait: float = 0.050")  # noqa: SLF001
    require(defect, lambda_runtime.Worker._read_stderr, "for line in self._proc.stderr:")  # noqa: SLF001
    rewrite_worker_script(
        defect,
        {
            "    _real_stdout = sys.stdout\n": "    _real_stdout = take_protocol_channel()\n",
            "        _real_stdout.flush()\n\nrun()\n": (
                "        end_log(context.aws_request_id)\n        _real_stdout.flush()\n\nrun()\n"
            ),
        },
    )


def a_worker_imports_everything_again() -> None:
    """It takes half a second of CPU, and all workers share this machine's few cores."""
    defect = "a worker imports everything again"
    source = textwrap.dedent(inspect.getsource(lambda_runtime.Worker._spawn))  # noqa: SLF001
    corrected = rewritten(defect, source, {"self._proc = subprocess.Popen(": "self._proc = start_process("})
    namespace = {**vars(lambda_runtime), "start_process": start_process}
    code = compile(corrected, "<Worker._spawn, corrected>", "exec")
    exec(code, namespace)  # noqa: S102 - the emulator's own source
    worker.PythonWorker._spawn = namespace["_spawn"]  # noqa: SLF001

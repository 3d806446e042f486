"""The emulator's side of one Lambda execution environment, for Python functions; runs inside the emulator."""

import contextlib
import json
import queue
import signal
import subprocess
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from ministack.core.lambda_runtime import Worker

from infra.local.emulator.worker_script import END_OF_LOG

# Of the current Invoke. A context variable, as the emulator itself uses to carry values of an invocation from the
# request to the thread that runs the function.
client_context: ContextVar[dict[str, Any] | None] = ContextVar("client_context", default=None)

# The marker is written before the parent looks for it, so the wait is this long only if the marker is lost.
LOG_PATIENCE_SECONDS = 10.0
EXIT_PATIENCE_SECONDS = 10.0


class PythonWorker(Worker):  # type: ignore[misc] # the emulator is untyped
    _proc: Any

    def _read_stderr(self) -> None:
        # Local names, because a respawn replaces both: a late line of the old process must not reach the new queue.
        # Bytes, because one undecodable byte would end the emulator's own reader, and with it every later log.
        pipe, lines = self._proc.stderr.buffer, self._stderr_queue
        with contextlib.suppress(OSError, ValueError):
            for line in pipe:
                lines.put(line.decode("utf-8", "replace").rstrip("\n"))

    def invoke(  # the emulator's signature
        self,
        event: Any,
        request_id: str,
        *,
        trace_id: str | None = None,
        depth: int | None = None,
        durable: dict[str, str] | None = None,
        invoked_function_arn: str | None = None,
    ) -> dict[str, Any]:
        with self._lock:
            cold = self._proc is None or self._proc.poll() is not None
            if cold and not self._comes_up():
                return {**self._exited(request_id), "cold_start": True}
            ctx = {
                "request_id": request_id,
                "invoked_function_arn": invoked_function_arn or self.config.get("FunctionArn", ""),
                "trace_id": trace_id,
                "depth": depth,
                "durable": durable or {},
                "client_context": client_context.get(),
            }
            return {**self._outcome(json.dumps({"event": event, "ctx": ctx}), request_id), "cold_start": cold}

    def _comes_up(self) -> bool:
        try:
            self._spawn()
        except RuntimeError as error:
            if "Worker process exited immediately" not in str(error):
                raise
            return False
        self._cold = False
        return True

    def _outcome(self, envelope: str, request_id: str) -> dict[str, Any]:
        timeout = float(self.config.get("Timeout", 3))
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._exchange, args=(self._proc, envelope, answers), daemon=True).start()
        try:
            answer = answers.get(timeout=timeout)
        except queue.Empty:
            return self._timed_out(request_id, timeout)
        if not answer:
            return self._exited(request_id)
        outcome: dict[str, Any] = json.loads(answer)
        outcome["log"] = self._log_of(request_id)
        if outcome.get("ends"):
            self._end()
        return outcome

    @staticmethod
    def _exchange(process: "subprocess.Popen[str]", envelope: str, answers: "queue.SimpleQueue[str]") -> None:
        answer = ""
        with contextlib.suppress(OSError, ValueError):
            if process.stdin is not None and process.stdout is not None:
                process.stdin.write(envelope + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
        answers.put(answer)

    def _timed_out(self, request_id: str, timeout: float) -> dict[str, Any]:
        self._end()
        message = f"Task timed out after {timeout:.2f} seconds"
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return self._failed(request_id, "Sandbox.Timedout", message, f"{at} {request_id} {message}")

    def _exited(self, request_id: str) -> dict[str, Any]:
        status = self._end(patience=EXIT_PATIENCE_SECONDS)
        if status is None or status == 0:
            message = "Runtime exited without providing a reason"
        elif status < 0:
            message = f"Runtime exited with error: signal: {_signal_name(status)}"
        else:
            message = f"Runtime exited with error: exit status {status}"
        logged = f"RequestId: {request_id} Error: {message}\nRuntime.ExitError"
        return self._failed(request_id, "Runtime.ExitError", message, logged)

    def _failed(self, request_id: str, error_type: str, message: str, logged: str) -> dict[str, Any]:
        payload = {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {message}"}
        log = "\n".join(filter(None, [self._drain_stderr(), logged]))
        return {"status": "error", "error_payload": payload, "log": log}

    def _end(self, *, patience: float = 0.0) -> int | None:
        """The exit status of the process, which is killed unless it ends within `patience` seconds."""
        process, self._proc = self._proc, None
        if process is None:
            return None
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
        status: int = process.wait()
        # With a timeout, because a grandchild may hold the pipe open.
        self._stderr_thread.join(timeout=LOG_PATIENCE_SECONDS)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        return status

    def _log_of(self, request_id: str) -> str:
        lines: list[str] = []
        marker = END_OF_LOG + request_id
        with contextlib.suppress(queue.Empty):
            while True:
                line: str = self._stderr_queue.get(timeout=LOG_PATIENCE_SECONDS)
                if line.endswith(marker):
                    unfinished = line.removesuffix(marker)
                    return "\n".join([*lines, unfinished] if unfinished else lines)
                lines.append(line)
        return "\n".join(lines)


def _signal_name(status: int) -> str:
    # The words of Go, in which AWS's supervisor is written.
    return {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted"}.get(
        signal.Signals(-status), signal.Signals(-status).name
    )

"""The product's story, told with real calls to the real stacks, on an emulator of its own.

Every answer is checked: what is not as the story says ends it with `RuntimeError`. Whatever happens, nothing is left
running.
"""

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.deploy import zipped
from infra.local.emulator import Emulator, unproxied
from infra.local.laptop import Laptop, bring_up, stop_leftover
from infra.local.log_stream import LogStream
from infra.local.printer import Printer, timed_steps
from infra.local.samples import SAMPLES

PAID_ITEMS = [{"sku": "mug", "price": 12, "quantity": 2}, {"sku": "pen", "price": 3, "quantity": 1}]
FREE_ITEMS = [{"sku": "sticker", "price": 0, "quantity": 3}]
CHARGED_ITEMS = [{"sku": "sticker", "price": 1, "quantity": 3}]
RUN_SECONDS = 30.0
FAULTS = (RuntimeError, httpx.HTTPError, BotoCoreError, ClientError)


class UnexpectedAnswerError(RuntimeError):
    """The product did something else than the story says."""


class Interrupted(SystemExit):
    """Ctrl-C, a closed terminal, or a polite kill."""


def tell() -> None:
    """Raises RuntimeError, which says what went wrong and where the logs are."""
    started = time.monotonic()
    printer = Printer()
    with signals_raised():
        try:
            with laptop_of_its_own(printer) as laptop:
                tell_chapters(laptop, printer)
        except Interrupted:
            printer.say("Interrupted. Everything is stopped.")
            raise
    printer.chapter("The end")
    printer.say(f"All of it took {time.monotonic() - started:.1f} s, and everything is stopped again. From here:")
    printer.answer("", {"make up": "the same on this machine, to keep, with a token for your own calls"})
    printer.answer("", {"README.md": "what it costs, how it is installed into an AWS account, what it promises"})


def tell_chapters(laptop: Laptop, printer: Printer) -> None:
    alice = Person("alice", laptop, printer, ["acme/*:*"])
    bob = Person("bob", laptop, printer, ["acme/function-triggers:execute", "acme/function-runs:*", "globex/*:*"])
    carol = Person("carol", laptop, printer, ["acme/function-runs:read"])
    trigger_id = register(alice, laptop.samples["OrdersFunctionArn"])
    failed = order_twice(alice, trigger_id)
    first = rerun_with_an_override(alice, failed)
    deploy_a_fix(printer, laptop, laptop.samples["OrdersFunctionArn"])
    second, third = rerun_pinned_and_on_latest_code(bob, failed)
    show_lineage(bob, failed, [first, second, third])
    be_refused(bob, carol, failed)


def register(alice: "Person", function_arn: str) -> str:
    alice.printer.chapter("Alice registers the function that processes orders")
    alice.printer.abbreviate(function_arn, f"arn:aws:lambda:…:{function_arn.rpartition(':')[2]}")
    alice.printer.say("A function is one of the team's own Lambdas, by its ARN. It needs no library and no change.")
    function_id = alice.creates(
        "function", "/compute-functions", {"name": "orders", "functionArn": function_arn}, "id", "name"
    )
    alice.printer.say("A trigger starts its runs, and holds the parameters that all of them share.")
    trigger = {
        "name": "new-order",
        "functionId": function_id,
        "executionType": "on-demand",
        "triggerMetadata": {"params": {"currency": "EUR"}},
    }
    return alice.creates("trigger", "/function-triggers", trigger, "id", "triggerMetadata")


def order_twice(alice: "Person", trigger_id: str) -> "Answer":
    alice.printer.chapter("Two orders: one is processed, one fails")
    alice.printer.say("The caller is answered at once; the run is recorded, queued, and executes by itself.")
    path = f"/function-triggers/{trigger_id}/execute"
    ordinary = alice.starts(path, {"payload": {"orderId": "A-1001", "items": PAID_ITEMS}})
    looked = alice.looks_at(ordinary, "result").shows("status", "functionVersion", "result")
    looked.has({"status": "completed", "result.total": 27, "result.currency": "EUR"})

    alice.printer.say("Every item of this order is free: the function divides by zero, and somebody has to look at it.")
    failing = alice.starts(path, {"payload": {"orderId": "A-1002", "items": FREE_ITEMS}})
    alice.printer.say("What it ran with is kept encrypted. Who may reveal it sees all that is needed to reproduce it.")
    failed = alice.looks_at(failing, "parameters,error")
    failed.shows("status", "errorCode", "error.errorMessage", "parameters", "functionVersion")
    return failed.has(
        {
            "status": "failure",
            "errorCode": "ZeroDivisionError",
            "isRerun": False,
            "parameters": {"currency": "EUR", "orderId": "A-1002", "items": FREE_ITEMS},
        }
    )


def rerun_with_an_override(alice: "Person", failed: "Answer") -> str:
    alice.printer.chapter("Recovery: Alice re-runs the failed run, with one parameter changed")
    alice.printer.say("She sends only what shall differ; the rest of the order need not be known or typed again.")
    overrides = {"items": CHARGED_ITEMS}
    run_id = alice.reruns(failed, {"reason": "The stickers are 1 EUR each", "overrideParams": overrides})
    alice.printer.say("orderId and currency are still the original's; the override itself is kept for the audit.")
    rerun = alice.looks_at(run_id, "parameters,overrides,result")
    rerun.shows("status", "overrides", "parameters", "result", "rerunReason")
    rerun.has({"status": "completed", "overrides": overrides, "parameters": {**failed["parameters"], **overrides}})
    return run_id


def deploy_a_fix(printer: Printer, laptop: Laptop, function_arn: str) -> None:
    printer.chapter("Testing: Bob fixes the function, and tries the fix on the run that failed")
    printer.say("The fix is deployed as any deployment is, past this service: an order of free items averages 0.")
    printer.request("bob", "boto3", "lambda.update_function_code, ZipFile of infra/local/samples/orders_fixed")
    client = laptop.client("lambda")
    client.update_function_code(FunctionName=function_arn, ZipFile=zipped(SAMPLES / "orders_fixed"))
    client.get_waiter("function_updated_v2").wait(FunctionName=function_arn, WaiterConfig={"Delay": 1})
    configuration = client.get_function(FunctionName=function_arn)["Configuration"]
    printer.answer("ok", {name: configuration[name] for name in ("LastUpdateStatus", "CodeSha256")})


def rerun_pinned_and_on_latest_code(bob: "Person", failed: "Answer") -> tuple[str, str]:
    bob.printer.say(
        "A re-run executes the very version that the original ran: the failure is reproduced, fix or no fix."
    )
    pinned = bob.reruns(failed, {"reason": "Does it still fail on the code it ran on?"})
    again = bob.looks_at(pinned).shows("status", "errorCode", "functionVersion", "functionCodeHash")
    same_code = {name: failed[name] for name in ("functionVersion", "functionCodeHash")}
    again.has({"status": "failure", "errorCode": "ZeroDivisionError", **same_code})

    bob.printer.say("With useLatestCode the same order meets the new code, and the fix is proven on original data.")
    fixed = bob.reruns(failed, {"reason": "Testing the fix", "useLatestCode": True})
    mended = bob.looks_at(fixed, "result").shows("status", "result", "functionVersion", "functionCodeHash")
    mended.has({"status": "completed", "result.total": 0})
    if any(mended[name] == value for name, value in same_code.items()):
        raise UnexpectedAnswerError(f"{mended.request} should show other code than {same_code}, but did not.")
    return pinned, fixed


def show_lineage(bob: "Person", failed: "Answer", rerun_ids: Sequence[str]) -> None:
    bob.printer.chapter("Audit: who re-ran what, and why")
    bob.printer.say("Every re-run points back to the original, however the question is asked.")
    original = bob.gets(f"/function-runs/{failed['id']}").has({"rerunCount": len(rerun_ids), "isRerun": False})
    history = bob.gets(f"/function-runs/{failed['id']}/rerun-history").has(
        {"originalRunId": failed["id"], "rerunCount": len(rerun_ids), "nextCursor": None}
    )
    bob.printer.say(f"As a tree, oldest re-run first (ids are shortened: the original's is {failed['id'][:8]}…):")
    told = ("rerunCount", "isRerun", "status", "functionVersion")
    bob.printer.tree(f"Original Run ({failed['id']})", {name: original[name] for name in told})
    told = ("isRerun", "originalRunId", "rerunBy", "rerunReason", "status", "functionVersion")
    for number, rerun in enumerate(history["reruns"], start=1):
        bob.printer.tree(f"Re-run {number} ({rerun['id']})", {name: rerun[name] for name in told})
    lineage = [(rerun["id"], rerun["rerunBy"], rerun["originalRunId"]) for rerun in history["reruns"]]
    people = ("alice", "bob", "bob")
    if lineage != [(run_id, who, failed["id"]) for run_id, who in zip(rerun_ids, people, strict=True)]:
        raise UnexpectedAnswerError(f"{history.request} gave the lineage {lineage}.")


def be_refused(bob: "Person", carol: "Person", failed: "Answer") -> None:
    bob.printer.chapter("Two requests that are refused, and change nothing")
    bob.printer.say("Carol may read runs, but not execute triggers.")
    refusal = carol.posts(f"/function-runs/{failed['id']}/rerun", {}, HTTPStatus.FORBIDDEN)
    refusal.shows("code", "message").has({"code": "FORBIDDEN"})
    bob.printer.say("Bob works for globex as well, but this run is acme's.")
    refusal = bob.posts(f"/function-runs/{failed['id']}/rerun", {}, HTTPStatus.BAD_REQUEST, workspace="globex")
    refusal.shows("code", "message").has({"message": "Run does not belong to this workspace."})
    bob.printer.say("The original's count is what it was.")
    bob.gets(f"/function-runs/{failed['id']}").shows("rerunCount").has({"rerunCount": 3})


class Answer(NamedTuple):
    request: str
    status: int
    document: Mapping[str, Any]
    printer: Printer

    def __getitem__(self, path: Any) -> Any:
        """`result.total` → the total of the result."""
        value: Any = self.document
        for name in path.split("."):
            if not isinstance(value, dict) or name not in value:
                raise UnexpectedAnswerError(f"{self.request} should have told {path}, but gave {self.document}.")
            value = value[name]
        return value

    def shows(self, *paths: str) -> Self:
        self.printer.answer(self.status, {path.rpartition(".")[2]: self[path] for path in paths})
        return self

    def has(self, expected: Mapping[str, Any]) -> Self:
        for path, value in expected.items():
            if self[path] != value:
                raise UnexpectedAnswerError(
                    f"{self.request} should have given {path} = {value!r}, but gave {self[path]!r}."
                )
        return self


class Person:
    """Someone with an access token. What they ask and are answered is printed."""

    def __init__(self, name: str, laptop: Laptop, printer: Printer, grants: Sequence[str]) -> None:
        self.name = name
        self.printer = printer
        self._api_url = laptop.api_url
        self._authorization = {"Authorization": f"Bearer {laptop.token(name, grants)}"}

    def creates(self, kind: str, path: str, body: Any, *shown: str) -> str:
        created = self.posts(path, body, HTTPStatus.CREATED)
        self.printer.abbreviate(created["id"], f"{kind}-{created['id'][:8]}")
        return str(created.shows(*shown)["id"])

    def starts(self, path: str, body: Any) -> str:
        """Gives the id of the run that was accepted."""
        accepted = self.posts(path, body, HTTPStatus.ACCEPTED)
        self.printer.abbreviate(accepted["jobId"], f"run-{accepted['jobId'][:8]}")
        return str(accepted.shows("jobId", "message")["jobId"])

    def reruns(self, run: Answer, body: Any) -> str:
        return self.starts(f"/function-runs/{run['id']}/rerun", body)

    def looks_at(self, run_id: str, include: str = "") -> Answer:
        """The run once it has ended."""
        path = f"/function-runs/{run_id}"
        deadline = time.monotonic() + RUN_SECONDS
        while (status := self._asks("GET", path)["status"]) in ("pending", "running"):
            if time.monotonic() > deadline:
                raise UnexpectedAnswerError(f"The run {run_id} is still {status} after {RUN_SECONDS:.0f} s.")
            time.sleep(0.05)
        return self.gets(f"{path}?include={include}" if include else path)

    def gets(self, path: str) -> Answer:
        self.printer.request(self.name, "GET", f"/workspace/acme/api/v1{path}")
        return self._asks("GET", path)

    def posts(self, path: str, body: Any, expected: HTTPStatus, *, workspace: str = "acme") -> Answer:
        self.printer.request(self.name, "POST", f"/workspace/{workspace}/api/v1{path}", body)
        return self._asks("POST", path, body, expected, workspace=workspace)

    def _asks(
        self, method: str, path: str, body: Any = None, expected: int = HTTPStatus.OK, *, workspace: str = "acme"
    ) -> Answer:
        address = f"{self._api_url}/workspace/{workspace}/api/v1{path}"
        with unproxied() as http:
            response = http.request(method, address, json=body, headers=self._authorization)
        if response.status_code != expected:
            raise UnexpectedAnswerError(
                f"{method} {path} should have been answered with {expected:d}, "
                f"but gave {response.status_code}: {response.text[:2000]}"
            )
        return Answer(f"{method} {path}", response.status_code, response.json(), self.printer)


@contextmanager
def laptop_of_its_own(printer: Printer) -> Iterator[Laptop]:
    """In a temporary directory, so that `make up` is not disturbed; kept, for its logs, only if something goes wrong."""
    directory = Path(tempfile.mkdtemp(prefix="function-rerun-demo-"))
    failed = False
    try:
        with timed_steps(printer.console) as report:
            laptop = bring_up(directory, report=report)
        printer.say(f"An AWS of its own answers at {laptop.emulator.url} (process {laptop.emulator.pid}).")
        with lambda_log_kept(laptop):
            yield laptop
    except FAULTS as fault:
        failed = True
        raise RuntimeError(f"\nThe demo failed: {fault}\nLogs: {Emulator(directory).log.parent}/*.log") from fault
    finally:
        stop_leftover(directory)
        if not failed:
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def lambda_log_kept(laptop: Laptop) -> Iterator[None]:
    """What the Lambdas have logged goes with the emulator: after a fault, it is written beside the emulator's log."""
    try:
        yield
    except FAULTS:
        with suppress(*FAULTS):
            lines = [f"{function}  {line}\n" for function, line in LogStream(laptop.client("logs")).unread()]
            (laptop.emulator.directory / "lambdas.log").write_text("".join(lines))
        raise


@contextmanager
def signals_raised() -> Iterator[None]:
    """The first signal to end becomes `Interrupted`; none that follow can keep what was started from being stopped."""
    signals = [each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each)]
    before = {each: signal.getsignal(each) for each in signals if signal.getsignal(each) is not signal.SIG_IGN}

    def end(number: int, _: object) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(128 + number)

    for each in before:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

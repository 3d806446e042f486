"""Chapters of the demo: a plan, a fix that makes it outdated, and whether it was the fix."""

from http import HTTPStatus
from pathlib import Path

from infra import ROOT
from infra.local.demo.printer import Printer
from infra.local.demo.users import COMPLETED, FAILURE, Answer, DemoUser, expect
from infra.local.deploy import zipped
from infra.local.local_stack import LocalStack

# By its path: the package's own module would load the CDK into this process.
FIXED_CODE = Path("infra/local/samples/orders_fixed")
ON_LATEST_CODE = {"reason": "Testing the fix", "useLatestCode": True}
SIDES = ("pinned", "candidate")


def plan_and_deploy(
    failed: Answer, function_arn: str, bob: DemoUser, local_stack: LocalStack, printer: Printer
) -> tuple[str, str]:
    """The run of a plan that a deployment has made outdated, and the run that the fix has completed."""
    printer.chapter("Testing: Bob plans a re-run, and a fix is deployed before he starts it")
    printer.say("A plan says what a re-run would do. It executes, writes and publishes nothing.")
    plan = _plans(failed, bob, printer).has(**{"code.codeDiffers": False})
    plan.shows("code.used", "code.codeDiffers", "executions", "refusals", "planToken")
    printer.say("The current code is still what has failed, so Bob deploys a fix: as usual, without this service.")
    deploy_the_fix(function_arn, local_stack, printer)

    printer.say("Now the current code is not what the plan has shown. So its re-run executes nothing:")
    outdated = bob.reruns(failed, {**ON_LATEST_CODE, "planToken": plan["planToken"]})
    run = bob.looks_at(outdated, FAILURE).has(errorCode="PlanOutdated", executionAttempts=0)
    run.shows("status", "errorCode", "executionAttempts")

    printer.say("A new plan shows the fix. It has no version number yet: a plan publishes nothing.")
    plan = _plans(failed, bob, printer).has(**{"code.codeDiffers": True, "code.currentVersion": None})
    plan.shows("code.codeDiffers", "code.currentVersion", "refusals", "planToken")
    fixed = bob.reruns(failed, {**ON_LATEST_CODE, "planToken": plan["planToken"]})
    run = bob.looks_at(fixed, COMPLETED, "result").shows("status", "result", "functionVersion")
    run.has(result={"orderId": "A-1002", "total": 0, "averagePrice": 0, "currency": "EUR"}, functionVersion="2")
    return outdated, fixed


def deploy_the_fix(function_arn: str, local_stack: LocalStack, printer: Printer) -> None:
    printer.request(
        "bob", "boto3", "lambda.update_function_code", {"FunctionName": function_arn, "Code": str(FIXED_CODE)}
    )
    functions = local_stack.client("lambda")
    functions.update_function_code(FunctionName=function_arn, ZipFile=zipped(ROOT / FIXED_CODE))
    functions.get_waiter("function_updated_v2").wait(
        FunctionName=function_arn, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
    )
    deployed = functions.get_function(FunctionName=function_arn)["Configuration"]
    printer.answer("ok", {name: deployed[name] for name in ("LastUpdateStatus", "CodeSha256")})


def prove_the_fix(failed: Answer, fixed: str, bob: DemoUser, carol: DemoUser, printer: Printer) -> list[str]:
    """The ids of the runs that prove it."""
    printer.chapter("Proof: it was the fix, and not the world around it")
    printer.say("Bob compares the re-run with the run that it repeats. The input is the same, the code is not.")
    compared = bob.gets(f"/function-runs/{fixed}/compare")
    expected = {
        "before.status": FAILURE,
        "after.status": COMPLETED,
        "differs.code": True,
        "differs.configuration": False,
        "content.parameters.equal": True,
    }
    printer.answer(compared.has(**expected).status, {path: compared[path] for path in expected})

    printer.say("Would it have succeeded without the fix by now? An experiment executes both versions, twice each.")
    experiments = f"/function-runs/{failed['id']}/experiments"
    started = bob.posts(experiments, {"repeats": 2, "reason": "Was it the fix?"}, HTTPStatus.ACCEPTED)
    for side in SIDES:
        for run_id in started[side]:
            printer.abbreviate(run_id, f"run-{run_id[:8]}")
    printer.abbreviate(started["experimentId"], f"experiment-{started['experimentId'][:8]}")
    started.shows("experimentId", "message")
    experiment = f"{experiments}/{started['experimentId']}"
    expect(
        lambda: [run["status"] for side in SIDES for run in carol.asks(experiment).each(side)],
        lambda statuses: not {"pending", "running"} & set(statuses),
        lambda statuses: f"The runs of {experiment} are still {statuses}",
    )
    printer.say("The version that failed still fails. The fix does not. Nothing but the code makes the difference.")
    found = bob.gets(experiment).has(verdict="code", reasons=[])
    columns = ("id", "functionVersion", "status", "errorCode")
    rows = [[side, *(run[name] for name in columns)] for side in SIDES for run in found.each(side)]
    printer.rows(rows, found.status)
    printer.answer("", {"verdict": found["verdict"]})
    printer.say("A verdict says something of the results. Carol, who may not reveal content, is shown none.")
    carol.gets(experiment).has(verdict=None, noVerdict="reveal-required").shows("verdict", "noVerdict")
    return [run["id"] for side in SIDES for run in found.each(side)]


def _plans(failed: Answer, bob: DemoUser, printer: Printer) -> Answer:
    plan = bob.posts(f"/function-runs/{failed['id']}/rerun-plan", ON_LATEST_CODE, HTTPStatus.OK).has(refusals=[])
    printer.abbreviate(plan["planToken"], f"{plan['planToken'][:9]}…")
    return plan

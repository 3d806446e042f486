"""What the commands do, step by step. Each asks before it changes anything, and ends by saying what comes next."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from infra.aws.cdk_cli import Cli
from infra.aws.target import Resource, Target
from infra.aws.trigger_sweep import Sources, delete_sources, find_sources
from infra.context import declared_context

# How to remove what a deleted stack leaves behind, with the resource's name for {}.
REMOVAL = {
    "AWS::DynamoDB::Table": "aws dynamodb delete-table --table-name {}",
    "AWS::S3::Bucket": "aws s3 rb s3://{} --force",
    "AWS::KMS::Key": "aws kms schedule-key-deletion --key-id {}",
    "AWS::Cognito::UserPool": "aws cognito-idp delete-user-pool --user-pool-id {}",
    "AWS::Logs::LogGroup": "aws logs delete-log-group --log-group-name {}",
}
# What has to come before, of what is protected from deletion.
UNPROTECTION = {
    "AWS::DynamoDB::Table": "aws dynamodb update-table --table-name {} --no-deletion-protection-enabled",
    "AWS::Cognito::UserPool": "aws cognito-idp update-user-pool --user-pool-id {} --deletion-protection INACTIVE",
}


class StoppedError(RuntimeError):
    """The command ends here. Its message says what has changed, and what to do."""


class Terminal(NamedTuple):
    say: Callable[[str], None]
    confirm: Callable[[str], bool]


def deploy(target: Target, cli: Cli, terminal: Terminal) -> None:
    """Raises StoppedError, ClientError or BotoCoreError."""
    if not target.is_bootstrapped():
        raise StoppedError(
            f"Account {target.account} is not yet bootstrapped for the CDK in {target.region}. "
            "Do that once: make bootstrap"
        )
    if declared_context().get("deletionProtection") and not target.was_created():
        raise StoppedError(
            "A first deployment that fails could not roll back what is protected from deletion. "
            'Set "deletionProtection": false in cdk.json, then: make deploy; and to true once it runs. '
            "Nothing was changed."
        )
    _compare(target, cli, terminal)
    _ask(terminal, f"Deploy this to {_described(target)}?")
    if not cli("deploy", target.stack, "--require-approval", "never"):
        raise StoppedError(
            "The deployment failed: see above. What CloudFormation had begun it rolls back. "
            "Mend the cause, then: make deploy"
        )
    terminal.say(_after_deployment(target, target.outputs() or {}))


def diff(target: Target, cli: Cli, terminal: Terminal) -> None:
    """Changes nothing. Raises StoppedError."""
    _compare(target, cli, terminal)
    terminal.say("Nothing was changed. To deploy this: make deploy")


def bootstrap(target: Target, cli: Cli, terminal: Terminal) -> None:
    """Raises StoppedError."""
    terminal.say("The CDK needs a bucket and roles of its own in each account and region: a stack named CDKToolkit.")
    _ask(terminal, f"Make them in account {target.account}, {target.region}?")
    if not cli("bootstrap", f"aws://{target.account}/{target.region}"):
        raise StoppedError("The account could not be bootstrapped: see above.")
    terminal.say("Next: make deploy")


def destroy(target: Target, cli: Cli, terminal: Terminal) -> None:
    """Raises StoppedError, SourceNotDeletedError, ClientError or BotoCoreError."""
    sources, is_deployed = find_sources(target), target.outputs() is not None
    retained = target.retained() if is_deployed else []
    if not sources and not is_deployed:
        raise StoppedError(f"There is neither {_described(target)}, nor a rule or schedule of it. Nothing was changed.")
    if is_deployed:
        _synthesise(cli)
    terminal.say(_before_destruction(target, sources, retained, is_deployed=is_deployed))
    _ask(terminal, f"Delete this of account {target.account}, {target.region}?")
    delete_sources(target, sources, lambda what: terminal.say(f"Deleting {what}"))
    if is_deployed and not cli("destroy", target.stack, "--force"):
        raise StoppedError(
            "The stack was not deleted: see above. The rules and schedules of its triggers are: none fires any more. "
            "Mend the cause, then: make destroy"
        )
    # Somebody may have made a trigger meanwhile.
    delete_sources(target, find_sources(target), lambda what: terminal.say(f"Deleting {what}"))
    terminal.say(_after_destruction(target, retained))


def _compare(target: Target, cli: Cli, terminal: Terminal) -> None:
    """By the templates alone: a change set would need the deployment's role, and be a change by itself."""
    _synthesise(cli)
    terminal.say(f"Comparing with {_described(target)} …")
    if not cli("diff", target.stack, "--method", "template"):
        raise StoppedError("The stacks could not be compared: see above. Nothing was changed.")


def _synthesise(cli: Cli) -> None:
    if not cli.synthesise():
        raise StoppedError("The template could not be made: see above. Nothing was changed.")


def _ask(terminal: Terminal, question: str) -> None:
    if not terminal.confirm(question):
        raise StoppedError("Nothing was changed.")


def _described(target: Target) -> str:
    return f"the stack {target.stack} of account {target.account}, {target.region}"


def _after_deployment(target: Target, outputs: Mapping[str, str]) -> str:
    api_url = outputs.get("ApiUrl", "")
    where = f"--stack {target.stack} --region {target.region}"
    lines = [
        f"Deployed. The API: {api_url}",
        "Next, unless an issuer of your own gives out the tokens: people, and what they may do. Then they log in.",
        f"  fnrun admin user add alice@example.com {where}",
        f"  fnrun admin grant alice@example.com 'my-workspace/*:*' {where}",
        f"  fnrun login {api_url}",
    ]
    context = declared_context()
    if not context.get("invokableFunctions"):
        lines.append("No function can be registered yet: set invokableFunctions in cdk.json, then: make deploy")
    if not context.get("deletionProtection"):
        lines.append(
            'To protect table and users from deletion: "deletionProtection": true in cdk.json, then: make deploy'
        )
    return "\n".join(lines)


def _before_destruction(target: Target, sources: Sources, retained: list[Resource], *, is_deployed: bool) -> str:
    lines = ["To be deleted:"]
    lines += [f"  {_described(target)}"] if is_deployed else []
    lines += [f"  rule {rule.name} on the bus {rule.bus}" for rule in sources.rules]
    lines += [f"  schedule {name} in {target.schedule_group}" for name in sources.schedules]
    if sources.foreign:
        lines.append("Left alone, because they are named like its rules and do not call it alone:")
        lines += [f"  rule {rule.name} on the bus {rule.bus}" for rule in sources.foreign]
    if retained:
        lines += ["Kept, with all data:", *(f"  {each.kind} {each.id}" for each in retained)]
    return "\n".join(lines)


def _after_destruction(target: Target, retained: list[Resource]) -> str:
    if not retained:
        return "Deleted."
    where = f"--region {target.region}" + (f" --profile {target.profile}" if target.profile else "")
    commands = [f"  {command} {where}" for each in retained for command in _removal(each)]
    return "\n".join(
        [
            "Deleted. What was kept still costs money; a new deployment creates everything again beside it.",
            "To remove it too, for ever (without its key nothing of the table and the bucket can be opened again):",
            *commands,
        ]
    )


def _removal(resource: Resource) -> list[str]:
    commands = [UNPROTECTION[resource.kind]] if resource.is_protected else []
    return [command.format(resource.id) for command in (*commands, REMOVAL[resource.kind])]

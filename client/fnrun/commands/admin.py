"""`fnrun admin`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fnrun.shared import DEFAULT_STACK, Commands

if TYPE_CHECKING:
    from fnrun.admin.user_pool import UserPool
    from fnrun.connection.aws import Target

app = Commands(help="Give people of the stack's user pool their grants, with an operator's AWS credentials.")
user = Commands(help="Add, list and remove people.")
app.add_typer(user, name="user")

Email = Annotated[str, typer.Argument(help="Who, by the address that they log in with.", metavar="EMAIL")]
Grants = Annotated[list[str], typer.Argument(help="WORKSPACE/RESOURCE:ACTION, or 'WORKSPACE/*:*'.", metavar="GRANT…")]
Stack = Annotated[str, typer.Option("--stack", help="The stack's name in AWS.")]
Region = Annotated[str | None, typer.Option("--region", help="Its region. [that of the profile's URL, or of AWS's]")]
AwsProfile = Annotated[str | None, typer.Option("--aws-profile", metavar="NAME", help="Of your AWS configuration.")]


@user.command()
def add(
    email: Email,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Take a temporary password from standard input; mail nothing.")
    ] = False,
    stack: Stack = DEFAULT_STACK,
    region: Region = None,
    aws_profile: AwsProfile = None,
) -> None:
    """Add somebody to the user pool. Cognito mails a temporary password; the login page asks for another one."""
    from shlex import quote

    from fnrun.admin.user_pool import UserPool
    from fnrun.output.console import note

    target = _target(stack, region, aws_profile)
    pool = UserPool(target)
    password = _password(is_local=target.local is not None, from_stdin=password_stdin)
    pool.add(email, password=password)
    how = "Their temporary password is the given one" if password else "Cognito mails them a temporary password"
    note(f"{email} is added. {how}; the first login asks for another one.")
    note(f"Next: fnrun admin grant {email} 'WORKSPACE/*:*', then they log in: fnrun login {quote(pool.api_url)}")
    _warn_if_not_trusted(pool)


@user.command("list")
def list_users(*, stack: Stack = DEFAULT_STACK, region: Region = None, aws_profile: AwsProfile = None) -> None:
    """List the people of the user pool."""
    from dataclasses import asdict

    from fnrun.admin.user_pool import UserPool
    from fnrun.output.console import print_json_list
    from fnrun.output.tables import print_table
    from fnrun.output.times import moment
    from fnrun.shared import invocation

    users = UserPool(_target(stack, region, aws_profile)).users()
    if invocation().as_json:
        names = {"created_at": "createdAt"}
        print_json_list({names.get(name, name): each for name, each in asdict(found).items()} for found in users)
        return
    rows = ([each.email, each.status, "yes" if each.enabled else "no", moment(each.created_at)] for each in users)
    print_table(["EMAIL", "STATUS", "ENABLED", "CREATED"], rows)


@user.command()
def remove(
    email: Email,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    stack: Stack = DEFAULT_STACK,
    region: Region = None,
    aws_profile: AwsProfile = None,
) -> None:
    """Remove somebody from the user pool."""
    from fnrun.admin.user_pool import UserPool
    from fnrun.output.ask import confirm
    from fnrun.output.console import note

    pool = UserPool(_target(stack, region, aws_profile))
    confirm(f"Remove {email} from the user pool {pool.id}?", yes=yes)
    pool.remove(email)
    note(f"{email} is removed. Tokens that they have are valid until they expire, for an hour at most.")


@app.command()
def grant(
    email: Email, grants: Grants, *, stack: Stack = DEFAULT_STACK, region: Region = None, aws_profile: AwsProfile = None
) -> None:
    """Give somebody grants."""
    from fnrun.admin.user_pool import UserPool, checked_grants
    from fnrun.output.console import note

    wanted = checked_grants(grants)
    pool = UserPool(_target(stack, region, aws_profile))
    for each in wanted:
        pool.grant(email, each)
        note(f"{email} has {each}.")
    note("It counts from their next login, or when their token is renewed.")
    _warn_if_not_trusted(pool)


@app.command()
def revoke(
    email: Email, grants: Grants, *, stack: Stack = DEFAULT_STACK, region: Region = None, aws_profile: AwsProfile = None
) -> None:
    """Take grants from somebody."""
    from fnrun.admin.user_pool import UserPool, checked_grants
    from fnrun.output.console import note

    pool = UserPool(_target(stack, region, aws_profile))
    held = pool.grants(email)
    for each in checked_grants(grants):
        if each not in held:
            note(f"{email} does not have {each}.")
            continue
        pool.revoke(email, each)
        note(f"{email} no longer has {each}.")
    note("Tokens that they have hold their grants until they expire, for an hour at most.")


@app.command("grants")
def list_grants(
    email: Email, *, stack: Stack = DEFAULT_STACK, region: Region = None, aws_profile: AwsProfile = None
) -> None:
    """List somebody's grants."""
    from fnrun.admin.user_pool import UserPool
    from fnrun.output.console import note, print_json, stdout
    from fnrun.shared import invocation

    found = UserPool(_target(stack, region, aws_profile)).grants(email)
    if invocation().as_json:
        print_json(found)
    elif not found:
        note(f"{email} has none. Next: fnrun admin grant {email} 'WORKSPACE/*:*'")
    else:
        for each in found:
            stdout().print(each)


def _target(stack: str, region: str | None, aws_profile: str | None) -> "Target":
    """AWS if anything of it is named; else what other commands would call, if that is the local stack."""
    from fnrun.connection.aws import Target
    from fnrun.connection.session import current
    from fnrun.errors import CommandError
    from fnrun.links import region_of_api
    from fnrun.output.console import note

    if aws_profile is not None or region is not None:
        return Target(stack, aws_profile, region)
    try:
        session = current()
    except CommandError:
        return Target(stack)  # the first who logs in has to be added before
    if session.local is not None:
        note("In the user pool of the local stack; with --aws-profile or --region, in AWS.")
        return Target(stack, local=session.local)
    return Target(stack, region=region_of_api(session.url))


def _password(*, is_local: bool, from_stdin: bool) -> str | None:
    """None: Cognito makes one, and mails it. The emulator mails nothing."""
    import sys
    from getpass import getpass

    from fnrun.errors import UsageFault
    from fnrun.output.console import is_interactive

    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n") or _no_password()
    if not is_local:
        return None
    if not is_interactive():
        raise UsageFault("The local stack mails no passwords", "add --password-stdin")
    return getpass("Temporary password (12 characters with upper and lower case, a digit and a symbol): ")


def _no_password() -> Any:
    from fnrun.errors import UsageFault

    raise UsageFault("No password came on standard input", "printf '%s\\n' \"$PASSWORD\" | fnrun admin user add …")


def _warn_if_not_trusted(pool: "UserPool") -> None:
    """Of a stack with a provider of its own, the pool's tokens count for nothing."""
    from fnrun.connection.discovery import login_description
    from fnrun.errors import CommandError
    from fnrun.output.console import note

    try:
        issuer = login_description(pool.api_url).issuer
    except CommandError:
        return  # it may not be reached from here
    if issuer.rsplit("/", 1)[-1] != pool.id:
        note(f"But this stack trusts {issuer} instead of its own user pool: grants are given there.")

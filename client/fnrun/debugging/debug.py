"""`fnrun debug`: a run's code and parameters in a folder, executed here where that can be, its outcome compared."""

import getpass
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fnrun.connection.session import Session, current, open_client
from fnrun.debugging import recorded_run, report
from fnrun.debugging.aws import versions_of
from fnrun.debugging.brought import Brought, bring
from fnrun.debugging.child import Call, call, is_free
from fnrun.debugging.comparison import compare
from fnrun.debugging.docker import docker_lines
from fnrun.debugging.environment import credentials_of, own_variables
from fnrun.debugging.folder import RunFolder
from fnrun.debugging.function_version import FunctionVersion
from fnrun.debugging.interpreters import imports, interpreter_for, is_compiled_for_linux
from fnrun.errors import CommandError, Exit, UsageFault
from fnrun.output.ask import confirm
from fnrun.output.console import note

_SHORT = 8


@dataclass(frozen=True, kw_only=True)
class Options:
    run_id: str
    directory: Path | None = None
    latest: bool = False
    code: Path | None = None
    runs: bool = True
    docker: bool = False
    debugpy_port: int | None = None
    env_file: Path | None = None
    credentials_profile: str | None = None
    aws_profile: str | None = None
    region: str | None = None
    yes: bool = False


def debug(options: Options) -> Exit:
    session = current()
    if options.code and not options.code.is_dir():
        raise UsageFault(f"{options.code} is not a folder", "name the folder of your code")
    variables = own_variables(options.env_file) if options.env_file else {}
    with open_client() as client:
        run = recorded_run.without_content(client, options.run_id)
        folder = RunFolder(options.directory or Path(f"RUN-{run['id'][:_SHORT]}"))
        folder.check(run["id"])
        arn = recorded_run.function_arn(client, run, latest=options.latest)
        versions = versions_of(session, arn, profile=options.aws_profile, region=options.region)
        version = versions.get(arn)
        python = _python(session, version, options)
        credentials: Mapping[str, str] = {}
        if isinstance(python, Path):
            credentials = credentials_of(options.credentials_profile) if options.credentials_profile else {}
            _ask(version, python, options)
        brought = bring(client, run["id"], version, versions, folder, code=options.code, latest=options.latest)
    if isinstance(python, Path) and sys.platform != "linux" and is_compiled_for_linux(brought.code, brought.layers):
        python = "its code has parts that are compiled for Linux"
    if not isinstance(python, Path):
        return _not_here(brought, python, options)
    if version.variables and not options.env_file:
        count = len(version.variables)
        note(f"The function has {count} environment variables and gets none of them: see {folder.env_example}.")
    outcome = call(
        Call(
            version=version,
            code=brought.code,
            layers=brought.layers,
            event=folder.event,
            custom=recorded_run.client_context(brought.run),
            python=python,
            sees_installed_packages=session.is_local,
            variables=variables,
            credentials=credentials,
            debugpy_port=options.debugpy_port,
        )
    )
    compared = compare(outcome, brought.run, ignored=brought.ignored)
    report.executed(brought, outcome=outcome, compared=compared, python=python)
    return Exit.NOT_WELL if compared.agrees is False else Exit.DONE


def _python(session: Session, version: FunctionVersion, options: Options) -> Path | str | None:
    """What calls the function here; or why nothing does; None if the caller does not want it."""
    if not options.runs:
        return None
    if options.docker:
        return "--docker"
    if session.local and version.runtime.startswith("python"):
        # The emulator has one Python for all runtimes and architectures.
        of_checkout = session.local.checkout / ".venv" / "bin" / "python"
        found: Path | str = of_checkout if of_checkout.exists() else Path(sys.executable)
    else:
        found = interpreter_for(version)
    if options.debugpy_port and not isinstance(found, Path):
        raise CommandError(f"It cannot be debugged here: {found}", "leave out --debugpy", Exit.NOT_WELL)
    if options.debugpy_port and isinstance(found, Path) and not imports(found, "debugpy"):
        raise CommandError(f"{found} has no debugpy", f"{found} -m pip install debugpy", Exit.NOT_WELL)
    if options.debugpy_port and not is_free(options.debugpy_port):
        raise CommandError(f"Port {options.debugpy_port} is taken", "name another one", Exit.USAGE)
    return found


def _ask(version: FunctionVersion, python: Path, options: Options) -> None:
    code = f"the code in {options.code} as {version.title}" if options.code else version.title
    note(f"This calls {version.handler} of {code} HERE, on this machine, with {python}, as {_user()}.")
    note("It can read, change and send whatever you can: neither your files nor the network are closed to it.")
    if options.credentials_profile:
        note(f"It gets the AWS credentials of the profile {options.credentials_profile}, and can do what these may.")
    else:
        note("It gets no AWS credentials, no proxies, none of your variables, and an empty home.")
    confirm("Call it?", yes=options.yes)


def _user() -> str:
    try:
        return getpass.getuser()
    except Exception:  # noqa: BLE001 - of a user without a name each system says so in its own way
        return "you"


def _not_here(brought: Brought, reason: str | None, options: Options) -> Exit:
    if reason is None:
        words = {"--latest": options.latest, "--directory": options.directory, "--code": options.code}
        again = [word if value is True else f"{word} {value}" for word, value in words.items() if value]
        report.brought_only(brought, " ".join(["fnrun debug", brought.run["id"], *again]))
        return Exit.DONE
    lines = docker_lines(
        brought.version,
        code=brought.code,
        layers=brought.layers,
        event=brought.folder.event,
        custom=recorded_run.client_context(brought.run),
        env_file=options.env_file.resolve() if options.env_file else None,
    )
    report.to_be_executed_in_docker(brought, lines, None if options.docker else reason)
    return Exit.DONE

"""What a function that is called here sees: the variables that Lambda sets, and next to nothing of the caller's."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fnrun.debugging.function_version import FunctionVersion
from fnrun.errors import CommandError, UsageFault
from fnrun.inputs.variables import read_variables

INHERITED = ("PATH", "LANG")
_CREDENTIALS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"})
# So that no SDK finds credentials in files, or asks the machine that this is.
_NO_CREDENTIALS: Mapping[str, str] = MappingProxyType(
    {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
)


def function_environment(
    version: FunctionVersion,
    *,
    code: Path,
    scratch: Path,
    own: Mapping[str, str],
    credentials: Mapping[str, str],
) -> dict[str, str]:
    """`own` are the function's variables, `scratch` is an empty folder for its home and its temporary files."""
    home, temporary = scratch / "home", scratch / "tmp"
    for folder in (home, temporary):
        folder.mkdir()
    return {
        "LANG": "C.UTF-8",
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "TZ": ":UTC",
        **own,
        **_NO_CREDENTIALS,
        **credentials,
        "_HANDLER": version.handler,
        "LAMBDA_TASK_ROOT": str(code),
        "LAMBDA_RUNTIME_DIR": str(scratch),
        "AWS_REGION": version.region,
        "AWS_DEFAULT_REGION": version.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": version.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version.number,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{version.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"fnrun/[{version.number}]debug",
    }


def own_variables(file: Path) -> dict[str, str]:
    """The function's own, of a file. Raises UsageFault, also for AWS credentials."""
    variables = read_variables(file)
    if found := sorted(_CREDENTIALS & set(variables)):
        message = f"{found[0]} cannot come from {file}: the function would have AWS credentials without your noticing"
        raise UsageFault(message, "use --with-credentials PROFILE")
    return variables


def credentials_of(profile: str) -> dict[str, str]:
    """The AWS credentials of a profile as variables. Raises CommandError."""
    from fnrun.connection.aws import imported_boto3

    boto3 = imported_boto3()
    try:
        found = boto3.Session(profile_name=profile).get_credentials()
        frozen = found.get_frozen_credentials() if found else None
    except Exception as error:  # noqa: BLE001 - botocore's, and those of its credential processes
        raise CommandError(
            f"The AWS profile {profile} gives no credentials ({type(error).__name__})", "aws configure list-profiles"
        ) from None
    if frozen is None:
        raise CommandError(f"The AWS profile {profile} has no credentials", f"aws configure --profile {profile}")
    variables = {
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token,
    }
    return {name: value for name, value in variables.items() if value}

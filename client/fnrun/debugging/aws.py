"""Lambda's control plane, as far as it gives a version's code. boto3 is imported when needed, and may be missing."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from fnrun.connection.aws import emulator_client, imported_boto3
from fnrun.debugging.archives import MAX_BYTES
from fnrun.debugging.function_version import Download, FunctionVersion
from fnrun.errors import CommandError, Exit

if TYPE_CHECKING:
    from fnrun.connection.session import Session

_TIMEOUT_SECONDS = 60.0
_NOT_LOGGED_IN = ("NoCredentials", "PartialCredentials", "TokenRetrieval", "SSO", "UnauthorizedSSO", "Login")


class LambdaVersions:
    """`endpoint` is the emulator's; without it, AWS is asked with the caller's credentials, or those of `profile`."""

    def __init__(self, *, region: str, profile: str | None = None, endpoint: str | None = None) -> None:
        boto3 = imported_boto3()
        self._is_local = endpoint is not None
        try:
            if endpoint is not None:
                self._client = emulator_client("lambda", endpoint=endpoint, region=region)
            else:
                self._client = boto3.Session(profile_name=profile).client("lambda", region_name=region)
        except Exception as error:  # noqa: BLE001 - a profile that is unknown, a configuration that is damaged
            _fail(error, "the function")

    def get(self, arn: str) -> FunctionVersion:
        """The version that the ARN names. Raises CommandError."""
        try:
            answer: Mapping[str, Any] = self._client.get_function(FunctionName=arn)
        except Exception as error:  # noqa: BLE001 - botocore's, of which there are many
            _fail(error, arn)
        if answer["Configuration"].get("PackageType", "Zip") != "Zip":
            image = answer["Code"].get("ResolvedImageUri") or answer["Code"].get("ImageUri", "its image")
            raise CommandError(
                f"{arn} is a container image, and its code is in that", f"docker pull {image}", Exit.NOT_WELL
            )
        if "Location" not in answer["Code"]:
            raise CommandError(f"AWS gives no address for the code of {arn}", "", Exit.NOT_WELL)
        return FunctionVersion.of(answer)

    def layer(self, arn: str) -> Download:
        try:
            content = self._client.get_layer_version_by_arn(Arn=arn)["Content"]
        except Exception as error:  # noqa: BLE001
            _fail(error, arn)
        return Download(f"the layer {arn}", content["Location"], content["CodeSha256"])

    def download(self, what: Download, file: Path) -> None:
        """Raises CommandError, also if what comes is not what AWS has said."""
        import httpx

        digest, size = hashlib.sha256(), 0
        try:
            with (
                httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=not self._is_local, follow_redirects=True) as client,
                client.stream("GET", what.url) as answer,
                file.open("wb") as target,
            ):
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    size += len(chunk)
                    if size > MAX_BYTES:
                        raise CommandError(f"{what.name} is larger than anything that Lambda takes")
                    digest.update(chunk)
                    target.write(chunk)
        except httpx.HTTPError as error:
            # Not its message: it quotes the signed address.
            raise CommandError(
                f"{what.name} could not be downloaded ({type(error).__name__})", "try again", Exit.NOT_REACHED
            ) from None
        if base64.b64encode(digest.digest()).decode() != what.sha256:
            raise CommandError(
                f"What was downloaded is not {what.name}: its hash differs", "try again", Exit.NOT_REACHED
            )


def versions_of(session: "Session", arn: str, *, profile: str | None, region: str | None) -> LambdaVersions:
    """Those of the account that the stack is in; on the local stack, the emulator's."""
    if session.local:
        return LambdaVersions(region=session.local.region, endpoint=session.local.aws_endpoint_url)
    return LambdaVersions(region=region or arn.split(":")[3], profile=profile)


def _fail(error: Exception, what: str) -> NoReturn:
    name = type(error).__name__
    response = getattr(error, "response", None)
    code = str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
    if code == "ResourceNotFoundException":
        raise CommandError(
            f"{what} no longer exists in AWS",
            "fnrun debug RUN --latest takes the current code, with --code DIR your own",
        ) from None
    if code in ("AccessDeniedException", "AccessDenied"):
        raise CommandError(
            f"Your AWS credentials may not read {what}",
            "ask for lambda:GetFunction and lambda:GetLayerVersion, or use --aws-profile",
            Exit.NOT_PERMITTED,
        ) from None
    if name == "ProfileNotFound":
        raise CommandError("There is no such AWS profile", "aws configure list-profiles", Exit.USAGE) from None
    if code in ("ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException") or name.startswith(
        _NOT_LOGGED_IN
    ):
        raise CommandError(
            "AWS does not accept your credentials, or you have none", "aws login, or --aws-profile", Exit.NOT_PERMITTED
        ) from None
    raise CommandError(f"AWS gave no answer about {what}: {code or name}", "try again", Exit.NOT_REACHED) from None

"""What somebody at a terminal can do when AWS cannot be reached or refuses."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException"}
)
LOG_IN_AGAIN = "Your AWS credentials have expired or are not valid. Log in again, or name a profile: --profile"
# Of the first kind that fits.
WHAT_TO_DO: dict[type[Exception], str] = {
    NoCredentialsError: "There are no AWS credentials. Log in (aws sso login, say), or name a profile: --profile",
    NoRegionError: "There is no AWS region (and perhaps no credentials). Name it: --region; and log in",
    ProfileNotFound: "{}. Name one of your AWS configuration: --profile",
    PartialCredentialsError: "{}. Complete your AWS configuration, or name a profile: --profile",
    SSOError: LOG_IN_AGAIN,
    TokenRetrievalError: LOG_IN_AGAIN,
    CredentialRetrievalError: LOG_IN_AGAIN,
    BotoCoreError: "AWS does not answer: {} Try again later.",
}


def what_to_do(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return _about_refusal(error)
    return next(text for kind, text in WHAT_TO_DO.items() if isinstance(error, kind)).format(error)


def _about_refusal(refused: ClientError) -> str:
    code = refused.response["Error"]["Code"]
    if code in EXPIRED:
        return LOG_IN_AGAIN
    if code in DENIED:
        return f"AWS denies {refused.operation_name}: allow it to yourself, or name another profile: --profile"
    return f"AWS refuses {refused.operation_name} ({code}). If it was throttled, try again later."

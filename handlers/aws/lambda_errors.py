"""What each of Lambda's error answers means for a run: it waits, it fails, or nobody knows what was done.

Every error of the operations in botocore's model stands in one of these tables, and a test fails for a new one that
does not. What each means is AWS's own sentence about it: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
and API_PublishVersion.html. An answer that AWS's model does not have is read by its status, as `is_passing` does.
"""

from handlers.aws import aws_errors

# Of our own signature or credentials, while a role's are being renewed say: nothing of the run's is at fault.
_OURS = aws_errors.OUT_OF_TIME | {
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
}
# Of the key that a team's function is encrypted with. Lambda says so with 502, as if it were its own fault.
_OF_A_KEY = frozenset(
    {"KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException"}
)

# Not executed, because the version is not ready. It may become so by itself; or it is in the state Failed, which ends
# when somebody mends it, and that has to be asked for.
NOT_READY = frozenset(
    {
        "CodeArtifactUserDeletedException",
        "CodeArtifactUserPendingException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "SnapStartNotReadyException",
        "SnapStartRegenerationFailureException",
    }
)
# Not executed, and worth another try: throttled, cold after weeks, or out of what others give back.
LATER = (
    aws_errors.THROTTLES
    | NOT_READY
    | _OURS
    | {
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "EFSMountConnectivityException",
        "EFSMountTimeoutException",
        "ENILimitReachedException",
        "ENINotReadyException",
        "S3FilesMountConnectivityException",
        "S3FilesMountTimeoutException",
        "ServiceQuotaExceededException",
        "SnapStartTimeoutException",
        "SubnetIPAddressLimitReachedException",
    }
)
# Not executed either, and not before somebody mends the function, its network, its key, or what it was sent.
NEVER = _OF_A_KEY | {
    "CodeArtifactUserFailedException",
    "EC2AccessDeniedException",
    "EFSMountFailureException",
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "InvalidRuntimeException",
    "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException",
    "InvalidZipFileException",
    "ModeNotSupportedException",
    "NoPublishedVersionException",
    "RecursiveInvocationException",
    "RequestTooLargeException",
    "ResourceNotFoundException",
    "S3FilesMountFailureException",
    "SerializedRequestEntityTooLargeException",
    "SnapStartException",
    "UnsupportedMediaTypeException",
}
# The function may be at work, or have been: its file system failed it, or Lambda did.
UNKNOWN = frozenset({"DurableExecutionAlreadyStartedException", "EFSIOException", "ServiceException"})

# Of GetFunction and PublishVersion, which may be repeated: here a fault of Lambda's is a reason to wait, too.
CONTROL_LATER = (
    aws_errors.THROTTLES | _OURS | {"PreconditionFailedException", "ResourceConflictException", "ServiceException"}
)
CONTROL_NEVER = _OF_A_KEY | {
    "CodeStorageExceededException",
    "FunctionVersionsPerCapacityProviderLimitExceededException",
    "InvalidParameterValueException",
    "ResourceNotFoundException",
}

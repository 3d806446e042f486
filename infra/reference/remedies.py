"""What to do after each error of the API, as Markdown for docs/reference/errors.md."""

from handlers.domain import errors

REMEDIES: dict[type[errors.ServiceError], str] = {
    errors.DecryptionFailed: "[audit](../explanation/guarantees.md#check-it-yourself) with `--open all`: stored "
    "content is damaged",
    errors.PartUnreadable: "the same",
    errors.FunctionNotFound: "[execute a new trigger](#after-a-deletion) with the revealed parameters",
    errors.TriggerNotFound: "[execute a new trigger](#after-a-deletion) with the revealed parameters",
    errors.BusMissing: "name a bus that exists, in this account and region",
    errors.InvalidRequest: "correct `field`: it is unknown, of another type, sent twice, `null`, or out of its "
    "[limits](api.md#limits)",
    errors.InvalidRunId: "send the `id` or the `jobId` that an answer of this API has given",
    errors.NoParameters: "read the run: `parametersOmitted` says why. Execute the trigger with parameters of your own",
    errors.OrchestrationRun: "re-run the workflow that `orchestrationId` names, or "
    "[execute the trigger again](../how-to/rerun.md#runs-of-a-workflow)",
    errors.RunNotFound: "check the id; runs are deleted after `retentionDays`",
    errors.WrongWorkspace: "use the workspace of the run in the path",
    errors.BadSignature: "see `flaw` in the log of `api_webhooks`; check [secret and clock](../how-to/webhooks.md)",
    errors.Unauthenticated: "send an *access* token, not an ID token",
    errors.Forbidden: "give the caller the [grant](../how-to/own-identity-provider.md) that the message names",
    errors.FunctionNotPermitted: "name the function in "
    "[`invokableFunctions`](../how-to/operate.md#narrowing-the-context), then `make deploy`",
    errors.NotFound: "check id and workspace, or the path of the webhook",
    errors.AlreadyRecovered: "nothing; to re-run it all the same, leave `ifNotRecovered` out",
    errors.BatchEnded: "nothing: the batch has ended. Another one with the same filter takes what is not recovered",
    errors.BeingChanged: "try again in a minute: the watchdog completes the earlier change",
    errors.EffectKeyUnknown: "leave `effects` out, or wait until an open run has been executed: the function has "
    "made no effects of that run under its key",
    errors.PlanOutdated: "[plan](../how-to/plan-a-rerun.md) again and read what is different: `changed` says where",
    errors.IdempotencyKeyReused: "send a new key with each new request",
    errors.NameTaken: "choose another `name`, or use the one that has it",
    errors.PathTaken: "choose another `triggerMetadata.path`",
    errors.RerunOpen: "wait until the run that `runId` names has ended, or cancel it",
    errors.RerunLimitReached: "raise `maxRerunsPerLineage`, or execute the trigger again",
    errors.RunEnded: "nothing: the run has ended",
    errors.SourceLimitReached: "raise AWS's quota, or delete triggers",
    errors.TriggerDisabled: "`PUT` it with `enabled: true`",
    errors.TriggerUnreadable: "delete the trigger, create it again",
    errors.Stale: "GET, change, PUT",
    errors.TooLarge: "put [large parameters](../how-to/large-parameters.md) into S3 and pass the key; reveal parts one "
    "by one",
    errors.VersionRequired: "send `If-Match` or `version`",
    errors.ServiceError: "search the log for the `requestId`: a defect of the service",
    errors.Misconfigured: "the operator corrects what the alarm [`PermanentFaults`](../how-to/operate.md#alarms) "
    "reports. Accepted runs wait",
    errors.Unavailable: "send the same request, with its `Idempotency-Key`, after `Retry-After` seconds. Accepted runs "
    "wait",
}

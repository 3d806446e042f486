"""SQS: messages, and requests for messages, that it refuses."""

from ministack.services import sqs

from infra.local.emulator.corrections.rewriting import rewrite_function

# Alphanumeric and punctuation characters, 1 to 128 of them:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
GROUP_ID = r"[!-~]{1,128}"


def a_message_may_be_delayed_for_ever() -> None:
    """By its own delay. The sentence: https://github.com/aws-samples/amazon-sqs-dlq-replay-backoff/issues/8."""
    _refuse(
        "a message may be delayed for ever",
        "SendMessage",
        before='    msg_attrs = data.get("MessageAttributes") or {}\n',
        when="not 0 <= delay <= 900",
        sentence="Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
    )


def a_message_group_may_have_any_name() -> None:
    _refuse(
        "a message group may have any name",
        "SendMessage",
        before='    dedup_id = data.get("MessageDeduplicationId")\n',
        when=f"group_id is not None and not re.fullmatch({GROUP_ID!r}, group_id)",
        sentence="Value {group_id} for parameter MessageGroupId is invalid. Reason: MessageGroupId "
        "can only include alphanumeric and punctuation characters. 1 to 128 in length.",
    )


def a_receiver_may_wait_and_hold_for_ever() -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html."""
    for name, variable, most in (("WaitTimeSeconds", "wait", 20), ("VisibilityTimeout", "vis", 43200)):
        _refuse(
            "a receiver may wait and hold for ever",
            "ReceiveMessage",
            before='    attr_names = (data.get("AttributeNames")\n',
            when=f"not 0 <= {variable} <= {most}",
            sentence=f"Value {{{variable}}} for parameter {name} is invalid. "
            f"Reason: Must be >= 0 and <= {most}, if provided.",
        )


def _refuse(defect: str, action: str, *, before: str, when: str, sentence: str) -> None:
    """Put a refusal before a line of the action; `when` and the braces of `sentence` may use its variables.

    Other actions call it by its name, and requests find it in a table.
    """
    name = sqs._HANDLERS[action].__name__  # noqa: SLF001
    refusal = f'    if {when}:\n        raise _Err("InvalidParameterValue", f{sentence!r})\n'
    rewrite_function(defect, sqs, name, {before: refusal + before})
    sqs._HANDLERS[action] = getattr(sqs, name)  # noqa: SLF001

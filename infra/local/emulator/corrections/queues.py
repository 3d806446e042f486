"""SQS: messages, and requests for messages, that it refuses."""

from ministack.services import sqs

from infra.local.emulator.corrections.rewriting import rewrite_function

# Alphanumeric and punctuation characters, 1 to 128 of them:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
GROUP_ID = r"[!-~]{1,128}"


def a_message_may_be_delayed_for_ever() -> None:
    """Its own delay, that is. The sentence: https://github.com/aws-samples/amazon-sqs-dlq-replay-backoff/issues/8."""
    after = "    delay = int(_delay)\n"
    _rewrite_action(
        "a message may be delayed for ever",
        "SendMessage",
        {
            after: after + "    if not 0 <= delay <= 900:\n"
            '        raise _Err("InvalidParameterValue", f"Value {delay} for parameter DelaySeconds is invalid. "\n'
            '                   "Reason: DelaySeconds must be >= 0 and <= 900.")\n'
        },
    )


def a_message_group_may_have_any_name() -> None:
    after = '    group_id = data.get("MessageGroupId")\n'
    _rewrite_action(
        "a message group may have any name",
        "SendMessage",
        {
            after: after + f"    if group_id is not None and not re.fullmatch({GROUP_ID!r}, group_id):\n"
            '        raise _Err("InvalidParameterValue",\n'
            '                   f"Value {group_id} for parameter MessageGroupId is invalid. Reason: MessageGroupId "\n'
            '                   "can only include alphanumeric and punctuation characters. 1 to 128 in length.")\n'
        },
    )


def a_receiver_may_wait_and_hold_for_ever() -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html."""
    after = '    attr_names = (data.get("AttributeNames")\n'
    _rewrite_action(
        "a receiver may wait and hold for ever",
        "ReceiveMessage",
        {
            after: '    for name, value, most in (("WaitTimeSeconds", wait, 20), ("VisibilityTimeout", vis, 43200)):\n'
            "        if not 0 <= value <= most:\n"
            '            raise _Err("InvalidParameterValue", f"Value {value} for parameter {name} is invalid. "\n'
            '                       f"Reason: Must be >= 0 and <= {most}, if provided.")\n' + after
        },
    )


def _rewrite_action(defect: str, action: str, replacements: dict[str, str]) -> None:
    """Other actions call it by its name, and requests find it in a table."""
    actions = sqs._HANDLERS  # noqa: SLF001
    name = actions[action].__name__
    rewrite_function(defect, sqs, name, replacements)
    actions[action] = getattr(sqs, name)

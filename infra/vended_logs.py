"""Log groups that services of AWS write to in their own name."""

from aws_cdk import Aws, Fn, Stack


def vended_log_name(stack: Stack, of: str) -> str:
    """Below /aws/vendedlogs/, because each other group gets into a policy of the account that holds 5,120 characters.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html#AWS-logs-infrastructure-CWL
    A retained group must not be in the way of the next deployment: the name ends with the first part of the stack's id.
    """
    stack_id = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    return f"/aws/vendedlogs/{stack.stack_name}-{of}-{Fn.select(0, Fn.split('-', stack_id))}"

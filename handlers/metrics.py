"""Metrics for operators, in CloudWatch's embedded metric format: a line on stdout that becomes a metric.

Namespace is the stack's name; the one dimension, `service`, is the same in every Lambda. So an alarm names exactly one
metric, whichever Lambda has counted; which one it was is in its log, beside the line.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from enum import StrEnum

from aws_lambda_powertools.metrics import MetricUnit, single_metric

SERVICE = "function-rerun"


class Metric(StrEnum):
    """What is counted."""

    PERMANENT_FAULTS = "PermanentFaults"
    EVENTS_LOST = "EventsLost"
    """What a schedule or a rule has delivered, or a failure that was to be retried, and can never start a run."""
    EVENTS_PASSED_OVER = "EventsPassedOver"
    """What was delivered to a trigger that is disabled, or not yet there: as people want it."""
    FAILURES_CAPTURED = "FailuresCaptured"
    FAILURES_CAPTURED_BEFORE = "FailuresCapturedBefore"
    FAILURES_NOT_PERMITTED = "FailuresNotPermitted"
    FAILURES_OF_UNREGISTERED_FUNCTIONS = "FailuresOfUnregisteredFunctions"
    FAILURES_NOT_CAPTURED = "FailuresNotCaptured"
    SUCCESSES_PASSED_OVER = "SuccessesPassedOver"


def count(metric: Metric) -> None:
    """One more. It is written at once: what is counted is not lost if the process dies afterwards.

    The namespace is POWERTOOLS_METRICS_NAMESPACE. Raises SchemaValidationError without it.
    """
    with single_metric(metric, MetricUnit.Count, 1, default_dimensions={"service": SERVICE}):
        pass

"""What doors count, as CloudWatch reads it from the log."""

import json

import pytest

from handlers.metrics import SERVICE, Metric, count


def test_a_count_is_one_line_whose_dimension_is_the_same_in_every_lambda(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "watchdog")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "FunctionRerun")
    count(Metric.FAILURES_CAPTURED)
    count(Metric.FAILURES_NOT_PERMITTED)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    [directive] = first["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "FunctionRerun",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "FailuresCaptured", "Unit": "Count"}],
    }
    assert (first["service"], first["FailuresCaptured"]) == (SERVICE, [1.0])
    assert (second["service"], second["FailuresNotPermitted"]) == (SERVICE, [1.0])

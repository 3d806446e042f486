"""Examples of answers, for the OpenAPI document."""

from typing import Any

_RUN, _FUNCTION, _TRIGGER = (
    "550e8400-e29b-41d4-a716-446655440000",
    "0f000000-0000-4000-8000-000000000001",
    "07000000-0000-4000-8000-000000000001",
)
ERROR_GROUP_ID = "5f0c3f9ad1b84c0c8d2c1f6f0e7a9b34"
_RERUN = "6e0d1f6c-52ad-4f0c-8a43-0d8a3d7e2a11"
_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders-import"
_HASHES = {
    "7": {
        "functionCodeHash": "Kq0tWwDmbMV2zX6cB5jN8rJdGd5Y3h1fR2Lw0n9sT4E=",
        "configHash": "9f2c6d1be07a48c35d10a6f4b8e7c2915b3a0d84f6e1c7a2908d5b3e6f4a1c70",
    },
    "8": {
        "functionCodeHash": "Zb7uYxEnaLU1yW5dC4kM7qIcFc4X2g0eQ1Kv9m8rS3D=",
        "configHash": "9f2c6d1be07a48c35d10a6f4b8e7c2915b3a0d84f6e1c7a2908d5b3e6f4a1c70",
    },
}

PLAN: dict[str, Any] = {
    "source": {
        "runId": _RUN,
        "status": "failure",
        "functionId": _FUNCTION,
        "functionArn": _ARN,
        "functionVersion": "7",
        **_HASHES["7"],
    },
    "code": {
        "used": "current",
        "pinnedVersionExists": None,
        "currentVersion": "8",
        "currentCodeHash": _HASHES["8"]["functionCodeHash"],
        "currentConfigHash": _HASHES["8"]["configHash"],
        "codeDiffers": True,
        "configurationDiffers": False,
        "failsWith": None,
    },
    "function": {"id": _FUNCTION, "name": "orders import", "functionArn": _ARN, "version": 1},
    "trigger": {"id": _TRIGGER, "name": "import now", "enabled": True, "version": 1},
    "executions": 0,
    "retryPolicy": None,
    "notBefore": None,
    "effects": "new",
    "refusals": [
        {
            "code": "ALREADY_RECOVERED",
            "message": "Nothing is left to recover: `runId` has completed.",
            "runId": _RERUN,
        }
    ],
    "changes": [{"pointer": "/order/carrier", "kind": "changed", "before": "ups", "after": "dhl"}],
    "isCut": False,
    "planToken": None,
}

EXPERIMENT_STARTED: dict[str, Any] = {
    "experimentId": "76102a44-2ebe-4a58-a89f-9fb946adb810",
    "pinned": ["73753e3a-b571-5411-9e75-5c697bee57a5", "8991d7e8-73ef-5104-90a1-c2b81031e6b3"],
    "candidate": ["b722e75b-0055-513b-a054-9670c4dacb4a", "ec52cdd3-539e-5ba2-a715-bb6af956ac16"],
    "message": "Experiment successfully queued: 2 runs on the pinned version, 2 on the candidate.",
}


def _ran(run_id: str, version: str, duration_ms: int, error_code: str | None = None) -> dict[str, Any]:
    return {
        "id": run_id,
        "status": "failure" if error_code else "completed",
        "functionVersion": version,
        "errorCode": error_code,
        "errorSource": "function" if error_code else None,
        "durationMs": duration_ms,
    }


EXPERIMENT: dict[str, Any] = {
    "id": EXPERIMENT_STARTED["experimentId"],
    "sourceRunId": _RUN,
    "originalRunId": _RUN,
    "createdAt": "2026-11-26T09:45:00.000Z",
    "by": "alice",
    "reason": "Is the fix the reason?",
    "repeats": 2,
    "pinnedVersion": "7",
    "candidateVersion": "latest",
    "candidateFunctionId": None,
    "pinned": [_ran(run_id, "7", 900, "Declined") for run_id in EXPERIMENT_STARTED["pinned"]],
    "candidate": [_ran(run_id, "8", 850) for run_id in EXPERIMENT_STARTED["candidate"]],
    "verdict": "code",
    "reasons": [],
    "noVerdict": None,
    "ignore": ["/orderId"],
}


def _compared(run_id: str, version: str, **more: Any) -> dict[str, Any]:
    return {
        "id": run_id,
        "functionId": _FUNCTION,
        "executionAttempts": 1,
        "functionVersionArn": f"{_ARN}:{version}",
        "functionVersion": version,
        **_HASHES[version],
        **more,
    }


COMPARISON: dict[str, Any] = {
    "before": _compared(
        _RUN,
        "7",
        executionSource="trigger",
        createdAt="2026-11-26T09:30:00.000Z",
        status="failure",
        errorCode="Declined",
        errorSource="function",
        durationMs=900,
    ),
    "after": _compared(
        _RERUN,
        "8",
        executionSource="rerun",
        createdAt="2026-11-26T09:45:00.000Z",
        status="completed",
        errorCode=None,
        errorSource=None,
        durationMs=850,
    ),
    "differs": {
        "code": True,
        "configuration": False,
        "version": True,
        "status": True,
        "errorCode": True,
        "errorSource": True,
        "durationMs": True,
        "executionAttempts": False,
    },
    "content": None,
    "contentNeeds": "function-runs:reveal",
}

BATCH: dict[str, Any] = {
    "batchId": "0b3f8a52-6a4e-4f0e-9a56-3f2f7a1c9d10",
    "state": "stopped",
    "stopReason": {
        "rule": "sameErrorGroup",
        "errorGroupId": ERROR_GROUP_ID,
        "runId": _RERUN,
        "failed": 1,
        "ended": 12,
    },
    "startedBy": "alice",
    "reason": "Fixed in version 8",
    "createdAt": "2026-11-26T09:45:00.000Z",
    "notBefore": None,
    "endedAt": None,
    "changedBy": None,
    "changedAt": None,
    "filter": {"errorGroupId": ERROR_GROUP_ID},
    "runIdCount": None,
    "useLatestCode": True,
    "functionVersion": None,
    "effects": "new",
    "hasOverrides": False,
    "canary": {"count": 5},
    "pace": {"startPerSecond": 5.0, "maxPerSecond": 10.0, "doubleEverySeconds": 30},
    "stopWhen": {"failureRate": None, "sameErrorGroup": True, "failures": None},
    "progress": {
        "selected": 17,
        "started": 14,
        "running": 2,
        "completed": 11,
        "failed": 1,
        "cancelled": 0,
        "failedByGroup": [{"errorGroupId": ERROR_GROUP_ID, "count": 1}],
        "refused": {"TRIGGER_NOT_FOUND": 1},
        "skipped": {"recovered": 2, "open": 0, "limit": 0},
        "selectionComplete": False,
        "expectedSources": 132,
        "expectedCapped": False,
    },
    "estimatedEndAt": None,
}

ACTS: dict[str, Any] = {
    "data": [
        {
            "id": "4235bc1a-fcc1-44d7-ad12-c5ed2e7df50e",
            "at": "2026-11-26T09:45:00.000Z",
            "workspace": "acme",
            "action": "rerun",
            "by": "alice",
            "requestId": "JKJaXmPLvHcESHA=",
            "runId": _RUN,
            "jobId": _RERUN,
            "triggerId": _TRIGGER,
            "functionId": _FUNCTION,
            "reason": "The carrier's address is corrected",
            "useLatestCode": True,
            "overridden": True,
        }
    ],
    "meta": {"pageSize": 50, "nextCursor": None},
}

ERROR_GROUPS: dict[str, Any] = {
    "data": [
        {
            "errorGroupId": "3f0c9a1be27d4586a0f1c2d3e4b59687",
            "workspace": "acme",
            "functionId": _FUNCTION,
            "errorCode": "Declined",
            "errorSource": "function",
            "state": "open",
            "version": 1,
            "firstSeenAt": "2026-11-26T02:14:07.120Z",
            "lastSeenAt": "2026-11-26T03:02:51.004Z",
            "openedAt": "2026-11-26T02:14:07.120Z",
            "reopenedCount": 0,
            "resolvedInVersion": None,
            "changedBy": None,
            "changedAt": None,
            "functionVersions": ["7"],
            "failureCount": 212,
            "unrecoveredCount": 209,
            "countsCapped": False,
            "hours": [
                {"hour": "2026-11-26T02:00:00.000Z", "failures": 205},
                {"hour": "2026-11-26T03:00:00.000Z", "failures": 7},
            ],
            "sampleRunId": _RUN,
        }
    ],
    "meta": {"pageSize": 50, "nextCursor": None},
}

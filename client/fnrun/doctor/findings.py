"""What the doctor says: one line for each thing it has looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    check: str
    health: Health
    message: str
    next_step: str = ""

    def document(self) -> dict[str, str]:
        shown = {"check": self.check, "status": self.health.value, "message": self.message}
        return shown | ({"next": self.next_step} if self.next_step else {})


def ok(check: str, message: str) -> Finding:
    return Finding(check, Health.OK, message)


def warning(check: str, message: str, next_step: str) -> Finding:
    return Finding(check, Health.WARNING, message, next_step)


def fault(check: str, message: str, next_step: str) -> Finding:
    return Finding(check, Health.FAULT, message, next_step)

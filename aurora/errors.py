"""The one root of Aurora's errors. Doors render them: the API as problem+json, the CLI as text."""

from __future__ import annotations

from typing import ClassVar


class AuroraError(Exception):
    """Something a user can act on.

    `code` names the kind (the tail of the problem type URI), `status` is the HTTP status, `exit_code`
    the CLI's (0 ok, 1 failure, 2 usage, 3 data, 4 compliance, 5 not found, 6 not ready).
    `field` and `rule` say what was wrong where; `next_step` is the one thing to do now.
    """

    code: ClassVar[str] = "failure"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, next_step: str, field: str | None = None, rule: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.field = field
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class UsageError(AuroraError):
    """The call itself is wrong."""

    code, status, exit_code = "bad-request", 400, 2


class DataError(AuroraError):
    """Data breaks its contract."""

    code, status, exit_code = "invalid-data", 422, 3


class ComplianceError(AuroraError):
    """A rule forbids it."""

    code, status, exit_code = "compliance-violation", 403, 4


class NotFoundError(AuroraError):
    """There is no such thing in this tenant."""

    code, status, exit_code = "not-found", 404, 5


class NotReadyError(AuroraError):
    """Something it depends on is not there yet."""

    code, status, exit_code = "not-ready", 503, 6


class AuthenticationError(AuroraError):
    """No valid credential."""

    code, status, exit_code = "unauthenticated", 401, 4


class PermissionDeniedError(AuroraError):
    """The credential does not reach that far."""

    code, status, exit_code = "permission-denied", 403, 4


class ConflictError(AuroraError):
    """It contradicts what is already recorded."""

    code, status, exit_code = "conflict", 409, 3

"""The append-only log of who did what: identifiers and counts, never names or addresses."""

from typing import Any

from domain import clock
from models import AuditEntry, Organiser, Registration


def record(
    action: str,
    *,
    organiser: Organiser | None = None,
    registration: Registration | None = None,
    **details: Any,
) -> None:
    """Add one entry. Without an organiser it was the delegate, or the service itself."""
    AuditEntry.insert(
        at=clock.now(), action=action, organiser=organiser, registration=registration, details=details
    ).execute()

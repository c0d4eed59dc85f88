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


def history(registration: Registration) -> list[AuditEntry]:
    """The newest hundred entries about one registration, newest first, each with its organiser."""
    entries = AuditEntry.select(AuditEntry, Organiser).left_outer_join(Organiser)
    return list(
        entries.where(AuditEntry.registration == registration).order_by(AuditEntry.id.desc()).limit(100)
    )

"""The outbox: mails are rows, written with the change they tell of, sent by a worker until they are accepted."""

import logging
import random
import secrets
import threading
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

from peewee import fn

from config import Settings
from db import DatabaseOut, connection, db, on_sqlite, write
from domain import clock
from domain.transport import Deferred, Refused, Transport, open_transport
from models import Mail, Registration

UNFINISHED = ("queued", "sending", "retrying")
LEASE = timedelta(minutes=5)  # longer than the longest SMTP dialogue: some ten steps of transport.TIMEOUT
ATTEMPTS = 12  # with the waits below about two days
LONGEST_WAIT = timedelta(hours=6)
POLL = 2.0  # seconds; a commit wakes the worker at once

log = logging.getLogger("convoke.outbox")
_wake = threading.Event()


def enqueue(message: EmailMessage, *, kind: str, registration: Registration, once: str) -> None:
    """Queue a mail in the transaction that is open. A second call with the same `once` does nothing."""
    now = clock.now()
    Mail.insert(
        registration=registration,
        kind=kind,
        language=registration.language,
        recipient=str(message["To"].addresses[0].addr_spec),
        message=message.as_bytes().decode("ascii"),
        message_id=message["Message-ID"],
        once=once,
        due_at=now,
        created_at=now,
    ).on_conflict_ignore().execute()
    db.after_commit(_wake.set)


def claim(owner: str) -> Mail | None:
    """Take the mail that has been due the longest, and the right to send it until the lease ends."""
    now = clock.now()
    is_due = Mail.state.in_(UNFINISHED) & (Mail.due_at <= now)
    oldest = Mail.select(Mail.id).where(is_due).order_by(Mail.due_at).limit(1)
    if oldest.tuples().first() is None:
        return None
    if not on_sqlite():
        oldest = oldest.for_update("FOR UPDATE SKIP LOCKED")  # type: ignore[arg-type]
    with write():
        taken = (
            Mail.update(state="sending", owner=owner, attempts=Mail.attempts + 1, due_at=now + LEASE)
            .where((Mail.id == oldest) & is_due)
            .returning(Mail)
            .execute()
        )
        return next(iter(taken), None)


def accepted(mail: Mail) -> None:
    """The mail server took it. Nothing more is claimed: not that anybody has read it."""
    _settle(mail, state="accepted", accepted_at=clock.now(), error="")


def failed(mail: Mail, error: Exception) -> None:
    """It did not work: try again later, or after a refusal or the last attempt show it as failed."""
    if isinstance(error, Refused) or mail.attempts >= ATTEMPTS:
        _settle(mail, state="failed", error=str(error))
        return
    wait = min(timedelta(seconds=30) * 2 ** (mail.attempts - 1), LONGEST_WAIT) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
    _settle(mail, state="retrying", error=str(error), due_at=clock.now() + wait)


def _settle(mail: Mail, **changes: object) -> None:
    """Write the outcome, unless the lease ran out and the mail is somebody else's by now."""
    with write():
        Mail.update(owner=None, **changes).where(Mail.id == mail.id, Mail.owner == mail.owner).execute()
    log.info(
        "mail.%s", changes["state"], extra={"mail": mail.id, "kind": mail.kind, "attempts": mail.attempts}
    )


def backlog() -> dict[str, int]:
    """How many mails there are in each state."""
    counted = Mail.select(Mail.state, fn.COUNT(Mail.id)).group_by(Mail.state)
    return dict(counted.tuples())  # type: ignore[arg-type]


class Worker(threading.Thread):
    """Sends what is due, one mail after the other, until it is told to stop; then it finishes the mail in hand."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="outbox", daemon=True)
        self.sender = settings.mail_from.email
        self.transport: Transport = open_transport(settings.mail_url)
        self.owner = secrets.token_hex(16)
        self.is_rehearsal = settings.is_rehearsal
        self.stopping = threading.Event()

    def run(self) -> None:
        if self.is_rehearsal:
            self.attempt(forget_delays)
        while not self.stopping.is_set():
            _wake.clear()
            if not self.attempt(self.send_next):
                self.transport.close()
                _wake.wait(POLL * random.uniform(0.8, 1.2))  # noqa: S311 - jitter

    def attempt(self, work: Callable[[], bool]) -> bool:
        """Do one piece of work with a connection of its own; an outage of the database only means waiting."""
        try:
            with connection():
                return work()
        except DatabaseOut as error:
            log.warning("outbox.waits_for_database", exc_info=error)
        except Exception as error:  # the thread must outlive whatever one mail does to it
            log.error("outbox.interrupted", exc_info=error)
        return False

    def send_next(self) -> bool:
        """Send the next mail; False when there is none."""
        mail = claim(self.owner)
        if mail is None:
            return False
        try:
            self.transport.send(
                mail.message.encode("ascii"),
                sender=self.sender,
                recipient=mail.recipient,
                name=f"{mail.kind}-{mail.id}",
            )
        except (Refused, Deferred) as error:
            failed(mail, error)
        else:
            accepted(mail)
        return True

    def stop(self, timeout: float = 25) -> None:
        """Finish the mail in hand and end. Waits at most `timeout` seconds."""
        self.stopping.set()
        _wake.set()
        if self.is_alive():
            self.join(timeout)


def forget_delays() -> bool:
    """Make every waiting mail due: a rehearsal's clock may have been set back since it was queued."""
    with write():
        return bool(
            Mail.update(due_at=clock.now())
            .where(Mail.state.in_(UNFINISHED), Mail.due_at > clock.now())
            .execute()
        )

"""The outbox: mails are rows, written with the change they tell of, sent by a worker until they are accepted."""

import logging
import random
import secrets
import threading
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from cryptography.fernet import InvalidToken
from peewee import fn

from config import Settings
from db import DatabaseOut, connection, db, forget_pages, on_sqlite, write
from domain import clock
from domain.transport import Deferred, Refused, Transport, Unreachable, open_transport
from models import Mail, Registration

UNFINISHED = ("queued", "sending", "retrying")
LEASE = timedelta(minutes=5)  # longer than the longest SMTP dialogue: some ten steps of transport.TIMEOUT
ATTEMPTS = 12  # with the waits below some fourteen hours at a server that answers
LONGEST_WAIT = timedelta(hours=6)
MOST_A_DAY = 3
POLL = 2.0  # seconds; a commit wakes the worker at once

log = logging.getLogger("convoke.outbox")
_wake = threading.Event()


def enqueue(message: EmailMessage, *, kind: str, registration: Registration | None, once: str) -> None:
    """Queue a mail in the transaction that is open. A second call with the same `once` does nothing.

    Nor does one about a registration that was erased since it was read: the erasure must have been the last word.
    """
    if registration is not None and has_been_erased(registration):
        return
    now = clock.now()
    Mail.insert(
        registration=registration,
        kind=kind,
        language=message["Content-Language"],
        recipient=str(message["To"].addresses[0].addr_spec),
        message=message.as_bytes().decode("ascii"),
        message_id=message["Message-ID"],
        once=once,
        due_at=now,
        created_at=now,
    ).on_conflict_ignore().execute()
    db.after_commit(_wake.set)


def has_been_erased(registration: Registration) -> bool:
    """Whether it is erased by now. If it is not, an erasure waits until the transaction that is open has ended."""
    kept = Registration.select(Registration.id).where(
        Registration.id == registration.id, Registration.state != "erased"
    )
    if not on_sqlite():
        kept = kept.for_update("FOR SHARE")  # type: ignore[arg-type]
    return kept.first() is None


def claim(owner: str) -> Mail | None:
    """Take the mail that has been due the longest, and the right to send it until the lease ends.

    The mail comes without its message: reading that may fail, and must not undo the claim.
    """
    now = clock.now()
    is_due = Mail.state.in_(UNFINISHED) & (Mail.due_at <= now)
    oldest = Mail.select(Mail.id).where(is_due).order_by(Mail.due_at, Mail.id).limit(1)
    if oldest.tuples().first() is None:
        return None
    if not on_sqlite():
        oldest = oldest.for_update("FOR UPDATE SKIP LOCKED")  # type: ignore[arg-type]
    with write():
        taken = (
            Mail.update(state="sending", owner=owner, attempts=Mail.attempts + 1, due_at=now + LEASE)
            .where((Mail.id == oldest) & is_due)
            .returning(Mail.id, Mail.kind, Mail.recipient, Mail.attempts, Mail.owner)
            .execute()
        )
        return next(iter(taken), None)


def message_of(mail: Mail) -> bytes:
    """The mail as it goes out. Raises Refused when it cannot be read: then no repeat will help."""
    try:
        return str(Mail.select(Mail.message).where(Mail.id == mail.id).scalar()).encode("ascii")
    except (InvalidToken, ValueError) as error:
        raise Refused("this service cannot read the message: its field key is missing") from error


def mails_of(registration: Registration) -> list[Mail]:
    """The mails to one delegate, oldest first, without their messages."""
    shown = (Mail.id, Mail.kind, Mail.state, Mail.error, Mail.created_at)
    return list(Mail.select(*shown).where(Mail.registration == registration).order_by(Mail.id))


def accepted(mail: Mail) -> None:
    """The mail server took it. Nothing more is claimed: not that anybody has read it."""
    _settle(mail, state="accepted", accepted_at=clock.now(), error="")


def failed(mail: Mail, error: Exception) -> None:
    """It did not work: try again later, or after a refusal or the last attempt show it as failed."""
    if isinstance(error, Refused) or (mail.attempts >= ATTEMPTS and not isinstance(error, Unreachable)):
        _settle(mail, state="failed", error=str(error))
        return
    # Where the server was not even reached, the mail is not to blame, and has not used up an attempt.
    attempts = mail.attempts - isinstance(error, Unreachable)
    wait = min(timedelta(seconds=30) * 2 ** max(attempts - 1, 0), LONGEST_WAIT) * random.uniform(0.5, 1.5)  # noqa: S311
    _settle(mail, state="retrying", error=str(error), attempts=attempts, due_at=clock.now() + wait)


def _settle(mail: Mail, **changes: object) -> None:
    """Write the outcome, unless the lease ran out and the mail is somebody else's by now.

    The mail that tells of an erasure is itself the last thing to be erased.
    """
    is_last_trace = mail.kind == "erased" and changes["state"] in ("accepted", "failed")
    if is_last_trace:
        changes |= {"recipient": "", "message": "", "error": ""}
    with write():
        Mail.update(owner=None, **changes).where(Mail.id == mail.id, Mail.owner == mail.owner).execute()
    if is_last_trace:
        forget_pages()
    log.info(
        "mail.%s", changes["state"], extra={"mail": mail.id, "kind": mail.kind, "attempts": mail.attempts}
    )


def forget(theirs: Any) -> None:
    """Stop those mails that are on their way, and keep of those that went out only that they did."""
    Mail.delete().where(theirs, Mail.state.in_(UNFINISHED)).execute()
    Mail.update(recipient="", message="", error="").where(theirs).execute()


def has_written_often(address: str) -> bool:
    """Whether as many mails as are bearable went to an address today because somebody typed it."""
    today = clock.now() - timedelta(days=1)
    kinds = Mail.kind.in_(("address", "repeat", "link"))
    theirs = fn.LOWER(Mail.recipient) == address.lower()  # another spelling reaches the same mailbox
    return Mail.select().where(theirs, kinds, Mail.created_at > today).count() >= MOST_A_DAY


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
        self.attempt(lambda: resume(is_rehearsal=self.is_rehearsal))
        while not self.stopping.is_set():
            _wake.clear()
            if not self.attempt(self.send_next):
                self.transport.close()
                _wake.wait(POLL * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        self.transport.close()

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
            name = f"{mail.kind}-{mail.id}"
            self.transport.send(message_of(mail), sender=self.sender, recipient=mail.recipient, name=name)
        except (Refused, Deferred) as error:
            failed(mail, error)
        except Exception as error:  # whatever it is, it must not keep the other mails waiting
            log.error("mail.interrupted", extra={"mail": mail.id}, exc_info=error)
            failed(mail, Deferred(type(error).__name__))
        else:
            accepted(mail)
        return True

    def stop(self, timeout: float = 25) -> None:
        """Finish the mail in hand and end. Waits at most `timeout` seconds."""
        self.stopping.set()
        _wake.set()
        if self.is_alive():
            self.join(timeout)


def resume(*, is_rehearsal: bool) -> bool:
    """Make due at once what an earlier process left in the middle.

    On SQLite there is one process, so nobody else is sending these. In a rehearsal every waiting mail is made due:
    the clock may have been set back since it was queued.
    """
    states = UNFINISHED if is_rehearsal else ("sending",) if on_sqlite() else ()
    with write():
        return bool(
            Mail.update(due_at=clock.now()).where(Mail.state.in_(states), Mail.due_at > clock.now()).execute()
        )

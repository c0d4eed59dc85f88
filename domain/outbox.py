"""The outbox: mails are rows, written with the change they tell of; each is claimed, sent and settled by a worker."""

import logging
import random
import threading
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from cryptography.fernet import InvalidToken
from peewee import SQL, fn

from db import db, forget_pages, held, on_sqlite, turn, write
from domain import audit, clock
from domain.transport import Refused
from models import UNFINISHED, Announcement, Mail, Organiser, Registration

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LEASE = timedelta(minutes=13)  # longer than transport.LONGEST_EXCHANGE, by a minute
ATTEMPTS = 18  # with the waits below some two days
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = 6 * HOUR
MOST_A_DAY = 3  # to one address, of those that anybody can cause who types it
MOST_TO_ONE = 10  # a day, of all; what is more waits
NEVER_HELD_BACK = ("confirmation", "address", "moved", "new_link", "cancelled", "erased")
DAILY_LIMIT = "daily limit"
HOURLY_LIMIT = "hourly limit"
NO_WORKER = "no worker"
SILENCE = timedelta(minutes=15)  # longer than one mail keeps a worker

log = logging.getLogger("convoke.outbox")
wake = threading.Event()
CLAIM_SKIPPING_LOCKED = f"""
UPDATE mail SET state = 'sending', owner = ?, attempts = attempts + 1, due_at = ?
WHERE id = (
    SELECT id FROM mail WHERE state IN {UNFINISHED} AND due_at <= ? ORDER BY due_at, id LIMIT 1
    FOR UPDATE SKIP LOCKED
) AND state IN {UNFINISHED} AND due_at <= ?
RETURNING id, kind, recipient, attempts, message"""  # noqa: S608 - our own names
CLAIM = CLAIM_SKIPPING_LOCKED.replace("FOR UPDATE SKIP LOCKED", "")  # SQLite knows no locks on rows
_is_unfinished = SQL(f"state IN {UNFINISHED}")  # in words: values passed apart would not match the index


def enqueue(
    message: EmailMessage,
    *,
    kind: str,
    registration: Registration | None,
    once: str,
    announcement: Announcement | None = None,
) -> bool:
    """Queue a mail in the transaction that is open; says whether. A second call with the same `once` does nothing.

    Nor does one about a registration that was erased since it was read: the erasure must have been the last word.
    """
    if registration is not None and has_been_erased(registration):
        return False
    now = clock.now()
    row = Mail.insert(
        registration=registration,
        announcement=announcement,
        kind=kind,
        language=message["Content-Language"],
        recipient=str(message["To"].addresses[0].addr_spec),
        message=message.as_bytes().decode("ascii"),
        message_id=message["Message-ID"],
        once=once,
        due_at=now,
        created_at=now,
    )
    is_new = bool(row.on_conflict_ignore().as_rowcount().execute())
    db.after_commit(wake.set)
    return is_new


def has_been_erased(registration: Registration) -> bool:
    """Whether it is erased by now. If it is not, an erasure waits until the transaction that is open has ended."""
    kept = Registration.select(Registration.id).where(
        Registration.id == registration.id, Registration.state != "erased"
    )
    if not on_sqlite():
        kept = kept.for_update("FOR SHARE")  # type: ignore[arg-type]
    return kept.first() is None


def is_any_due() -> bool:
    return _due().tuples().first() is not None


def _due() -> Any:
    return Mail.select(Mail.id).where(_is_unfinished, Mail.due_at <= clock.now())


def claim(owner: str) -> Mail | None:
    """Take the mail that has been due the longest, and the right to send it until the lease ends.

    `owner` is the token that the outcome must be settled with. The message is as it is stored, for `opened`: that may
    fail, and must not undo the claim.
    """
    now = clock.now()
    with turn():
        taken = _run(CLAIM if on_sqlite() else CLAIM_SKIPPING_LOCKED, owner, now + LEASE, now, now).fetchall()
    if not taken:
        return None
    columns = ("id", "kind", "recipient", "attempts", "message")
    return Mail(owner=owner, due_at=now + LEASE, **dict(zip(columns, taken[0], strict=True)))


def _run(sql: str, *values: Any) -> Any:
    """Run a statement as it is written: building the worker's own in Peewee takes longer than the database needs."""
    given = [Mail.due_at.db_value(value) if isinstance(value, datetime) else value for value in values]
    return db.execute_sql(sql.replace("?", db.param), given)


def opened(sealed: str) -> bytes:
    """A mail as it goes out. Raises Refused when it cannot be read: then no repeat will help."""
    if not sealed:
        raise Refused("the message has been erased")
    try:
        return str(Mail.message.python_value(sealed) or "").encode("ascii")
    except (InvalidToken, ValueError) as error:
        raise Refused("this service cannot read the message: its field key is missing") from error


def message_of(mail: Mail) -> bytes:
    """The mail as it went out, or will. Raises Refused."""
    (sealed,) = _run("SELECT message FROM mail WHERE id = ?", mail.id).fetchone() or ("",)
    return opened(sealed)


def mails_of(registration: Registration) -> list[Mail]:
    """The mails to one delegate, oldest first, without their messages."""
    shown = (Mail.id, Mail.kind, Mail.state, Mail.error, Mail.created_at)
    return list(Mail.select(*shown).where(Mail.registration == registration).order_by(Mail.id))


def accepted(mail: Mail) -> None:
    """The mail server took it. Nothing more is claimed: not that anybody has read it."""
    _settle(mail, state="accepted", accepted_at=clock.now(), error="")


def failed(mail: Mail, error: Exception) -> None:
    """It did not work: try again later, or after a refusal or the last attempt show it as failed."""
    if isinstance(error, Refused) or mail.attempts >= ATTEMPTS:
        _settle(mail, state="failed", error=str(error))
        return
    wait = min(FIRST_WAIT * 2 ** (mail.attempts - 1), LONGEST_WAIT) * random.uniform(0.5, 1.5)  # noqa: S311
    _wait(mail, state="retrying", error=str(error), due_at=clock.now() + wait)


def put_back(mail: Mail, error: Exception, *, pause: float = 0) -> None:
    """The mail server is in trouble, not this mail, which has not used up an attempt. The others get their turn first,
    after the `pause` in seconds: if it is this one that the server cannot stand, it must not stand in their way."""
    due_at = clock.now() + timedelta(seconds=pause) + FIRST_WAIT
    _wait(mail, state="queued", error=str(error), attempts=mail.attempts - 1, due_at=due_at)


def hold_back(mail: Mail) -> bool:
    """Let a mail wait when its address has had as many as are bearable within a day; says whether.

    Never one that a delegate is waiting for, and cannot do without.
    """
    if mail.kind in NEVER_HELD_BACK:
        return False
    counting = _run(
        """SELECT accepted_at FROM mail WHERE LOWER(recipient) = ? AND accepted_at > ?
        ORDER BY accepted_at DESC LIMIT 1 OFFSET ?""",
        *(mail.recipient.lower(), clock.now() - DAY, MOST_TO_ONE - 1),
    ).fetchone()
    if counting is None:
        return False
    counted_at: Any = Mail.accepted_at.python_value(counting[0])
    _wait(mail, state="queued", error=DAILY_LIMIT, attempts=mail.attempts - 1, due_at=counted_at + DAY)
    return True


def to(address: str) -> Any:
    return fn.LOWER(Mail.recipient) == address.lower()  # another spelling reaches the same mailbox


def is_wanted() -> Any:
    """Whether a mail is still meant to go out: not when its announcement was stopped."""
    stopped = Announcement.select(Announcement.id).where(Announcement.state == "stopped")
    return Mail.announcement.is_null() | Mail.announcement.not_in(stopped)


def is_whole() -> Any:
    """Whether a mail can be sent: nothing of it has been erased."""
    return (Mail.recipient != "") & (Mail.message != "")


def has_failed() -> Any:
    """Whether a mail failed that is still meant to go out."""
    return (Mail.state == "failed") & is_wanted()


def failures() -> int:
    """How many mails have failed that can be sent again and are still meant to go out."""
    return Mail.select().where(has_failed(), is_whole()).count()


def _wait(mail: Mail, **changes: Any) -> None:
    """Let it be tried again, unless its announcement was stopped while it was in hand: then take it out."""
    if mail.kind != "announcement":
        _settle(mail, **changes)
        return
    with write():
        of_it = Mail.select(Mail.announcement).where(Mail.id == mail.id)
        # Held, so that it is not stopped between the look and the settling, without a sight of this mail.
        announcement = held(Announcement.select(Announcement.state).where(Announcement.id.in_(of_it))).first()
        if announcement is None or announcement.state != "stopped":
            _settle(mail, **changes)
        else:
            Mail.delete().where(Mail.id == mail.id, Mail.owner == mail.owner).execute()
            log.info("mail.stopped", extra={"mail": mail.id, "kind": mail.kind, "attempts": mail.attempts})


def _settle(mail: Mail, **changes: Any) -> None:
    """Write the outcome, unless the lease ran out and the mail is somebody else's by now.

    The mail that tells of an erasure is itself the last thing to be erased.
    """
    is_last_trace = mail.kind == "erased" and changes["state"] in ("accepted", "failed")
    if is_last_trace:
        changes |= {"recipient": "", "message": "", "error": ""}
    columns = ", ".join(f"{name} = ?" for name in changes)
    settle = f"UPDATE mail SET owner = NULL, {columns} WHERE id = ? AND owner = ?"  # noqa: S608 - our own names
    with turn():
        _run(settle, *changes.values(), mail.id, mail.owner)
    if is_last_trace:
        forget_pages()
    log.info(
        "mail.%s", changes["state"], extra={"mail": mail.id, "kind": mail.kind, "attempts": mail.attempts}
    )


def say_why(error: str) -> None:
    """Say of every mail that is due why it has not gone out."""
    unsaid = _due().where(Mail.error != error)
    if unsaid.tuples().first() is not None:
        with write():
            Mail.update(error=error).where(Mail.id.in_(unsaid)).execute()


def sent_within_an_hour() -> int:
    return Mail.select().where(Mail.accepted_at > clock.now() - HOUR).count()


def afresh() -> dict[str, Any]:
    """The columns of a mail that is to be sent as if it had never been tried."""
    return {"state": "queued", "attempts": 0, "due_at": clock.now(), "error": ""}


def retry(theirs: Any = None, *, organiser: Organiser | None = None) -> int:
    """Send again, from the first attempt on, what failed or waits to be tried again; returns how many these are.

    What has been erased stays as it is: there is nothing left to send. What was stopped goes out only by its number.
    """
    theirs = is_wanted() if theirs is None else theirs
    with write():
        # Held, so that none is stopped between the look at its state and the settling of its mails.
        under_way = Announcement.select(Announcement.id).where(Announcement.state != "draft")
        list(held(under_way.order_by(Announcement.id)))
        again = Mail.update(**afresh()).where(Mail.state.in_(("failed", "retrying")), is_whole(), theirs)
        count = int(again.execute())
        audit.record("mails.retried", organiser=organiser, mails=count)
        db.after_commit(wake.set)
    return count


def resume() -> None:
    """Make due what waits longer than any rule here lets it: the clock of a rehearsal has been set back."""
    with write():
        Mail.update(due_at=clock.now()).where(_is_unfinished, Mail.due_at > clock.now() + DAY).execute()


def forget(theirs: Any) -> None:
    """Stop those mails that are on their way or failed, and keep of those that went out only that they did."""
    Mail.delete().where(theirs, Mail.state != "accepted").execute()
    Mail.update(recipient="", message="", error="").where(theirs).execute()


def has_written_often(address: str) -> bool:
    """Whether as many mails as are bearable went to an address today because somebody typed it."""
    kinds = Mail.kind.in_(("address", "repeat", "link"))
    return Mail.select().where(to(address), kinds, Mail.created_at > clock.now() - DAY).count() >= MOST_A_DAY


def waiting(*, longer_than: timedelta = timedelta()) -> tuple[datetime, str] | None:
    """Since when the oldest mail waits that could go out, and why, as far as it was said or is plain."""
    now = clock.now()
    is_due = Mail.due_at <= now
    is_put_back = (Mail.state == "queued") & Mail.error.not_in(("", DAILY_LIMIT))
    waits = Mail.select(Mail.created_at, Mail.due_at, Mail.error).where(_is_unfinished, is_due | is_put_back)
    long = (Mail.created_at <= now - longer_than) | (Mail.due_at <= now - longer_than)
    oldest = waits.where(long).order_by(Mail.id).first()
    if oldest is None:
        return None
    return min(oldest.created_at, oldest.due_at), NO_WORKER if are_left_alone() else oldest.error


def are_left_alone() -> bool:
    """Whether a mail has long been due of which no worker has said why it waits, and none has gone out since."""
    silent = clock.now() - SILENCE
    is_long_due = (Mail.due_at <= silent) & (Mail.created_at <= silent)
    unsaid = Mail.select().where(_is_unfinished, is_long_due, Mail.error.in_(("", DAILY_LIMIT)))
    return unsaid.exists() and not Mail.select().where(Mail.accepted_at > silent).exists()


def stuck() -> int:
    """How many mails have waited for the mail server for over an hour; those that our own limits hold back do not."""
    because_of_it = Mail.error.not_in(("", DAILY_LIMIT, HOURLY_LIMIT))
    return Mail.select().where(_is_unfinished, because_of_it, Mail.created_at < clock.now() - HOUR).count()


def backlog() -> dict[str, int]:
    """How many mails there are in each state."""
    counted = Mail.select(Mail.state, fn.COUNT(Mail.id)).group_by(Mail.state)
    return dict(counted.tuples())  # type: ignore[arg-type]

"""Announcements: what organisers write to many delegates, each in a language they read; who gets it, how far it is."""

import hashlib
import json
from collections.abc import Container
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Any

from babel import Locale
from peewee import fn

from db import db, held, write
from domain import audit, clock, outbox, roster
from domain.desk import Desk
from domain.mail import compose
from domain.organisers import take_turns
from domain.registration import ChangedMeanwhile
from models import ACTIVE, UNFINISHED, Announcement, Mail, Organiser, Registration

SUBSTITUTES = ("en", "fr", "es")  # what to give, in this order, to those in whose language nothing is written
BATCH = 50  # mails that are written at a time, so that nobody waits long for the database

Words = dict[str, str]


class NoDraft(Exception):
    """It has been sent: nothing about it can be changed any more."""


class Unwritten(Exception):
    """There is no language in which it has both a subject and a text."""


class NumberChanged(Exception):
    """It would go to another number of delegates than was agreed to, or to nobody."""

    def __init__(self, actual: int) -> None:
        super().__init__(actual)
        self.actual = actual


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an announcement is, in delegates; `prepared` is for how many it was looked whether they get a mail.

    Those who cancelled meanwhile, or for whom it was stopped, are left out.
    """

    total: int
    prepared: int
    accepted: int
    waiting: int
    failed: int

    @property
    def left_out(self) -> int:
        return self.total - self.accepted - self.waiting - self.failed


def draft(subject: Words, text: Words, *, search: str, organiser: Organiser) -> Announcement:
    """Store a draft, by language, to the delegates whom a search of the list finds.

    The second of two clicks gets the draft that the first one made.
    """
    with write():
        theirs = Announcement.select().where(
            Announcement.organiser == organiser,
            Announcement.state == "draft",
            Announcement.search == search,
            Announcement.created_at > take_turns(organiser),
        )
        if made := next((one for one in theirs if (one.subject, one.text) == (subject, text)), None):
            return made
        announcement = Announcement.create(
            subject=subject, text=text, search=search, organiser=organiser, created_at=clock.now()
        )
        audit.record("announcement.written", organiser=organiser, announcement=announcement.id)
    return announcement


def amend(
    announcement: Announcement, subject: Words, text: Words, *, version: str, organiser: Organiser
) -> None:
    """Put other words into a draft. `version` is the one that was shown.

    Raises NoDraft, and ChangedMeanwhile where the words are others by now than those shown and these.
    """
    with write():
        now = draft_now(announcement)
        if (now.subject, now.text) == (subject, text):
            return
        if version_of(now) != version:
            raise ChangedMeanwhile
        Announcement.update(subject=subject, text=text).where(Announcement.id == now.id).execute()
        audit.record("announcement.changed", organiser=organiser, announcement=announcement.id)


def version_of(announcement: Announcement) -> str:
    """A few characters that stand for what it says, and to whom."""
    whole = json.dumps([announcement.subject, announcement.text, announcement.search], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def draft_now(announcement: Announcement) -> Announcement:
    """A draft as it is by now, and stays until the transaction that is open has ended. Raises NoDraft."""
    now = stored_now(announcement)
    if now.state != "draft":
        raise NoDraft
    return now


def readers_of(search: str) -> list[int]:
    """The ids of the registrations that hold and that a search of the list finds, ascending."""
    return [number for (number,) in _found(search).order_by(Registration.id).tuples()]


def count(search: str) -> int:
    """To how many delegates an announcement with this search would go now."""
    return int(_found(search).count())


def _found(search: str) -> Any:
    found = roster.matching(roster.from_words(search)).select(Registration.id)
    return found.where(Registration.state.in_(ACTIVE))


def send(announcement: Announcement, *, number: int, version: str, organiser: Organiser) -> None:
    """Send a draft to everybody whom its search finds now; the worker writes the mails.

    `version` and `number` are what was shown and how many delegates the organiser, who counts as its sender, agreed to.
    Raises ChangedMeanwhile, Unwritten, NumberChanged, and NoDraft to the second of two clicks.
    """
    with write():
        now = draft_now(announcement)
        if version_of(now) != version:
            raise ChangedMeanwhile
        if not languages_of(now):
            raise Unwritten
        readers = readers_of(now.search)
        if number != len(readers) or not readers:
            raise NumberChanged(len(readers))
        Announcement.update(
            state="sending", readers=readers, total=len(readers), organiser=organiser, sent_at=clock.now()
        ).where(Announcement.id == now.id).execute()
        audit.record(
            "announcement.sent", organiser=organiser, announcement=announcement.id, readers=len(readers)
        )
        db.after_commit(outbox.wake.set)


def stop(announcement: Announcement, *, organiser: Organiser) -> None:
    """Write no more mails, and take those back that still wait. Where nothing waits any more, do nothing.

    A mail in hand may still go out; if it comes back instead, the outbox takes it out.
    """
    theirs = Mail.announcement == announcement.id
    with write():
        stored_now(announcement)  # only after it are the mails to be seen that a worker is just writing
        is_on_its_way = (Announcement.state == "sending") | waits()
        stopped = Announcement.update(state="stopped").where(
            Announcement.id == announcement.id, Announcement.state != "stopped", is_on_its_way
        )
        if not stopped.execute():
            return
        waiting = Mail.delete().where(theirs, Mail.state.in_(("queued", "retrying")))
        audit.record(
            "announcement.stopped",
            organiser=organiser,
            announcement=announcement.id,
            mails=int(waiting.execute()),
        )


def stored_now(announcement: Announcement) -> Announcement:
    """It as it is by now, and stays until the transaction that is open has ended."""
    row: Announcement = held(Announcement.select().where(Announcement.id == announcement.id)).get()
    return row


def waits() -> Any:
    """Whether a mail of an announcement has not gone out yet, one in hand included."""
    unfinished = Mail.select(Mail.id).where(Mail.announcement == Announcement.id, Mail.state.in_(UNFINISHED))
    return fn.EXISTS(unfinished)


def prepare_some(desk: Desk) -> bool:
    """Write the next mails of the announcement that has been on its way the longest; says whether there was one.

    They are composed before the transaction, which holds up everybody else, and those anew that no longer fit.
    """
    on_its_way = Announcement.select().where(Announcement.state == "sending")
    announcement = on_its_way.order_by(Announcement.sent_at, Announcement.id).first()
    if announcement is None:
        return False
    done, readers = announcement.prepared, announcement.readers
    batch = readers[done : done + BATCH]
    prepared = done + len(batch)
    composed = {(one.id, one.sequence): mail_to(one, announcement, desk=desk) for one in still_active(batch)}
    with write():
        claimed = Announcement.update(
            prepared=prepared, state="sending" if prepared < len(readers) else "sent"
        ).where(
            Announcement.id == announcement.id,
            Announcement.prepared == done,
            Announcement.state == "sending",
        )
        if not claimed.execute():  # another worker has written these, or it has been stopped
            return False
        for registration in still_active(batch):
            message = composed.get((registration.id, registration.sequence))
            outbox.enqueue(
                message or mail_to(registration, announcement, desk=desk),
                kind="announcement",
                registration=registration,
                once=occasion(registration, announcement),
                announcement=announcement,
            )
    return True


def still_active(ids: list[int]) -> list[Registration]:
    found = Registration.select(*roster.LISTED).where(
        Registration.id.in_(ids), Registration.state.in_(ACTIVE)
    )
    return list(found.order_by(Registration.id))


def occasion(registration: Registration, announcement: Announcement) -> str:
    """What its mail to one delegate is written for, once."""
    return f"announcement:{announcement.id}:{registration.public_id}"


def mail_to(registration: Registration, announcement: Announcement, *, desk: Desk) -> EmailMessage:
    """The announcement as a mail to one delegate, in a language in which it is written."""
    written_in = language_among(languages_of(announcement), registration.language)
    return compose(
        "announcement",
        registration,
        once=occasion(registration, announcement),
        desk=desk,
        subject=announcement.subject[written_in],
        text=announcement.text[written_in],
        written_in=written_in,
        language=Locale(registration.language).languages[written_in],
    )


def preview(announcement: Announcement, lang: str, *, desk: Desk) -> EmailMessage:
    """The mail as somebody gets it who reads a language: a delegate who does not exist, with a link to nothing."""
    nobody = Registration(
        public_id="",
        reference=f"{desk.conference.reference_prefix}-0000-00",  # no reference has a 0
        language=lang,
        given_names="Alex",
        family_name="Example",
        email="alex@example.org",
    )
    to_nothing = replace(desk, link=lambda registration, lang: f"{desk.home(lang)}r/example")
    return mail_to(nobody, announcement, desk=to_nothing)


def languages_of(announcement: Announcement) -> list[str]:
    """The languages in which it is whole: with a subject and a text."""
    return [lang for lang in SUBSTITUTES if announcement.subject.get(lang) and announcement.text.get(lang)]


def language_among(written: Container[str], lang: str) -> str:
    """The language itself where it is written, otherwise the first of SUBSTITUTES that is."""
    return lang if lang in written else next(other for other in SUBSTITUTES if other in written)


def progress(announcement: Announcement) -> Progress:
    """How far it is by now, counted at one instant."""
    of_it = (Announcement.state, Announcement.total, Announcement.prepared, Mail.state)
    counted = Announcement.select(*of_it, fn.COUNT(Mail.id)).left_outer_join(Mail)
    rows: list[Any] = list(counted.where(Announcement.id == announcement.id).group_by(*of_it).tuples())
    state, total, prepared = rows[0][:3]
    mails = {row[3]: row[4] for row in rows}
    unprepared = total - prepared if state == "sending" else 0
    return Progress(
        total=total,
        prepared=prepared,
        accepted=mails.get("accepted", 0),
        waiting=unprepared + sum(mails.get(waiting, 0) for waiting in UNFINISHED),
        failed=mails.get("failed", 0),
    )


def find(number: int) -> Announcement | None:
    """An announcement with its organiser, without its readers."""
    return _with_organiser("readers").where(Announcement.id == number).first()


def newest() -> list[Announcement]:
    """Every announcement, newest first, with its organiser, without its text and readers."""
    found = _with_organiser("text", "readers", extra=(waits().alias("waits"),))
    return list(found.order_by(Announcement.id.desc()))


def _with_organiser(*left_out: str, extra: tuple[Any, ...] = ()) -> Any:
    columns = [column for column in Announcement._meta.sorted_fields if column.name not in left_out]
    return Announcement.select(*columns, *extra, Organiser).left_outer_join(Organiser)

"""Tables, constraints and field types. Knows neither Flask nor HTML."""

import hmac
import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from peewee import (
    SQL,
    AutoField,
    BooleanField,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
    fn,
)

from db import db

ACTIVE = ("received", "confirmed")
STATES = (*ACTIVE, "cancelled", "erased")
VISA_STATES = ("none", "requested", "in_preparation", "sent")
TRAVEL = ("", "known", "later", "none")
HOTEL = ("", "reserve", "own", "later")
MAIL_STATES = ("queued", "sending", "accepted", "retrying", "failed")
UNFINISHED = ("queued", "sending", "retrying")
ANNOUNCEMENT_STATES = ("draft", "sending", "stopped", "sent")


class UTCDateTimeField(DateTimeField):
    """An aware time in Python, naive UTC in the column: the same on every database, whatever the session's zone."""

    def db_value(self, value: datetime | str | None) -> Any:
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError("a time without its zone")
            value = value.astimezone(UTC).replace(tzinfo=None)
        return super().db_value(value)

    def python_value(self, value: Any) -> datetime | None:
        value = super().python_value(value)
        return value.replace(tzinfo=UTC) if value is not None else None


class EncryptedField(TextField):
    """A JSON value that only the holder of the field keys reads: Fernet in the column, empty when there is nothing."""

    keys: MultiFernet
    mark_keys: list[bytes]

    @classmethod
    def use(cls, keys: list[str]) -> None:
        """Encrypt with the first of the field keys; read, and recognise marks, with any of them."""
        cls.keys = MultiFernet([Fernet(key) for key in keys])
        cls.mark_keys = [hmac.digest(urlsafe_b64decode(key), b"marks", "sha256") for key in keys]

    @classmethod
    def marks(cls, text: str) -> list[str]:
        """What stands for a text where the database must find it and not tell it: by each key, the newest first."""
        return [hmac.digest(key, text.encode(), "sha256").hex()[:12] for key in cls.mark_keys]

    def db_value(self, value: Any) -> str:
        if not value:
            return ""
        return self.keys.encrypt(json.dumps(value, ensure_ascii=False).encode()).decode()

    def python_value(self, value: str) -> Any:
        return json.loads(self.keys.decrypt(value)) if value else None


class Base(Model):
    id = AutoField()

    class Meta:
        database = db
        legacy_table_names = False


def one_of(column: str, values: tuple[str, ...]) -> Any:
    allowed = ", ".join(f"'{value}'" for value in values)
    return SQL(f"CHECK ({column} IN ({allowed}))")


class Registration(Base):
    """One delegate. `search` and the `_key` columns are folded copies, to find and sort by on every database.

    `extra` holds the answers to the conference's own questions. `sequence` counts the changes: it tells two windows
    apart and is the SEQUENCE of the calendar file. `pending_email` waits to be confirmed from that mailbox.
    `diet_marks` are keyed marks of what is in `needs`, to find by. `name_words` are the words of the name whichever of
    them comes first. `is_hotel_booked` and `is_travel_checked` go when the delegate changes what they speak of.
    """

    public_id = CharField(32, unique=True)
    reference = CharField(16, unique=True)
    form_key = CharField(64, unique=True)
    state = CharField(16, default="received")
    language = CharField(2)

    given_names = CharField(100)
    family_name = CharField(100)
    email = CharField(254)
    address_key = CharField(254)
    organisation = CharField(200)
    country = CharField(2)
    function = CharField(120)
    category = CharField(32)

    days = JSONField(default=list)
    sessions = JSONField(default=list)
    interpretation = CharField(4)
    visa_state = CharField(16, default="none")

    needs = EncryptedField(null=True)
    diet_marks = TextField(default="", constraints=[SQL("DEFAULT ''")])
    passport = EncryptedField(null=True)
    travel = CharField(8, default="", constraints=[SQL("DEFAULT ''"), one_of("travel", TRAVEL)])
    journey = EncryptedField(null=True)
    mobile = EncryptedField(null=True)
    hotel = CharField(8, default="", constraints=[SQL("DEFAULT ''"), one_of("hotel", HOTEL)])
    stay = EncryptedField(null=True)
    extra = JSONField(default=dict, constraints=[SQL("DEFAULT '{}'")])

    name_key = CharField(201)
    name_words = CharField(201, default="", index=True, constraints=[SQL("DEFAULT ''")])
    organisation_key = CharField(200)
    search = TextField()

    created_at = UTCDateTimeField()
    updated_at = UTCDateTimeField()
    confirmed_at = UTCDateTimeField(null=True)
    cancelled_at = UTCDateTimeField(null=True)
    cancel_reason = EncryptedField(null=True)
    pending_email = EncryptedField(null=True)
    is_late = BooleanField(default=False, constraints=[SQL("DEFAULT FALSE")])
    is_hotel_booked = BooleanField(default=False, constraints=[SQL("DEFAULT FALSE")])
    is_travel_checked = BooleanField(default=False, constraints=[SQL("DEFAULT FALSE")])
    link_version = IntegerField(default=1)
    sequence = IntegerField(default=0)

    class Meta:
        constraints = [one_of("state", STATES), one_of("visa_state", VISA_STATES)]

    @property
    def name(self) -> str:
        return f"{self.given_names} {self.family_name}".strip()


Registration.add_index(
    Registration.index(
        Registration.address_key,
        unique=True,
        where=SQL(f"state IN {ACTIVE}"),
        name="registration_active_address",
    )
)
NOT_ERASED = Registration.state != SQL("'erased'")  # not a parameter: only so does SQLite find the indexes
EMPTIED = (
    Registration.name_key, Registration.organisation_key, Registration.country, Registration.function,
    Registration.category, Registration.interpretation, Registration.visa_state, Registration.travel,
    Registration.hotel,
)  # fmt: skip
KEPT = (
    Registration.address_key, Registration.state, Registration.created_at, Registration.updated_at,
    Registration.reference,
)  # fmt: skip
for columns, rows in ((EMPTIED, SQL("state != 'erased'")), (KEPT, None)):
    for column in columns:
        name = f"registration_{column.column_name}_id"
        Registration.add_index(Registration.index(column, Registration.id, where=rows, name=name))


class Repeat(Base):
    """A form that was answered and not stored: for an address that is registered already, or, without a registration,
    for one that is blocked. Only its reference is kept, never its answers."""

    registration = ForeignKeyField(Registration, backref="repeats", null=True)
    reference = CharField(16, unique=True)
    form_key = CharField(64, unique=True)
    created_at = UTCDateTimeField()


class Consent(Base):
    """That a delegate agreed to one text: which kind, which version of it, in which language, and when."""

    registration = ForeignKeyField(Registration, backref="consents")
    kind = CharField(16)
    version = CharField(16)
    language = CharField(2)
    given_at = UTCDateTimeField()
    withdrawn_at = UTCDateTimeField(null=True)


Consent.add_index(
    Consent.index(
        Consent.registration,
        Consent.kind,
        unique=True,
        where=SQL("withdrawn_at IS NULL"),
        name="consent_given",
    )
)


class Organiser(Base):
    """Somebody of the secretariat who may sign in. `language` is the one of the last sign-in, for mails.

    `roles` are words with a space between them; see domain/organisers.py. `enrolment_hash` is the hash of the link with
    which a password is chosen, once.
    """

    email = CharField(254, unique=True)
    password_hash = CharField(200)
    roles = CharField(64, default="reader", constraints=[SQL("DEFAULT 'reader'")])
    language = CharField(2, default="fr", constraints=[SQL("DEFAULT 'fr'")])
    enrolment_hash = CharField(64, default="", constraints=[SQL("DEFAULT ''")])
    enrolment_expires_at = UTCDateTimeField(null=True)
    created_at = UTCDateTimeField()


class Authenticator(Base):
    """The app that shows an organiser's codes; `step` is the latest half minute whose code was taken.

    A table of its own: a page that only names an organiser must not fail because the key of this secret is lost.
    """

    organiser = ForeignKeyField(Organiser, unique=True, on_delete="CASCADE")
    secret = EncryptedField()
    step = IntegerField(default=0)


class RecoveryCode(Base):
    """What an organiser signs in with, once, in place of the code of an app."""

    organiser = ForeignKeyField(Organiser, on_delete="CASCADE")
    code_hash = CharField(64, unique=True)


class Announcement(Base):
    """What an organiser writes to many delegates: `subject` and `text` by language.

    `search` is the list's query that chose the readers. Who they are is settled when it is sent: `readers` are ids of
    registrations, of which the first `prepared` have their mail in the outbox.
    """

    subject = JSONField(default=dict)
    text = JSONField(default=dict)
    search = CharField(200, default="")
    state = CharField(16, default="draft")
    readers = JSONField(default=list)
    total = IntegerField(default=0)
    prepared = IntegerField(default=0)
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    created_at = UTCDateTimeField()
    sent_at = UTCDateTimeField(null=True)

    class Meta:
        constraints = [one_of("state", ANNOUNCEMENT_STATES)]


class Mail(Base):
    """The outbox. `due_at` is when to try next and, while a mail is being sent, when that attempt is given up.

    No mail ever gets the number of one that was deleted, on SQLite by AUTOINCREMENT (migration 0011).
    """

    registration = ForeignKeyField(Registration, backref="mails", null=True)
    announcement = ForeignKeyField(Announcement, backref="mails", null=True)
    kind = CharField(32)
    language = CharField(2)
    recipient = CharField(254)
    message = EncryptedField()
    message_id = CharField(200, unique=True)
    once = CharField(100, unique=True)
    state = CharField(16, default="queued")
    attempts = IntegerField(default=0)
    due_at = UTCDateTimeField()
    owner = CharField(32, null=True)
    error = TextField(default="")
    created_at = UTCDateTimeField()
    accepted_at = UTCDateTimeField(null=True, index=True)

    class Meta:
        constraints = [one_of("state", MAIL_STATES)]
        indexes = ((("state", "id"), False),)


Mail.add_index(
    Mail.index(Mail.due_at, Mail.id, where=SQL(f"state IN {UNFINISHED}"), name="mail_unfinished"),
)
Mail.add_index(Mail.index(fn.LOWER(Mail.recipient), Mail.accepted_at, name="mail_recipient"))


class Note(Base):
    """What organisers have to remember of one delegate, who may read it."""

    registration = ForeignKeyField(Registration, backref="notes")
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    text = EncryptedField()
    created_at = UTCDateTimeField()


class Batch(Base):
    """What an organiser did to many registrations at once: their ids by the value that each of them had before.

    Of these, `put_back` have it again since it was undone.
    """

    kind = CharField(32)
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    changed = JSONField(default=dict)
    created_at = UTCDateTimeField()
    undone_at = UTCDateTimeField(null=True)
    put_back = IntegerField(default=0)


class LateLink(Base):
    """Leave to register after the deadline, for one address; made by an organiser, used once."""

    public_id = CharField(32, unique=True)
    email = CharField(254)
    language = CharField(2)
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    created_at = UTCDateTimeField()
    expires_at = UTCDateTimeField()
    registration = ForeignKeyField(Registration, null=True)


class Blocked(Base):
    """An address, as a slow hash, whose owner asked that this service never write to it again."""

    address_hash = CharField(64, unique=True)
    created_at = UTCDateTimeField()


class SignIn(Base):
    """One signed-in browser. The database holds the hash of its token, so a stolen table opens nothing.

    Its times are real ones, in a rehearsal too. `proved_at` is when password and code were given last.
    """

    organiser = ForeignKeyField(Organiser, backref="sign_ins", on_delete="CASCADE")
    token_hash = CharField(64, unique=True)
    browser = CharField(40, default="", constraints=[SQL("DEFAULT ''")])
    created_at = UTCDateTimeField()
    expires_at = UTCDateTimeField()
    seen_at = UTCDateTimeField(null=True)
    proved_at = UTCDateTimeField(null=True)


class AuditEntry(Base):
    """Who did what and when: identifiers only, never names."""

    at = UTCDateTimeField(index=True)
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    action = CharField(48)
    registration = ForeignKeyField(Registration, backref="history", null=True)
    details = JSONField(default=dict)


TABLES = (
    Registration, Repeat, Consent, Organiser, Authenticator, RecoveryCode, Announcement, Mail, Note, Batch, LateLink,
    Blocked, SignIn, AuditEntry,
)  # fmt: skip

"""What happens to a registration: arriving, being found by its private link, changing, being cancelled and erased."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from email.message import EmailMessage
from typing import Any

from peewee import IntegrityError, Value, fn

from db import db, forget_pages, write
from domain import audit, blocked, clock, late, mailroom, outbox
from domain.answers import (
    OPEN_LATE,
    Answers,
    address_key,
    answers_of,
    answers_with,
    ascii_address,
    changed,
    fill,
    given_consents,
    index,
    searchable_reference,
)
from domain.desk import Desk
from domain.mail import compose, confirmation
from domain.references import new_reference
from models import ACTIVE, Consent, EncryptedField, Mail, Note, Organiser, Registration, Repeat


class RegistrationClosed(Exception):
    """The deadline has passed."""


class LinkUnknown(Exception):
    """No registration has this private link, or no longer."""


class RegistrationErased(Exception):
    """The link was right, but the registration behind it has been erased."""


class ChangedMeanwhile(Exception):
    """Somebody, probably in another window, has changed it since it was read."""


class PartClosed(Exception):
    """After the deadline these answers can no longer be changed; nothing was stored. `args` are their names."""


class AddressTaken(Exception):
    """Another registration that is not cancelled has this address."""


def register(answers: Answers, *, lang: str, key: str, desk: Desk, late_link: str | None = None) -> str:
    """Store a registration with its consents, queue its confirmation, and return its reference.

    `key` is the form's one-time key: the same form sent again gets the reference of the first time. An address that
    is registered already gets a reference like everybody else; its owner is mailed the link, and nothing is changed:
    the answer must not tell who has registered. `late_link` is the public id of a link that an organiser made.
    Raises RegistrationClosed after the deadline, unless such a link is valid for this address.
    """
    form_key = fingerprint(answers, key)
    # Before the look-up: if it is used up by now, what used it up is stored, and may be this very form.
    leave = None if desk.conference.is_open else late.valid(late_link, address=answers.email)
    if reference := reference_of(form_key):
        return reference
    if not desk.conference.is_open and leave is None:
        raise RegistrationClosed
    registration = build(answers, lang=lang, form_key=form_key, desk=desk)
    registration.is_late = leave is not None
    if blocked.is_blocked(registration.address_key):
        return set_aside(registration, answers, desk=desk)
    # Looked up first so that every answer takes the same time; it is the database that decides, further down.
    if reference := answered(registration, desk=desk):
        return reference
    message = compose("confirmation", registration, once=confirmation(registration), desk=desk)
    try:
        with write():
            put_down(registration, answers, message, desk=desk)
            if leave:
                late.use(leave, registration)
            audit.record("registration.received", registration=registration)
    except IntegrityError:
        if reference := answered(registration, desk=desk):
            return reference
        raise
    return str(registration.reference)


def put_down(registration: Registration, answers: Answers, message: EmailMessage, *, desk: Desk) -> None:
    """Store a registration with its consents, and queue its confirmation, in the transaction that is open."""
    registration.save(force_insert=True)
    give_consents(registration, answers.consents, desk=desk)
    outbox.enqueue(message, kind="confirmation", registration=registration, once=confirmation(registration))


def set_aside(registration: Registration, answers: Answers, *, desk: Desk) -> str:
    """Answer a form for a blocked address as any other, and keep nothing of it but the reference.

    It is stored and taken back, so that the time does not tell either.
    """
    message = compose("confirmation", registration, once=confirmation(registration), desk=desk)
    reference, form_key = str(registration.reference), str(registration.form_key)
    try:
        with write():
            with db.savepoint() as before:
                put_down(registration, answers, message, desk=desk)
                before.rollback()
            Repeat.create(reference=reference, form_key=form_key, created_at=registration.created_at)
            audit.record("registration.blocked")
    except IntegrityError:  # the same form at the same moment
        return reference_of(form_key) or reference
    return reference


def answered(registration: Registration, *, desk: Desk) -> str | None:
    """The reference for a form that was sent before, or for an address that is registered already."""
    earlier = reference_of(registration.form_key)
    existing = None if earlier else active(registration.address_key)
    if existing is None:
        return earlier
    if existing.form_key == registration.form_key:  # stored by another thread between the two look-ups
        return str(existing.reference)
    return repeat(existing, registration, desk=desk)


def reference_of(form_key: str) -> str | None:
    """The reference that a form was answered with when it was sent before."""
    for table in (Registration, Repeat):
        row = table.get_or_none(table.form_key == form_key)
        if row is not None:
            return str(row.reference)
    return None


def active(key: str) -> Registration | None:
    return Registration.get_or_none(Registration.address_key == key, Registration.state.in_(ACTIVE))


def repeat(existing: Registration, later: Registration, *, desk: Desk) -> str | None:
    """Answer a later form for an address that is registered already: mail its owner, store only the reference.

    Nothing, when the registration was cancelled or erased since it was read.
    """
    reference, form_key = str(later.reference), later.form_key
    once = f"repeat:{form_key}"
    message = compose("repeat", existing, once=once, desk=desk)
    try:
        with write():
            now = clock.now()
            words = Registration.search.concat(f" {searchable_reference(reference)}")
            claimed = Registration.update(search=words).where(
                Registration.id == existing.id, Registration.state.in_(ACTIVE)
            )
            if not claimed.execute():
                return None
            Repeat.create(registration=existing, reference=reference, form_key=form_key, created_at=now)
            if not outbox.has_written_often(existing.email):
                outbox.enqueue(message, kind="repeat", registration=existing, once=once)
            audit.record("registration.repeated", registration=existing)
    except IntegrityError:
        return reference_of(form_key) or reference
    return reference


def build(answers: Answers, *, lang: str, form_key: str, desk: Desk) -> Registration:
    """A registration that is not stored yet."""
    now = clock.now()
    registration = Registration(
        public_id=secrets.token_hex(16),
        reference=free_reference(desk.conference.reference_prefix),
        form_key=form_key,
        language=lang,
        email=ascii_address(answers.email),
        address_key=address_key(answers.email),
        sequence=next_sequence(address_key(answers.email)),
        created_at=now,
        updated_at=now,
    )
    fill(registration, answers)
    index(registration)
    return registration


def next_sequence(key: str) -> int:
    """Where the calendar file of an address goes on: after a cancellation, higher than what cancelled it."""
    last = Registration.select(fn.MAX(Registration.sequence)).where(Registration.address_key == key).scalar()
    return 0 if last is None else int(last) + 1


def free_reference(prefix: str) -> str:
    """A reference that nobody has yet."""
    while True:
        reference = new_reference(prefix)
        if not any(table.get_or_none(table.reference == reference) for table in (Registration, Repeat)):
            return reference


def give_consents(registration: Registration, kinds: list[str], *, desk: Desk) -> None:
    """Enter consents into the ledger: which text, in which language, when."""
    for kind in kinds:
        Consent.create(
            registration=registration,
            kind=kind,
            version=desk.conference.consents.version,
            language=registration.language,
            given_at=clock.now(),
        )


def withdraw_consents(registration: Registration, kinds: list[str]) -> None:
    Consent.update(withdrawn_at=clock.now()).where(
        Consent.registration == registration, Consent.kind.in_(kinds), Consent.withdrawn_at.is_null()
    ).execute()


def fingerprint(answers: Answers, key: str) -> str:
    """The one-time key together with the answers: going back, changing an answer and sending is not the same form."""
    return hashlib.sha256(
        f"{key}\n{json.dumps(asdict(answers), default=str, sort_keys=True)}".encode()
    ).hexdigest()


def find_by_link(public_id: str, version: int) -> Registration:
    """The registration that a private link names. Raises LinkUnknown or RegistrationErased."""
    registration = Registration.get_or_none(
        Registration.public_id == public_id, Registration.link_version == version
    )
    if registration is None:
        raise LinkUnknown
    if registration.state == "erased":
        raise RegistrationErased
    return registration


def find_by_reference(reference: str) -> Registration | None:
    """The registration with this reference, unless it has been erased."""
    if not reference.isprintable():
        return None
    return Registration.get_or_none(Registration.reference == reference, Registration.state != "erased")


@contextmanager
def changing(registration: Registration, *, at_least: int = 0) -> Iterator[None]:
    """A change that the delegate makes. What uses the link shows that the address is right: so it counts as confirmed.

    Raises ChangedMeanwhile when the row is not what it was when it was read.
    """
    if registration.state == "received":
        registration.state = "confirmed"
    registration.confirmed_at = registration.confirmed_at or clock.now()
    with storing(registration, at_least=at_least):
        yield


@contextmanager
def storing(registration: Registration, *, at_least: int = 0) -> Iterator[None]:
    """A change, whoever makes it: the next number in the sequence, or a higher one, all in one transaction.

    The columns are written when the block ends. Raises ChangedMeanwhile.
    """
    seen = registration.sequence
    registration.sequence = max(seen + 1, at_least)
    registration.updated_at = clock.now()
    with write():
        claimed = Registration.update(sequence=registration.sequence).where(
            Registration.id == registration.id,
            Registration.sequence == seen,
            Registration.state != "erased",
        )
        if not claimed.execute():
            raise ChangedMeanwhile
        yield
        registration.save(only=registration.dirty_fields)


def tell(kind: str, registration: Registration, *, desk: Desk, **facts: Any) -> None:
    """Queue the mail about a change, in its transaction."""
    once = f"{kind}:{registration.public_id}:{registration.sequence}"
    message = compose(kind, registration, once=once, desk=desk, **facts)
    outbox.enqueue(message, kind=kind, registration=registration, once=once)


def confirm(registration: Registration) -> None:
    """Note that the link, and with it the address, has arrived. This changes no answer and disturbs no other window."""
    with write():
        confirmed = Registration.update(state="confirmed", confirmed_at=clock.now()).where(
            Registration.id == registration.id, Registration.state == "received"
        )
        if confirmed.execute():
            audit.record("registration.confirmed", registration=registration)


def amend(
    registration: Registration,
    answers: Answers,
    *,
    sequence: int,
    lang: str,
    describe: Callable[[set[str]], list[str]],
    desk: Desk,
) -> bool:
    """Store changed answers, and mail a summary that `describe` makes from the names of what differs.

    Returns whether anything differed. `sequence` is the registration's when its answers were shown. Another address
    counts only once it is confirmed from that mailbox: `move`; the old one entered again takes that back.
    Raises ChangedMeanwhile, RegistrationClosed when it is cancelled, and after the deadline PartClosed with the names
    of answers that have to stay as they are.
    """
    if registration.state not in ACTIVE:
        raise RegistrationClosed
    before = answers_of(registration)
    names = differing(registration, before, answers)
    if not names:  # or sent once more, because the answer to the first time was lost
        confirm(registration)
        return False
    if registration.sequence != sequence:
        raise ChangedMeanwhile
    if not desk.conference.is_open and names - OPEN_LATE:
        raise PartClosed(*sorted(names - OPEN_LATE))
    is_moving = "email" in names and address_key(answers.email) != registration.address_key
    if "email" in names and not is_moving:
        registration.email, registration.pending_email = ascii_address(answers.email), None
    fill(registration, answers)
    registration.language = lang
    with changing(registration):
        index(registration)
        withdraw_consents(registration, [kind for kind in before.consents if kind not in answers.consents])
        give_consents(registration, [k for k in answers.consents if k not in before.consents], desk=desk)
        if is_moving:
            ask_new_address(registration, ascii_address(answers.email), desk=desk)
        changes = describe(names - {"email"} if is_moving else names)
        tell("changed", registration, desk=desk, changes=changes, is_moving=is_moving)
        audit.record("registration.changed", registration=registration, answers=sorted(names))
    return True


def differing(registration: Registration, before: Answers, answers: Answers) -> set[str]:
    """The names of the answers that are to change. The address that is waiting to be confirmed is no change."""
    names = changed(before, answers) - {"email"}
    waiting = registration.pending_email
    if ascii_address(answers.email) != (waiting or registration.email):
        names.add("email")
    return names


def ask_new_address(registration: Registration, address: str, *, desk: Desk) -> None:
    """Write to a new address for its confirmation. If somebody is registered with it, tell them so instead; if it is
    not to be written to, take the mail back: neither the page nor the time must show it."""
    registration.pending_email = address
    existing = active(address_key(address))
    is_often, is_blocked = outbox.has_written_often(address), blocked.is_blocked(address_key(address))
    kind, reader = ("repeat", existing) if existing else ("address", registration)
    confirming = desk.new_address(registration, registration.language)
    facts = {} if existing else {"to": address, "confirming": confirming}
    once = f"{kind}:{registration.public_id}:{registration.sequence}"
    message = compose(kind, reader, once=once, desk=desk, **facts)
    outbox.enqueue(message, kind=kind, registration=reader, once=once)
    if is_often or is_blocked:
        Mail.delete().where(Mail.once == once).execute()


def move(registration: Registration, address: str, *, desk: Desk) -> None:
    """Take over the address that was waiting for confirmation; the link of the old one opens nothing any more, and what
    has not gone out goes to the new one.

    Raises LinkUnknown when another address is waiting by now, or its owner wants no mails; AddressTaken,
    ChangedMeanwhile.
    """
    if registration.pending_email != address or blocked.is_blocked(address_key(address)):
        raise LinkUnknown
    old = registration.email
    registration.email, registration.address_key = address, address_key(address)
    registration.pending_email = None
    registration.link_version += 1
    try:
        with changing(registration, at_least=next_sequence(registration.address_key)):
            index(registration)
            mailroom.redirect(registration, old, desk=desk)
            tell("moved", registration, desk=desk, to=old)
            tell("new_link", registration, desk=desk, is_moved=True)
            audit.record("registration.address_changed", registration=registration)
    except IntegrityError as error:
        raise AddressTaken from error


def correct_address(registration: Registration, address: str, *, organiser: Organiser, desk: Desk) -> None:
    """Take over an address that an organiser has found out, and send there what did not reach the old one.

    Where mails did reach somebody at the old one, its link opens nothing any more, and the new address gets another; so
    it does where no words are left of what did not reach the old one.
    Raises AddressTaken, ChangedMeanwhile; blocked.Unwanted when the owner of the new address wants no mails.
    """
    if blocked.is_blocked(address_key(address)):
        raise blocked.Unwanted
    old = registration.email
    registration.email, registration.address_key = ascii_address(address), address_key(address)
    registration.pending_email = None
    is_known_to_others = mailroom.has_reached(registration, old)
    registration.link_version += is_known_to_others
    try:
        with storing(registration, at_least=next_sequence(registration.address_key)):
            index(registration)
            is_mute = not mailroom.redirect(registration, old, desk=desk)
            registration.link_version += is_mute and not is_known_to_others
            if is_known_to_others or is_mute:
                tell("new_link", registration, desk=desk, is_moved=True)
            audit.record("registration.address_corrected", organiser=organiser, registration=registration)
    except IntegrityError as error:
        raise AddressTaken from error


def stay(registration: Registration) -> None:
    """Drop the address that is waiting to be confirmed; the link that went there opens nothing then.

    Raises ChangedMeanwhile.
    """
    if registration.pending_email is None:
        return
    registration.pending_email = None
    with changing(registration):
        audit.record("registration.address_kept", registration=registration)
    forget_pages()


def cancel(registration: Registration, reason: str, *, desk: Desk) -> None:
    """Cancel, for the reason that was given or for none; once more does nothing. The passport is erased at once.

    Raises ChangedMeanwhile.
    """
    if registration.state not in ACTIVE:
        return
    with changing(registration):
        registration.state = "cancelled"
        registration.cancelled_at = clock.now()
        registration.cancel_reason = reason or None
        registration.passport, registration.visa_state = None, "none"
        registration.is_hotel_booked = registration.is_travel_checked = False
        registration.pending_email = None
        release_forms(registration)
        withdraw_consents(registration, ["visa"])
        tell("cancelled", registration, desk=desk)
        audit.record("registration.cancelled", registration=registration)
    forget_pages()


def release_forms(registration: Registration) -> None:
    """Let a form that was answered with this registration count as a new one when it is sent once more."""
    registration.form_key = released(registration)
    theirs = Repeat.update(form_key=Value("released ").concat(Repeat.reference))
    theirs.where(Repeat.registration == registration).execute()


def released(registration: Registration) -> str:
    return f"released {registration.public_id}"


def restore(registration: Registration, *, desk: Desk) -> None:
    """Take a cancellation back; where there is none, do nothing.

    Raises RegistrationClosed after the deadline, AddressTaken, ChangedMeanwhile.
    """
    if registration.state in ACTIVE:
        return
    if registration.state != "cancelled" or not desk.conference.is_open:
        raise RegistrationClosed
    try:
        with changing(registration, at_least=next_sequence(registration.address_key)):
            registration.state = "confirmed"
            registration.cancelled_at = registration.cancel_reason = None
            tell("restored", registration, desk=desk)
            audit.record("registration.restored", registration=registration)
    except IntegrityError as error:
        raise AddressTaken from error


def withdraw(registration: Registration, kind: str, *, lang: str, changes: list[str], desk: Desk) -> None:
    """Withdraw one consent, and erase at once what rests on it alone; `changes` tell it in the mail, in `lang`.

    For the consent on which the registration rests, see `erase`. Raises ChangedMeanwhile.
    """
    if kind not in given_consents(registration):
        return
    registration.language = lang
    with changing(registration):
        if kind == "visa":
            registration.passport, registration.visa_state = None, "none"
        if kind == "needs":
            registration.needs, registration.diet_marks = None, ""
        withdraw_consents(registration, [kind])
        tell("changed", registration, desk=desk, changes=changes, is_moving=False)
        audit.record("registration.consent_withdrawn", registration=registration, kind=kind)
    forget_pages()


def renew_link(registration: Registration, *, desk: Desk) -> None:
    """Mail a new link; the old one opens nothing any more.

    A new address that waits is dropped: what confirms it dies with the old link. Raises ChangedMeanwhile.
    """
    registration.link_version += 1
    registration.pending_email = None
    with changing(registration):
        tell("new_link", registration, desk=desk, is_moved=False)
        audit.record("registration.link_renewed", registration=registration)
    forget_pages()


def send_link(address: str, *, lang: str, desk: Desk) -> None:
    """Mail the link to whoever is registered with an address.

    For anybody else, and for whoever has been written to often today, do the same work and send nothing.
    """
    key = address_key(address)
    newest = Registration.select().where(
        Registration.address_key == key, Registration.state.in_((*ACTIVE, "cancelled"))
    )
    existing = newest.order_by(Registration.state == "cancelled", Registration.id.desc()).first()
    somebody = existing or Registration(
        public_id=secrets.token_hex(16), language=lang, email=ascii_address(address), link_version=1,
        reference=new_reference(desk.conference.reference_prefix), given_names="", family_name="",
    )  # fmt: skip
    once = f"link:{secrets.token_hex(16)}"
    message = compose("link", somebody, once=once, desk=desk)
    with write():
        is_often = outbox.has_written_often(somebody.email)
        outbox.enqueue(message, kind="link", registration=existing, once=once)
        if existing is None or is_often:
            Mail.delete().where(Mail.once == once).execute()
        audit.record("registration.link_requested", registration=existing)


def erase(registration: Registration, *, is_blocking: bool, desk: Desk) -> None:
    """Erase everything personal at once, also of every other registration of the same address.

    What remains is a row that says that there was one, and its log.
    One last mail says so. With `is_blocking` the service never writes to this address again.
    Raises ChangedMeanwhile.
    """
    once = f"erased:{registration.public_id}"
    farewell = compose("erased", registration, once=once, desk=desk, is_blocking=is_blocking)
    address = registration.address_key
    with write():
        for one in (registration, *of_same_address(registration)):
            erase_one(one)
            late.forget(one, address)
        outbox.enqueue(farewell, kind="erased", registration=None, once=once)
        if is_blocking:
            blocked.block(address)
    forget_pages()


def of_same_address(registration: Registration) -> list[Registration]:
    """The other registrations of the same mailbox: one that holds, and those that were cancelled."""
    same = (Registration.address_key == registration.address_key) & (Registration.id != registration.id)
    return list(Registration.select().where(same, Registration.state != "erased"))


def erase_one(registration: Registration) -> None:
    with changing(registration):
        blank(registration)
        for table in (Repeat, Note):
            table.delete().where(table.registration == registration).execute()
        outbox.forget(Mail.registration == registration)
        withdraw_consents(registration, given_consents(registration))
        audit.record("registration.erased", registration=registration)


def blank(registration: Registration) -> None:
    """Empty every column that tells of a person."""
    for column in ("given_names", "family_name", "email", "organisation", "country", "function", "category",
                   "interpretation", "diet_marks", "travel", "hotel", "name_key", "name_words",
                   "organisation_key", "search"):  # fmt: skip
        setattr(registration, column, "")
    for field in Registration._meta.sorted_fields:
        if isinstance(field, EncryptedField):
            setattr(registration, field.name, None)
    registration.address_key = f"erased {registration.public_id}"
    registration.days, registration.sessions, registration.extra = [], [], {}
    registration.is_hotel_booked = registration.is_travel_checked = False
    registration.visa_state, registration.state = "none", "erased"
    registration.form_key = released(registration)


def own_data(registration: Registration) -> dict[str, Any]:
    """Everything that is kept of one delegate, for a copy in a common format (GDPR, article 20)."""
    ledger = list(Consent.select().where(Consent.registration == registration).order_by(Consent.id))
    shown = (Mail.kind, Mail.state, Mail.created_at, Mail.accepted_at)
    # Not the mail to a new address: without it, one could tell that somebody else is registered there.
    theirs = (Mail.registration == registration) & (Mail.kind != "address")
    mails = Mail.select(*shown).where(theirs).order_by(Mail.id)
    repeats = Repeat.select().where(Repeat.registration == registration).order_by(Repeat.id)
    notes = Note.select().where(Note.registration == registration).order_by(Note.id)
    return facts_of(registration, ledger) | {
        "later_forms": [{"reference": one.reference, "received_at": one.created_at} for one in repeats],
        "notes": [{"text": note.text, "created_at": note.created_at} for note in notes],
        "mails": [{column.name: getattr(mail, column.name) for column in shown} for mail in mails],
    }


def facts_of(registration: Registration, ledger: list[Consent]) -> dict[str, Any]:
    """What is kept in a registration and in the ledger of its consents."""
    answers = asdict(answers_with(registration, []))
    del answers["consents"]
    return {
        "reference": registration.reference,
        "state": registration.state,
        "language": registration.language,
        "late": registration.is_late,
        "visa_letter": registration.visa_state,
        "hotel_booked": registration.is_hotel_booked,
        "travel_checked": registration.is_travel_checked,
        "received_at": registration.created_at,
        "changed_at": registration.updated_at,
        "confirmed_at": registration.confirmed_at,
        "cancelled_at": registration.cancelled_at,
        "cancel_reason": registration.cancel_reason,
        "pending_email": registration.pending_email,
        "answers": answers,
        "consents": [
            {name: getattr(one, name) for name in ("kind", "version", "language", "given_at", "withdrawn_at")}
            for one in ledger
        ],
    }

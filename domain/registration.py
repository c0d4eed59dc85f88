"""What happens to a registration: arriving, being found by its private link."""

import hashlib
import json
import secrets
import unicodedata
from dataclasses import asdict, dataclass
from datetime import date

from email_validator import validate_email
from peewee import IntegrityError

from db import write
from domain import audit, clock, outbox
from domain.desk import Desk
from domain.mail import compose
from domain.references import new_reference
from models import ACTIVE, Consent, Registration, Repeat


class RegistrationClosed(Exception):
    """The deadline has passed."""


class LinkUnknown(Exception):
    """No registration has this private link, or no longer."""


class RegistrationErased(Exception):
    """The link was right, but the registration behind it has been erased."""


@dataclass(frozen=True, kw_only=True)
class Passport:
    name: str
    nationality: str
    number: str
    expiry: date
    post: str


@dataclass(frozen=True, kw_only=True)
class Needs:
    diet: list[str]
    diet_other: str
    access: str


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a delegate typed, checked and in shape. Countries are ISO 3166-1 alpha-2, days ISO 8601."""

    given_names: str
    family_name: str
    email: str
    organisation: str
    country: str
    function: str
    category: str
    days: list[str]
    sessions: list[str]
    interpretation: str
    needs: Needs | None
    passport: Passport | None
    consents: list[str]


def register(answers: Answers, *, lang: str, key: str, desk: Desk) -> str:
    """Store a registration with its consents, queue its confirmation, and return its reference.

    `key` is the form's one-time key: the same form sent again gets the reference of the first time. An address that
    is registered already gets a reference like everybody else; its owner is mailed the link, and nothing is changed:
    the answer must not tell who has registered.
    Raises RegistrationClosed after the deadline.
    """
    if not desk.conference.is_open:
        raise RegistrationClosed
    form_key = fingerprint(answers, key)
    registration = build(answers, lang=lang, form_key=form_key, desk=desk)
    # Looked up first so that every answer takes the same time; it is the database that decides, further down.
    if reference := answered(registration, desk=desk):
        return reference
    once = f"confirmation:{registration.public_id}"
    message = compose("confirmation", registration, once=once, desk=desk)
    try:
        with write():
            registration.save(force_insert=True)
            store_consents(registration, answers.consents, version=desk.conference.consents.version)
            outbox.enqueue(message, kind="confirmation", registration=registration, once=once)
            audit.record("registration.received", registration=registration)
    except IntegrityError:
        if reference := answered(registration, desk=desk):
            return reference
        raise
    return registration.reference


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


def active(address_key: str) -> Registration | None:
    return Registration.get_or_none(Registration.address_key == address_key, Registration.state.in_(ACTIVE))


def repeat(existing: Registration, later: Registration, *, desk: Desk) -> str:
    """Answer a later form for an address that is registered already: mail its owner, store only the reference."""
    reference, form_key = later.reference, later.form_key
    once = f"repeat:{form_key}"
    message = compose("repeat", existing, once=once, desk=desk)
    try:
        with write():
            now = clock.now()
            Repeat.create(registration=existing, reference=reference, form_key=form_key, created_at=now)
            words = Registration.search.concat(f" {searchable_reference(reference)}")
            Registration.update(search=words).where(Registration.id == existing.id).execute()
            outbox.enqueue(message, kind="repeat", registration=existing, once=once)
            audit.record("registration.repeated", registration=existing)
    except IntegrityError:
        return reference_of(form_key) or reference
    return reference


def build(answers: Answers, *, lang: str, form_key: str, desk: Desk) -> Registration:
    """A registration that is not stored yet. Sensitive answers come into it only with their consent."""
    now = clock.now()
    needs = answers.needs if "needs" in answers.consents else None
    passport = answers.passport if "visa" in answers.consents else None
    address = validate_email(answers.email, check_deliverability=False, allow_smtputf8=False)
    registration = Registration(
        public_id=secrets.token_hex(16),
        reference=free_reference(desk.conference.reference_prefix),
        form_key=form_key,
        language=lang,
        given_names=answers.given_names,
        family_name=answers.family_name,
        email=address.ascii_email,
        address_key=address.normalized.casefold(),
        organisation=answers.organisation,
        country=answers.country,
        function=answers.function,
        category=answers.category,
        days=answers.days,
        sessions=answers.sessions,
        interpretation=answers.interpretation,
        visa_state="requested" if passport else "none",
        needs=asdict(needs) if needs else None,
        passport=asdict(passport) | {"expiry": passport.expiry.isoformat()} if passport else None,
        created_at=now,
        updated_at=now,
    )
    index(registration)
    return registration


def free_reference(prefix: str) -> str:
    """A reference that nobody has yet."""
    while True:
        reference = new_reference(prefix)
        if not any(table.get_or_none(table.reference == reference) for table in (Registration, Repeat)):
            return reference


def index(registration: Registration) -> None:
    """Fill the columns that organisers search and sort by."""
    registration.name_key = fold(f"{registration.family_name} {registration.given_names}")[:201]
    registration.organisation_key = fold(registration.organisation)[:200]
    words = (registration.name, registration.email, registration.organisation)
    registration.search = f"{fold(' '.join(words))} {searchable_reference(registration.reference)}"


def fold(text: str) -> str:
    """Text without case and accents, so that "Ünal" is found by "unal" and sorts beside it."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def searchable_reference(reference: str) -> str:
    return f"{reference} {reference.replace('-', '')}".casefold()


def store_consents(registration: Registration, kinds: list[str], *, version: str) -> None:
    for kind in kinds:
        Consent.create(
            registration=registration,
            kind=kind,
            version=version,
            language=registration.language,
            given_at=registration.created_at,
        )


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


def answers_of(registration: Registration) -> Answers:
    """What a registration holds, in the shape in which it was given."""
    needs, passport = registration.needs, registration.passport
    given = Consent.select(Consent.kind).where(
        Consent.registration == registration, Consent.withdrawn_at.is_null()
    )
    return Answers(
        given_names=registration.given_names,
        family_name=registration.family_name,
        email=registration.email,
        organisation=registration.organisation,
        country=registration.country,
        function=registration.function,
        category=registration.category,
        days=registration.days,
        sessions=registration.sessions,
        interpretation=registration.interpretation,
        needs=Needs(**needs) if needs else None,
        passport=Passport(**passport | {"expiry": date.fromisoformat(passport["expiry"])})
        if passport
        else None,
        consents=[consent.kind for consent in given],
    )


def masked(number: str) -> str:
    """A number of which only the end shows, enough to recognise it by."""
    return "••••" + number[-3:]

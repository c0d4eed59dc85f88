"""What a delegate answers: its shape, how it lies in the columns of a registration, and what differs between two."""

import unicodedata
from dataclasses import asdict, dataclass, field, fields
from datetime import date, time
from typing import Any, get_type_hints

from email_validator import validate_email

from models import Consent, EncryptedField, Registration, Repeat

# What no accent tells apart, and yet is typed another way elsewhere: by letters that have no stroke, by plain signs.
PLAIN = str.maketrans("łøđðħŧı‘’ʼ‐–", "loddhti'''--") | str.maketrans(  # noqa: RUF001 - meant as they are
    {"þ": "th", "æ": "ae", "œ": "oe"}
)


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

    @property
    def is_none(self) -> bool:
        """Whether it only says that there are none: nothing sensitive, so it needs no consent."""
        return self.diet == ["none"] and not (self.diet_other or self.access)


@dataclass(frozen=True, kw_only=True)
class Journey:
    """Flights in local time. The departure may be unknown as a whole or in part."""

    arrival_date: date
    arrival_time: time
    arrival_flight: str
    departure_date: date | None
    departure_time: time | None
    departure_flight: str
    pickup: bool


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A hotel reservation: the nights from check-in to check-out, the kind of room, and who shares it."""

    check_in: date
    check_out: date
    room: str
    share_with: str


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a delegate typed, checked and in shape. Countries are ISO 3166-1 alpha-2, days ISO 8601.

    `extra` are the answers to the conference's own questions: a text, or a list where several could be chosen.
    What a conference does not ask is empty.
    """

    given_names: str = ""
    family_name: str = ""
    email: str = ""
    organisation: str = ""
    country: str = ""
    function: str = ""
    category: str = ""
    days: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    interpretation: str = ""
    needs: Needs | None = None
    passport: Passport | None = None
    travel: str = ""
    journey: Journey | None = None
    mobile: str = ""
    hotel: str = ""
    stay: Stay | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    consents: list[str] = field(default_factory=list)


# The parts that stay open after the deadline: what delegates know late, and what they may always take back.
OPEN_LATE = {"needs", "passport", "travel", "journey", "mobile", "hotel", "stay", "consents"}
# What the organisers' marks speak of: after a change it has to be looked at again.
SPEAKS_OF = {"is_hotel_booked": ("hotel", "stay"), "is_travel_checked": ("travel", "journey")}
PARTS = {"needs": Needs, "passport": Passport, "journey": Journey, "stay": Stay}


def fill(registration: Registration, answers: Answers) -> None:
    """Put answers into the columns, except the e-mail address and those to search and sort by: see `index`.

    Sensitive answers go in only with their consent.
    """
    is_none = answers.needs is not None and answers.needs.is_none
    given = vars(answers) | {
        "needs": answers.needs if "needs" in answers.consents or is_none else None,
        "passport": answers.passport if "visa" in answers.consents else None,
    }
    for name in PARTS:
        given[name] = plain(given[name])
    had = {name: getattr(registration, name) for name in given if name != "consents"}
    for name, value in given.items():
        if name not in ("email", "consents"):
            setattr(registration, name, value)
    if registration.passport is None:
        registration.visa_state = "none"
    elif registration.passport != had["passport"]:
        registration.visa_state = "requested"
    for mark, names in SPEAKS_OF.items():
        if any(getattr(registration, name) != had[name] for name in names):
            setattr(registration, mark, False)
    registration.diet_marks = diet_marks(registration.needs)


def diet_marks(needs: dict[str, Any] | None) -> str:
    """The marks of every diet that somebody keeps, "other" among them, by the newest key."""
    if needs is None:
        return ""
    diets = [*needs["diet"], *(["other"] if needs["diet_other"] else [])]
    return " ".join(sorted(EncryptedField.marks(diet)[0] for diet in diets))


def plain(part: Any) -> dict[str, Any] | None:
    """A part of the answers as JSON takes it, days and hours in ISO 8601."""
    if part is None:
        return None
    return {
        name: value.isoformat() if isinstance(value, date | time) else value
        for name, value in asdict(part).items()
    }


def read(name: str, stored: dict[str, Any] | None) -> Any:
    """A part of the answers from its column; the reverse of `plain`."""
    if stored is None:
        return None
    kinds = get_type_hints(PARTS[name])
    parsers = {date: date.fromisoformat, date | None: date.fromisoformat,
               time: time.fromisoformat, time | None: time.fromisoformat}  # fmt: skip
    return PARTS[name](
        **{
            key: parsers[kinds[key]](value) if value and kinds[key] in parsers else value
            for key, value in stored.items()
        }
    )


def answers_of(registration: Registration) -> Answers:
    """What a registration holds, in the shape in which it was given."""
    return answers_with(registration, given_consents(registration))


def answers_with(registration: Registration, consents: list[str]) -> Answers:
    """The same for whoever knows the consents that hold already."""
    stored: dict[str, Any] = {one.name: getattr(registration, one.name, None) for one in fields(Answers)}
    stored |= {name: read(name, stored[name]) for name in PARTS}
    stored["mobile"] = registration.mobile or ""
    return Answers(**stored | {"consents": consents})


def given_consents(registration: Registration) -> list[str]:
    """The kinds of consent that hold."""
    given = Consent.select(Consent.kind).where(
        Consent.registration == registration, Consent.withdrawn_at.is_null()
    )
    return [consent.kind for consent in given.order_by(Consent.id)]


def changed(before: Answers, after: Answers) -> set[str]:
    """The names of the answers that differ. Lists are compared without their order."""

    def comparable(value: Any) -> Any:
        if isinstance(value, tuple(PARTS.values())):
            value = vars(value)
        if isinstance(value, dict):
            return {name: comparable(part) for name, part in value.items()}
        return sorted(value) if isinstance(value, list) else value

    return {
        field.name
        for field in fields(Answers)
        if comparable(getattr(before, field.name)) != comparable(getattr(after, field.name))
    }


def address_key(address: str) -> str:
    """What two spellings of one address have in common: its ASCII form, without case.

    Out of "straße.de", which is another domain than "strasse.de", folding the case would make the same.
    """
    return ascii_address(address).lower()


def ascii_address(address: str) -> str:
    """The address as every mail server takes it, its domain in ASCII (RFC 5891)."""
    return str(validate_email(address, check_deliverability=False, allow_smtputf8=False).ascii_email)


def index(registration: Registration) -> None:
    """Fill the columns that organisers search and sort by; the references of repeats stay findable.

    Of a row that is stored already only in the transaction that has claimed it: a repeat may come at any time before.
    """
    name = fold(f"{registration.family_name} {registration.given_names}")
    registration.name_key = name[:201]
    registration.name_words = in_any_order(name)[:201]
    registration.organisation_key = fold(registration.organisation)[:200]
    words = (registration.name, registration.email, registration.organisation)
    references = [registration.reference, *references_of_repeats(registration)]
    registration.search = " ".join([fold(" ".join(words)), *map(searchable_reference, references)])


def references_of_repeats(registration: Registration) -> list[str]:
    if registration.id is None:  # it has just come: a query less
        return []
    return [row.reference for row in Repeat.select().where(Repeat.registration == registration)]


def in_any_order(name: str) -> str:
    """What two names have in common of which one begins with the family name."""
    return " ".join(sorted(fold(name).split()))


def fold(text: str) -> str:
    """Text without case and accents, so that "Ünal" is found by "unal", "Łukasz" by "lukasz", and sorts beside it."""
    letters = unicodedata.normalize("NFKD", text.casefold()).casefold().translate(PLAIN)
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def searchable_reference(reference: str) -> str:
    return f"{reference} {reference.replace('-', '')}".casefold()


def masked(number: str) -> str:
    """A number of which only the end shows, enough to recognise it by."""
    return "••••" + number[-3:]

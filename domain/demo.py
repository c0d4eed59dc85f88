"""Registrations that nobody sent, to try the list with as many as one likes; never in production. Sends no mail."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from peewee import Field, JSONField, Model

from db import db, on_sqlite, write
from domain import clock
from domain.answers import Answers, Journey, Needs, Passport, Stay, fill, fold, index
from domain.conference import LANGUAGES, Conference
from domain.desk import Desk
from domain.mail import compose, confirmation
from domain.references import new_reference
from domain.registration import blank
from models import VISA_STATES, Consent, Mail, Registration, Repeat

CHUNK = 500
FAILED = 10
random = Random()  # noqa: S311 - nothing is secret about them
GIVEN_NAMES = (
    "Ada", "Zoë", "José María", "Ólafur", "Ngozi", "Thị Hương", "Łukasz", "Bat-Erdene", "Aïcha", "Søren",
    "Élodie", "Фёдор", "Оюунчимэг", "Μελίνα", "محمد", "יעל", "明", "さくら", "지우", "Gülşen", "Ștefan", "Iñaki",
)  # fmt: skip
FAMILY_NAMES = (
    "Lovelace", "Ünal", "García Márquez", "Þórðarson", "Okonjo", "Nguyễn", "Wójcik", "Gantulga", "Ben Ali", "Ångström",
    "D’Arcy", "Достоевский", "Батбаяр", "Μερκούρη", "الخوارزمي", "כהן", "王", "田中", "김", "शर्मा", "Öztürk", "Ionescu",
    "de la Cruz", "van den Berg", "",
)  # fmt: skip
COUNTRIES = (
    "MN",
    "FR",
    "DE",
    "ES",
    "SE",
    "BR",
    "IN",
    "JP",
    "KR",
    "ZA",
    "NG",
    "TR",
    "PL",
    "RO",
    "GB",
    "CL",
    "TN",
    "PH",
)
ORGANISATIONS = (
    "Labour Party", "Parti socialiste", "Partido Socialista", "Sozialdemokratische Partei", "Ардын нам",
    "Cooperative Union", "Confédération du travail", "Fundación Igualdad", "Alliance of Women", "Jóvenes por el Clima",
)  # fmt: skip
FUNCTIONS = (
    "International Secretary",
    "Député·e",
    "Secretaria general",
    "President",
    "Chargée de mission",
    "Delegate",
)
DIETS = ("vegetarian", "vegan", "halal", "kosher", "gluten_free", "lactose_free")


def seed(number: int, desk: Desk) -> Iterator[int]:
    """Put a number of registrations on the list, each with its consents and its confirmation; yield how many."""
    taken = {row.reference for table in (Registration, Repeat) for row in table.select(table.reference)}
    for done in range(0, number, CHUNK):
        rows = [registration(desk.conference, taken) for _ in range(min(CHUNK, number - done))]
        with write():
            insert(Registration, [row.__data__ for row in rows])
            keep_what_belongs_to(rows, desk, failed=0 if done else FAILED)
        yield len(rows)


def registration(conference: Conference, taken: set[str]) -> Registration:
    """Somebody who might have registered, of any state, not stored yet."""
    while (reference := new_reference(conference.reference_prefix)) in taken:
        pass
    taken.add(reference)
    public_id = secrets.token_hex(16)
    given = answers(conference, reference)
    received = received_at(conference)
    row = Registration(
        public_id=public_id, form_key=f"demo {public_id}", reference=reference, language=random.choice(LANGUAGES),
        email=given.email, address_key=given.email, created_at=received, updated_at=received,
        state=chance({"received": 15, "confirmed": 75, "cancelled": 8, "erased": 2}), is_late=random.random() < 0.03,
        confirmed_at=None, cancelled_at=None, cancel_reason=None, pending_email=None,
    )  # fmt: skip
    fill(row, given)
    index(row)
    settle(row, received + timedelta(minutes=random.randint(1, 600)))
    return row


def settle(row: Registration, at: datetime) -> None:
    """Give a registration what its state brings along."""
    if row.state == "confirmed":
        row.confirmed_at = row.updated_at = at
    if row.passport:
        row.visa_state = random.choice(VISA_STATES[1:])
    if row.state == "cancelled":
        row.cancelled_at = row.updated_at = at
        row.passport, row.visa_state = None, "none"
    if row.state == "erased":
        blank(row)


def answers(conference: Conference, reference: str) -> Answers:
    """What somebody might answer to what this conference asks."""
    given_names, family_name = random.choice(GIVEN_NAMES), random.choice(FAMILY_NAMES)
    letters = "".join(filter(str.isalpha, fold(given_names).encode("ascii", "ignore").decode())) or "delegate"
    country, out = random.choice(COUNTRIES), set(conference.leave_out)
    travel = "" if out & {"journey", "travel"} else chance({"known": 45, "later": 40, "none": 15})
    hotel = (
        "" if "journey" in out or not conference.hotel else chance({"reserve": 60, "own": 30, "later": 10})
    )
    return Answers(
        given_names=given_names,
        family_name=family_name,
        email=f"{letters}.{reference.lower()}@example.org",
        organisation=f"{random.choice(ORGANISATIONS)} {country}",
        country=country,
        function=random.choice(FUNCTIONS),
        category=random.choice(conference.categories).key,
        days=some([day.key for day in conference.days]),
        sessions=[] if "sessions" in out else some([session.key for session in conference.sessions]),
        interpretation="" if "interpretation" in out else random.choice((*LANGUAGES, "none")),
        needs=None if "diet" in out else needs(),
        passport=None
        if "visa" in out or random.random() < 0.6
        else passport(given_names, country, conference),
        travel=travel,
        journey=journey(conference) if travel == "known" else None,
        mobile="+976 99 112233" if travel == "known" else "",
        hotel=hotel,
        stay=stay(conference) if hotel == "reserve" else None,
        consents=["affiliation", "visa", "needs"],
    )


def needs() -> Needs | None:
    kept = chance({"": 40, "none": 30, **dict.fromkeys(DIETS, 5)})
    if kept in ("", "none"):
        return Needs(diet=[kept], diet_other="", access="") if kept else None
    other, access = chance({"": 80, "No nuts": 20}), chance({"": 80, "Step-free route": 20})
    return Needs(diet=[kept], diet_other=other, access=access)


def passport(name: str, country: str, conference: Conference) -> Passport:
    expiry = conference.ends_on + timedelta(days=random.randint(200, 3000))
    return Passport(
        name=name.upper(),
        nationality=country,
        number=secrets.token_hex(4).upper(),
        expiry=expiry,
        post="Paris",
    )


def journey(conference: Conference) -> Journey:
    return Journey(
        arrival_date=conference.starts_on - timedelta(days=random.randint(0, 3)),
        arrival_time=time(random.randrange(24), random.randrange(0, 60, 5)),
        arrival_flight=f"OM {random.randint(100, 999)}",
        departure_date=conference.ends_on + timedelta(days=random.randint(0, 3)),
        departure_time=time(random.randrange(24), random.randrange(0, 60, 5)),
        departure_flight=f"OM {random.randint(100, 999)}",
        pickup=random.random() < 0.5,
    )


def stay(conference: Conference) -> Stay:
    room = random.choice(conference.hotel.rooms if conference.hotel else [])
    names = f"{random.choice(GIVEN_NAMES)} {random.choice(FAMILY_NAMES)}".strip()
    return Stay(
        check_in=conference.starts_on - timedelta(days=random.randint(1, 2)),
        check_out=conference.ends_on + timedelta(days=1),
        room=room.key,
        share_with=names if room.is_shared and random.random() < 0.7 else "",
    )


def received_at(conference: Conference) -> datetime:
    """A moment between the invitation and now."""
    since = datetime.combine(conference.announced_on, time(), UTC)
    return since + (clock.now() - since) * random.random()


def chance(weights: dict[str, int]) -> str:
    return random.choices([*weights], [*weights.values()])[0]


def some(keys: list[str]) -> list[str]:
    """One key or more of them, in their order."""
    chosen = set(random.sample(keys, random.randint(1, len(keys)))) if keys else set()
    return [key for key in keys if key in chosen]


def insert(table: type[Model], rows: list[dict[str, Any]]) -> None:
    """Many rows with one statement, which Peewee's own insert would write anew for each of their values."""
    fields = [field for field in table._meta.sorted_fields if field.name in rows[0]]
    columns = ", ".join(field.column_name for field in fields)
    places = ", ".join(f"json({db.param})" if is_json_text(field) else db.param for field in fields)
    statement = f"INSERT INTO {table._meta.table_name} ({columns}) VALUES ({places})"  # noqa: S608 - of the models
    db.cursor().executemany(
        statement, [[in_column(field, row[field.name]) for field in fields] for row in rows]
    )


def is_json_text(field: Field) -> bool:
    return on_sqlite() and isinstance(field, JSONField)


def in_column(field: Field, value: Any) -> Any:
    return json.dumps(value) if is_json_text(field) else field.db_value(value)


def keep_what_belongs_to(rows: list[Registration], desk: Desk, *, failed: int) -> None:
    """Store the consents and the confirmations of registrations that have just been stored."""
    stored = Registration.select(Registration.reference, Registration.id)
    pairs: Any = stored.where(Registration.reference.in_([row.reference for row in rows])).tuples()
    ids: dict[str, int] = dict(pairs)
    kept = [row for row in rows if row.state != "erased"]
    given = ((row, kind) for row in kept for kind in kinds_of_consent(row))
    insert(Consent, [consent(row, ids[row.reference], kind, desk.conference) for row, kind in given])
    mails = [failing(row, ids[row.reference], desk) for row in kept[:failed]]
    insert(Mail, mails + [mail(row, ids[row.reference]) for row in kept[failed:]])


def kinds_of_consent(row: Registration) -> list[str]:
    """What somebody must have agreed to, so that their answers lie there."""
    return ["affiliation", *(["visa"] if row.passport else []), *(["needs"] if row.needs else [])]


def consent(row: Registration, number: int, kind: str, conference: Conference) -> dict[str, Any]:
    return {
        "registration": number,
        "kind": kind,
        "version": conference.consents.version,
        "language": row.language,
        "given_at": row.created_at,
    }


def mail(row: Registration, number: int) -> dict[str, Any]:
    """A confirmation that went out long ago, and whose words are kept no more."""
    return {
        "registration": number, "kind": "confirmation", "language": row.language, "recipient": row.email,
        "message": None, "message_id": f"<{row.public_id}@example.org>", "once": confirmation(row), "state": "accepted",
        "attempts": 1, "due_at": row.created_at, "created_at": row.created_at, "accepted_at": row.created_at,
        "error": "",
    }  # fmt: skip


def failing(row: Registration, number: int, desk: Desk) -> dict[str, Any]:
    """A confirmation that failed. However long the list is, there are a few: somebody looks after them."""
    message = compose("confirmation", row, once=confirmation(row), desk=desk).as_bytes().decode("ascii")
    failed = {"message": message, "state": "failed", "accepted_at": None, "error": "550 5.1.1 no such user"}
    return mail(row, number) | failed

"""One conference: its facts (conference.toml) and its prose (Markdown), read and checked once, at start."""

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Calendar, Event
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, EmailStr, Field, ValidationError

from config import Faults
from domain import clock

LANGUAGE_NAMES = {"fr": "Français", "en": "English", "es": "Español"}
LANGUAGES = tuple(LANGUAGE_NAMES)
LONGEST_LABEL = 200
PAGES = ("invitation", "programme", "practical", "privacy", "accessibility")
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
HTML_FINDER = MarkdownIt("commonmark", {"html": True}).enable("table")


class ConferenceError(Faults):
    """The conference folder has faults; each is named with its file and place."""


def zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("is no time zone of the IANA database, such as Asia/Ulaanbaatar") from None
    return name


class Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Text(Facts):
    """The same words in each language."""

    fr: str = Field(min_length=1)
    en: str = Field(min_length=1)
    es: str = Field(min_length=1)

    def __getitem__(self, lang: str) -> str:
        return str(getattr(self, lang))


class Signatory(Facts):
    name: str
    role: Text


class Venue(Facts):
    name: str | None = None
    address: str | None = None


class Contact(Facts):
    name: Text
    email: EmailStr | None = None


class Day(Facts):
    date: date

    @property
    def key(self) -> str:
        return self.date.isoformat()


Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


class Session(Facts):
    """A part of the programme. Day, hours and room stay empty until they are known."""

    key: Key
    title: Text
    summary: Text | None = None
    day: date | None = None
    starts: time | None = None
    ends: time | None = None
    room: str | None = None


class Option(Facts):
    key: Key
    label: Text


class Room(Option):
    is_shared: bool = False


class Hotel(Facts):
    """What the secretariat reserves: kinds of rooms and, once they are known, the first and the last night."""

    first_night: date | None = None
    last_night: date | None = None
    rooms: list[Room] = Field(min_length=1)

    @property
    def last_check_out(self) -> date | None:
        return self.last_night + timedelta(days=1) if self.last_night else None


class Question(Facts):
    """A question of this conference alone. What is chosen from has options, what is written has none."""

    key: Key
    kind: Literal["text", "long_text", "one", "several"]
    label: Text
    hint: Text | None = None
    required: bool = False
    options: list[Option] = []

    @property
    def name(self) -> str:
        """What the question is called in forms and exports, apart from the service's own fields."""
        return f"question_{self.key}"


# What a conference may leave out: whole sections and single questions, with whatever depends on their answer.
LeftOut = Literal[
    "visa", "journey", "travel", "pickup", "hotel", "sessions", "interpretation",
    "diet", "access_needs", "consent_list", "consent_photo",
]  # fmt: skip


class Consents(Facts):
    """The words that a delegate agrees to. A change of any of them needs a new version."""

    version: str = Field(min_length=1, max_length=16)
    affiliation: Text
    visa: Text
    needs: Text
    list: Text
    photo: Text

    def text(self, kind: str, lang: str) -> str:
        return str(getattr(self, kind)[lang])


class Retention(Facts):
    """Whole days, counted from the last day of the conference."""

    passport: int = Field(ge=0)
    needs: int = Field(ge=0)
    travel: int = Field(ge=0)
    person: int = Field(ge=0)
    audit: int = Field(ge=0)


class DailyRound(Facts):
    """When the service writes of its own accord: at an hour of the conference's time zone, on which days to whom."""

    hour: int = Field(default=8, ge=0, le=23)
    reminders: list[date] = []
    digest: bool = True


class Page(BaseModel):
    """A page of prose: its title as text, its first paragraph and the rest as HTML that the Markdown parser made."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    title: str
    lede: Markup
    body: Markup


class Conference(Facts):
    reference_prefix: str = Field(pattern=r"^[A-Z0-9]{2,6}$")
    time_zone: Annotated[str, AfterValidator(zone)]
    starts_on: date
    ends_on: date
    announced_on: date
    register_by: date
    closes_at: AwareDatetime
    website: str = Field(pattern=r"^https://")
    calendar_uid: str = Field(min_length=3)
    title: Text
    kind: Text
    place: Text
    city: Text
    country: Text
    organiser: Text
    host: Text
    partner: Text
    signatory: Signatory
    venue: Venue = Venue()
    contact: Contact
    days: list[Day] = Field(min_length=1)
    sessions: list[Session] = []
    categories: list[Option] = Field(min_length=1)
    hotel: Hotel | None = None
    questions: list[Question] = []
    leave_out: list[LeftOut] = []
    consents: Consents
    retention: Retention
    daily_round: DailyRound = DailyRound()
    pages: dict[tuple[str, str], Page] = {}

    @property
    def is_open(self) -> bool:
        """Whether registration is open. The same instant opens the export."""
        return clock.now() < self.closes_at

    @property
    def asks_for_flights(self) -> bool:
        return not {"journey", "travel"} & set(self.leave_out)

    def page(self, name: str, lang: str) -> Page:
        return self.pages[name, lang]

    def faults(self) -> list[str]:
        """What is wrong with facts taken together, each with its place."""
        order = [("announced_on", self.announced_on), ("register_by", self.register_by)]
        order += [("starts_on", self.starts_on), ("ends_on", self.ends_on)]
        found = [f"{later}: is before {earlier}" for (earlier, a), (later, b) in pairwise(order) if b < a]
        if self.closes_at.astimezone(UTC).date() < self.register_by:
            found.append("closes_at: is before register_by")
        if self.closes_at.astimezone(UTC).date() > self.ends_on:
            found.append("closes_at: is after ends_on")
        if [day.date for day in self.days] != sorted(day.date for day in self.days):
            found.append("days: are not in order")
        dates = {day.date for day in self.days}
        found += [
            f"days: {day.date} is not between starts_on and ends_on"
            for day in self.days
            if not self.starts_on <= day.date <= self.ends_on
        ]
        reminders = self.daily_round.reminders
        if reminders != sorted(reminders):
            found.append("daily_round.reminders: are not in order")
        found += [
            f"daily_round.reminders: {day} is not before starts_on"
            for day in reminders
            if day >= self.starts_on
        ]
        for place, session in enumerate(self.sessions):
            if session.day and session.day not in dates:
                found.append(f"sessions.{place}.day: {session.day} is not one of the days")
            if session.starts and session.ends and session.ends <= session.starts:
                found.append(f"sessions.{place}.ends: is not after starts")
        nights = (
            [night for night in (self.hotel.first_night, self.hotel.last_night) if night]
            if self.hotel
            else []
        )
        if nights != sorted(nights):
            found.append("hotel.last_night: is before first_night")
        month = timedelta(days=30)
        if any(not self.starts_on - month <= night <= self.ends_on + month for night in nights):
            found.append("hotel: first_night and last_night are more than 30 days from the conference")
        lists: list[tuple[str, list[str]]] = [
            ("days", [day.key for day in self.days]),
            ("sessions", [session.key for session in self.sessions]),
            ("categories", [category.key for category in self.categories]),
            ("leave_out", list(self.leave_out)),
            ("daily_round.reminders", [day.isoformat() for day in reminders]),
            ("hotel.rooms", [room.key for room in self.hotel.rooms] if self.hotel else []),
            ("questions", [question.key for question in self.questions]),
        ]
        for place, question in enumerate(self.questions):
            is_chosen = question.kind in ("one", "several")
            least = {"one": 2, "several": 1}.get(question.kind, 0)
            if len(question.options) < least:
                found.append(f"questions.{place}.options: {least} or more are needed")
            if max(map(len, (question.label[lang] for lang in LANGUAGES))) > LONGEST_LABEL:
                found.append(f"questions.{place}.label: is longer than {LONGEST_LABEL} characters")
            if question.options and not is_chosen:
                found.append(f"questions.{place}.options: belongs to kind one or several")
            lists.append((f"questions.{place}.options", [option.key for option in question.options]))
        for name, keys in lists:
            found += [
                f"{name}: {key} stands twice" for key in sorted({key for key in keys if keys.count(key) > 1})
            ]
        return found

    def calendar(self, lang: str, *, url: str, sequence: int = 0, is_cancelled: bool = False) -> bytes:
        """The conference as an iCalendar file with one all-day event, whose end day is exclusive (RFC 5545, 3.6.1).

        A higher `sequence` replaces what a calendar has; cancelled, it takes the event away for this delegate.
        """
        event = Event()
        event.add("uid", self.calendar_uid)
        event.add("dtstamp", datetime.combine(self.announced_on, time(), UTC))
        event.add("dtstart", self.starts_on)
        event.add("dtend", self.ends_on + timedelta(days=1))
        event.add("summary", f"{self.kind[lang]} – {self.title[lang]}", parameters={"LANGUAGE": lang})
        event.add(
            "location", ", ".join(filter(None, (self.venue.name, self.venue.address, self.place[lang])))
        )
        event.add("url", url)
        event.add("sequence", sequence)
        event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
        event.add("transp", "TRANSPARENT")
        calendar = Calendar()
        calendar.add("prodid", "-//Convoke//Conference registration//EN")
        calendar.add("version", "2.0")
        calendar.add("method", "PUBLISH")
        calendar.add_component(event)
        return calendar.to_ical()


def load(folder: Path) -> Conference:
    """Read a conference folder.

    Raises ConferenceError with every fault, each with its file and its place in it.
    """
    facts, faults = read_facts(folder)
    pages, page_faults = read_pages(folder)
    if facts is None or faults or page_faults:
        raise ConferenceError(faults + page_faults)
    return facts.model_copy(update={"pages": pages})


def read_facts(folder: Path) -> tuple[Conference | None, list[str]]:
    path = folder / "conference.toml"
    try:
        conference = Conference.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None, [f"{path}: is missing"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return None, [f"{path}: {error}"]
    except ValidationError as error:
        return None, [
            f"{path}: {'.'.join(map(str, fault['loc']))}: {fault_message(fault)}" for fault in error.errors()
        ]
    return conference, [f"{path}: {fault}" for fault in conference.faults()]


def fault_message(fault: Any) -> str:
    messages = {"missing": "is missing", "extra_forbidden": "is no known key"}
    return messages.get(fault["type"]) or str(fault["msg"]).removeprefix("Value error, ")


def read_pages(folder: Path) -> tuple[dict[tuple[str, str], Page], list[str]]:
    pages: dict[tuple[str, str], Page] = {}
    faults: list[str] = []
    for lang in LANGUAGES:
        for name in PAGES:
            path = folder / lang / f"{name}.md"
            try:
                pages[name, lang] = read_page(path.read_text("utf-8"))
            except FileNotFoundError:
                faults.append(f"{path}: is missing")
            except (PageError, UnicodeDecodeError) as error:
                faults.append(f"{path}: {error}")
    return pages, faults


class PageError(ValueError):
    """A Markdown page is not built as a page."""


def read_page(text: str) -> Page:
    """Split a Markdown page into its title (`# …` on the first line), its first paragraph and the rest.

    Raises PageError when title or paragraph are missing or when there is HTML in it.
    """
    html = [line for line in map(html_line, HTML_FINDER.parse(text)) if line]
    if html:
        raise PageError(f"line {html[0]}: has HTML in it; write Markdown only")
    title, _, rest = text.lstrip().partition("\n")
    lede, _, body = rest.strip().partition("\n\n")
    if not title.startswith("# ") or not lede or lede.startswith("#"):
        raise PageError("line 1: must begin with a '# Title' and a paragraph")
    return Page(
        title=title.removeprefix("# ").strip(),
        lede=Markup(MARKDOWN.renderInline(lede)),  # noqa: S704 - the parser lets no HTML through
        body=Markup(MARKDOWN.render(body)),  # noqa: S704 - likewise
    )


def html_line(token: Token) -> int | None:
    """The line, counted from 1, on which a block of Markdown has HTML in it."""
    if token.map is None:
        return None
    line = token.map[0] + 1
    if token.type == "html_block":
        return line
    for child in token.children or []:
        if child.type == "html_inline":
            return line
        line += child.type in ("softbreak", "hardbreak")
    return None

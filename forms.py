"""The forms: which questions are put, whether the answers fit together, and what they mean. Knows no database."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, ClassVar, Self

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import EqualTo, InputRequired, ValidationError

from domain import passwords
from domain.answers import OPEN_LATE, Answers, Journey, Needs, Passport, Stay, changed, masked
from domain.conference import LANGUAGE_NAMES, LANGUAGES, Conference, Question
from domain.doubts import expires_soon, is_apart, is_far_from, is_usual_flight, likely_address
from fields import (
    Checkboxes,
    Choice,
    CountryField,
    Day,
    EmailText,
    Hour,
    LengthAtMost,
    LongText,
    Password,
    Radios,
    Required,
    Text,
    Tick,
    international,
    offer,
    readable,
    squash,
    tidy,
)
from i18n import country_names, current_language, day
from questions import DelegateForm, Form, Questions, address_field

FLIGHT_OF = {"check_in": "arrival_date", "check_out": "departure_date"}
A_YEAR = timedelta(days=365)
MASK = 10  # characters that a masked number has at most


class RegistrationForm(Questions):
    """What a delegate is asked. Set up for one conference; days, sessions, rooms and further questions are its data."""

    def __init__(self, conference: Conference, **given: Any) -> None:
        self.conference = conference
        self.left_out = self.leave_out()
        super().__init__(**given)
        lang = current_language()
        self.category.choices = offer({one.key: one.label[lang] for one in conference.categories})
        self.days.choices = offer({one.key: day(one.date, "full") for one in conference.days})
        self.sessions.choices = offer({session.key: session.title[lang] for session in conference.sessions})
        self.pickup.words = _("Please meet me at the airport and take me to my hotel")
        rooms = conference.hotel.rooms if conference.hotel else []
        self.room.choices = offer({room.key: room.label[lang] for room in rooms})
        for name in self.OPTIONAL:
            self[name].is_optional = True
        for question in conference.questions:
            self[question.name].is_optional = not question.required
        for name in self.WITH_NONE:
            self[name].alone = "none"
        for name in self.DOUBTFUL:
            self[name].is_doubtful = True
        for name, others in self.CHECKED_WITH.items():
            self[name].checked_with = [other for other in others if other not in self.left_out]
        self.passport_name.offer = squash(f"{self.given_names.data or ''} {self.family_name.data or ''}")
        for name in self.FOLLOW_UPS:
            self[name].opened_by = self.opened_by(name)
        for kind in ("needs", "visa", "affiliation", "list", "photo"):
            self[f"consent_{kind}"].words = conference.consents.text(kind, lang)
        self.part_titles = dict(self.PART_TITLES)
        if self.only_need:
            self.part_titles["needs"], self.consent_needs.label.text = self.ALONE_IN_NEEDS[self.only_need]
        if self.kept.data:
            kept = _("Stored: %(number)s. Leave this empty to keep it.", number=self.kept.data[:MASK])
            self.passport_number.description = kept
        if self.on_behalf.data:
            for name in self.NOT_YOUR_OWN:
                self[name].render_kw = (self[name].render_kw or {}) | {"autocomplete": "off"}

    def process(self, *given: Any, **named: Any) -> None:
        """Read the answers, those to the conference's own questions too; what is not asked is not answered."""
        bound = {"prefix": self._prefix, "translations": self.meta.get_translations(self)}
        for question in self.conference.questions:
            field = field_for(question, current_language())
            self._fields[question.name] = self.meta.bind_field(self, field, {"name": question.name} | bound)
        for name in self.SECTIONS["consent"]:  # last on the page, so last in the summary of errors
            self._fields[name] = self._fields.pop(name)
        super().process(*given, **named)
        for name in self.left_out:
            self[name].process(None)

    def leave_out(self) -> set[str]:
        """The fields that this conference does not ask, with their follow-ups."""
        out: set[str] = set(self.conference.leave_out)
        out |= {name for section in out & set(self.SECTIONS) for name in self.SECTIONS[section]}
        out |= {"diet_other"} if "diet" in out else set()
        out |= {"consent_needs"} if {"diet", "access_needs"} <= out else set()
        out |= set() if self.conference.sessions else {"sessions"}
        out |= set() if self.conference.hotel else {"hotel"}
        return {name for asked in out - set(self.SECTIONS) for name in self.with_follow_ups((asked,))}

    @property
    def only_need(self) -> str | None:
        """The question about diet or accessibility, where the conference asks one of the two."""
        asked = self.ALONE_IN_NEEDS.keys() - self.left_out
        return asked.pop() if len(asked) == 1 else None

    def opened_by(self, name: str) -> set[Any]:
        """The answers to a question after which its follow-ups are put."""
        if name != "room":
            return self.OPENED_BY[name]
        rooms = self.conference.hotel.rooms if self.conference.hotel else []
        return {room.key for room in rooms if room.is_shared}

    @property
    def sections(self) -> dict[str, list[str]]:
        """What is asked, section by section: the questions that are put to everybody."""
        asked = self.SECTIONS | {"questions": tuple(question.name for question in self.conference.questions)}
        kept = {
            section: [name for name in names if name not in self.left_out] for section, names in asked.items()
        }
        return {section: names for section, names in kept.items() if names}

    @classmethod
    def with_follow_ups(cls, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            yield name
            yield from cls.with_follow_ups(cls.FOLLOW_UPS.get(name, ()))

    @property
    def names(self) -> list[str]:
        """Every field that may be filled in, in the order of the page."""
        top = [name for names in self.sections.values() for name in names]
        return [name for name in self.with_follow_ups(top) if name not in self.left_out]

    @classmethod
    def showing(cls, answers: Answers, conference: Conference) -> Self:
        """The form filled in with stored answers, to show them."""
        return cls(conference, formdata=None, data=as_data(answers))

    def validate(self, extra_validators: Any = None) -> bool:
        """Check the questions that were put; what was typed after another answer stays, and counts for nothing."""
        super().validate(extra_validators)
        for name, field in self._fields.items():
            if not self.is_asked(name):
                field.errors = []
        self.raise_doubts()
        return not self.errors

    def raise_doubts(self) -> None:
        """Put a question beside each answer that may be a slip."""
        for name in self.DOUBTFUL:
            field = self[name]
            if self.is_asked(name) and not field.errors and field.data and (doubt := self.doubt(name)):
                field.doubt = doubt

    def validate_given_names(self, field: Any) -> None:
        if not field.data and not self.family_name.data:
            raise ValidationError(_l("Enter your given names or your family name"))

    def validate_sessions(self, field: Any) -> None:
        elsewhere = {
            session.key
            for session in self.conference.sessions
            if session.day and session.day.isoformat() not in self.days.data
        }
        if elsewhere & set(field.data):
            raise ValidationError(_l("Choose sessions of the days that you will attend"))

    def validate_diet(self, field: Any) -> None:
        if "none" in field.data and (len(field.data) > 1 or self.diet_other.data):
            raise ValidationError(_l("Choose either “None of these” or your requirements"))

    def validate_consent_needs(self, field: Any) -> None:
        if self.has_needs and not field.data:
            raise ValidationError(_l("Tick this box so that we may keep these answers, or remove them above"))

    def validate_passport_number(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_l("Enter your passport number"))

    def validate_passport_expiry(self, field: Any) -> None:
        if field.data and field.data < self.conference.ends_on:
            raise ValidationError(_l("Enter a passport that is valid until the conference has ended"))

    def validate_departure_date(self, field: Any) -> None:
        self.in_reach(field.data)
        if not field.data:
            if not field.errors and (self.departure_time.data or self.departure_flight.data):
                raise ValidationError(_l("Enter the date of your departure, or remove its time and flight"))
        elif self.arrival_date.data and self.departs_too_early():
            raise ValidationError(_l("Enter a departure that is after your arrival"))

    def departs_too_early(self) -> bool:
        arrival, departure = self.arrival_date.data, self.departure_date.data
        if departure == arrival and self.arrival_time.data and self.departure_time.data:
            return bool(self.departure_time.data <= self.arrival_time.data)
        return bool(departure < arrival)

    def validate_arrival_date(self, field: Any) -> None:
        self.in_reach(field.data)

    def in_reach(self, on: date | None) -> None:
        """Refuse what is no slip of a month any more, but of a year."""
        if on and is_far_from(on, self.conference.starts_on, self.conference.ends_on, by=A_YEAR):
            raise ValidationError(_l("Enter a date within a year of the conference"))

    def validate_check_in(self, field: Any) -> None:
        self.in_reach(field.data)
        first = self.conference.hotel and self.conference.hotel.first_night
        if field.data and first and field.data < first:
            raise ValidationError(_("Enter a check-in on %(day)s or later", day=day(first)))

    def validate_check_out(self, field: Any) -> None:
        self.in_reach(field.data)
        last = self.conference.hotel and self.conference.hotel.last_check_out
        if field.data and self.check_in.data and field.data <= self.check_in.data:
            raise ValidationError(_l("Enter a check-out that is after your check-in"))
        if field.data and last and field.data > last:
            raise ValidationError(_("Enter a check-out on %(day)s or earlier", day=day(last)))

    def doubt(self, name: str) -> str | None:
        """A question about an answer that may well be right; it holds nobody up."""
        answer = self[name].data
        first, last = self.conference.starts_on, self.conference.ends_on
        if name == "email" and (meant := likely_address(answer)):
            return _("Did you mean %(address)s?", address=meant)
        if name == "passport_expiry" and expires_soon(answer, last):
            return _(
                "Many consulates want a passport that is valid for six months after the journey. Please ask yours."
            )
        if name.endswith("_flight") and not is_usual_flight(answer):
            return _("Flight numbers usually look like OM 302. If this one is right, leave it as it is.")
        if name in ("arrival_date", "departure_date", "check_in", "check_out") and is_far_from(
            answer, first, last
        ):
            return _("This is more than a month away from the conference. If it is right, leave it as it is.")
        flies = self[FLIGHT_OF[name]].data if name in FLIGHT_OF and self.is_asked(FLIGHT_OF[name]) else None
        if flies and is_apart(answer, flies):
            return _("Your flight is on %(day)s. If this day is right, leave it as it is.", day=day(flies))
        return None

    @property
    def has_needs(self) -> bool:
        return bool(set(self.diet.data) - {"none"} or self.diet_other.data or self.access_needs.data)

    def is_asked(self, name: str) -> bool:
        """Whether a question was put at all: the passport only to those who need a letter."""
        if name in self.left_out:
            return False
        parent = self.PARENTS.get(name)
        return parent is None or (self.is_asked(parent) and self[parent].data in self.opened_by(parent))

    def answers(self) -> Answers:
        """What the delegate typed, without the answers to questions that were not put."""
        return Answers(
            given_names=self.given_names.data,
            family_name=self.family_name.data,
            email=self.email.data,
            organisation=self.organisation.data,
            country=self.country.data or "",
            function=self.function.data,
            category=self.category.data,
            days=self.days.data,
            sessions=self.sessions.data,
            interpretation=self.interpretation.data,
            needs=self.needs(),
            passport=self.passport() if self.is_asked("passport_name") else None,
            travel=self.travel.data,
            journey=self.journey() if self.is_asked("arrival_date") else None,
            mobile=self.mobile.data if self.is_asked("mobile") else "",
            hotel=self.hotel.data,
            stay=self.stay() if self.is_asked("check_in") else None,
            extra={one.key: answer for one in self.conference.questions if (answer := self[one.name].data)},
            consents=self.consents(),
        )

    def needs(self) -> Needs | None:
        given = Needs(diet=self.diet.data, diet_other=self.diet_other.data, access=self.access_needs.data)
        return given if given.is_none or (self.has_needs and self.consent_needs.data) else None

    def passport(self) -> Passport:
        return Passport(
            name=self.passport_name.data,
            nationality=self.nationality.data,
            number=self.passport_number.data,
            expiry=self.passport_expiry.data,
            post=self.visa_post.data,
        )

    def journey(self) -> Journey:
        return Journey(
            arrival_date=self.arrival_date.data,
            arrival_time=self.arrival_time.data,
            arrival_flight=self.arrival_flight.data,
            departure_date=self.departure_date.data,
            departure_time=self.departure_time.data,
            departure_flight=self.departure_flight.data,
            pickup=bool(self.pickup.data),
        )

    def stay(self) -> Stay:
        return Stay(
            check_in=self.check_in.data,
            check_out=self.check_out.data,
            room=self.room.data,
            share_with=self.share_with.data if self.is_asked("share_with") else "",
        )

    def consents(self) -> list[str]:
        """The kinds of consent that were given and that something depends on."""
        given = [name for name in self.names if name.startswith("consent_")]
        given = [name for name in given if self[name].data and self.is_asked(name)]
        return [name.removeprefix("consent_") for name in given if name != "consent_needs" or self.has_needs]

    def summary(self, section: str) -> Iterator[tuple[str, str, list[str], str | None]]:
        """The questions of a section that were put: name, question, the answer in words line by line, any doubt."""
        for name in self.with_follow_ups(self.sections[section]):
            if self.is_asked(name):
                yield name, self[name].label.text, in_words(self[name]), getattr(self[name], "doubt", None)

    def blocks(self) -> list[str]:
        """The blocks of sensitive answers in which there are any."""
        return [block for block, names in self.BLOCKS.items() if self.masks(*names)]

    def masks(self, *names: str) -> dict[str, str]:
        """What to show instead of sensitive answers: the passport number's end, of the others that they exist."""
        shown = {name: _("hidden") for name in names or self.SENSITIVE if self[name].data}
        if "passport_number" in shown:
            shown["passport_number"] = masked(self.passport_number.data)
        return shown

    def typed(self) -> Iterator[tuple[str, str]]:
        """Everything that was typed, as it was typed, to travel on to the next page."""
        for name in self.names:
            for value in self[name].raw_data or []:
                yield name, value

    def titles(self, names: Iterable[str]) -> list[str]:
        """What people call some of the answers, in the order of the form."""
        order = list(Answers.__dataclass_fields__)
        return [
            str(self.part_titles[name] if name in self.part_titles else self[name].label.text)
            for name in sorted(names, key=order.index)
        ]

    def describe(self, names: set[str]) -> list[str]:
        """Answers as a mail may tell them: what is sensitive, or private to the delegate, by its title alone."""
        order = [name for name in Answers.__dataclass_fields__ if name in names]
        told = []
        for name in order:
            (title,) = self.titles([name])
            words = "; ".join(in_words(self[name])) if name in self.TOLD else ""
            told.append(_("%(question)s: %(answer)s", question=title, answer=words) if words else title)
        return told


class AmendForm(RegistrationForm):
    """The same questions to somebody who has answered them: after the deadline, only those that are still open.

    The passport number does not travel to the page: left empty, the stored one stays.
    """

    FIELDS_OF_PARTS: ClassVar[dict[str, tuple[str, ...]]] = {
        "needs": ("diet", "diet_other", "access_needs", "consent_needs"),
        "passport": ("visa_letter",),
        "stay": (),
        "journey": (),
        "mobile": (),
        "consents": ("consent_list", "consent_photo"),
    }

    sequence = HiddenField()
    agreed = HiddenField()  # the same, of what was shown beside this form and may be overwritten

    def __init__(self, conference: Conference, before: Answers, *, has_closed: bool, **given: Any) -> None:
        self.before, self.has_closed = before, has_closed
        super().__init__(conference, data=as_data(before) | {"passport_number": ""}, **given)

    def process(self, *given: Any, **named: Any) -> None:
        """Read the answers. Which number is stored the page may have known before another window changed it."""
        super().process(*given, **named)
        if self.before.email:  # in an outage nobody knows what is stored, and the page has the word
            self.kept.data = masked(self.before.passport.number) if self.before.passport else ""

    @property
    def seen(self) -> int:
        """The registration's place in its sequence when the page was made; none where the page does not tell."""
        try:
            return int(self.agreed.data or self.sequence.data or "")
        except ValueError:  # also for thousands of digits
            return -1

    def leave_out(self) -> set[str]:
        """Consent to the registration itself is not asked again; it is withdrawn by erasing."""
        out = super().leave_out() | {"consent_affiliation"}
        if self.has_closed:
            open_late = {name for part in OPEN_LATE for name in self.FIELDS_OF_PARTS.get(part, (part,))}
            asked = [name for names in self.SECTIONS.values() for name in names]
            asked += [question.name for question in self.conference.questions]
            out |= {name for name in asked if name not in open_late}
        return out

    def validate_passport_number(self, field: Any) -> None:
        if not self.before.passport:
            super().validate_passport_number(field)

    def passport(self) -> Passport:
        given, before = super().passport(), self.before.passport
        return replace(given, number=given.number or before.number) if before else given

    def answers(self) -> Answers:
        """The answers as they are to be: those that were not asked as they were."""
        given = super().answers()
        kept = {
            name: getattr(self.before, name)
            for name in Answers.__dataclass_fields__
            if self.has_closed and name not in OPEN_LATE
        }
        consents = [kind for kind in self.before.consents if kind == "affiliation"] + given.consents
        return replace(given, **kept, consents=consents)

    def describe(self, names: set[str]) -> list[str]:
        """As above, and which consents were given or withdrawn."""
        told, given = super().describe(names - {"consents"}), self.answers().consents
        for kind in dict.fromkeys([*self.before.consents, *given]) if "consents" in names else ():
            title = self[f"consent_{kind}"].label.text
            if kind not in self.before.consents:
                told.append(_("%(consent)s: given", consent=title))
            if kind not in given:
                told.append(_("%(consent)s: withdrawn", consent=title))
        return told

    def differing(self, now: Answers) -> list[tuple[str, str]]:
        """Where the answers that are stored by now are others than those on this page: title and stored answer."""
        stored = AmendForm(self.conference, now, has_closed=self.has_closed, formdata=None)
        differ = changed(now, self.answers())
        names = [name for name in Answers.__dataclass_fields__ if name in differ]
        return [
            (title, "" if name in self.part_titles or name == "mobile" else ", ".join(in_words(stored[name])))
            for name, title in zip(names, self.titles(names), strict=True)
        ]


def as_data(answers: Answers) -> dict[str, Any]:
    """Answers as the values of the form's fields."""
    parts = ("needs", "passport", "journey", "stay", "extra", "consents")
    data = {name: value for name, value in vars(answers).items() if name not in parts}
    if needs := answers.needs:
        data |= {"diet": needs.diet, "diet_other": needs.diet_other, "access_needs": needs.access}
    if passport := answers.passport:
        data |= {
            "passport_name": passport.name,
            "nationality": passport.nationality,
            "passport_number": passport.number,
            "passport_expiry": passport.expiry,
            "visa_post": passport.post,
        }
    data |= vars(answers.journey) if answers.journey else {}
    data |= vars(answers.stay) if answers.stay else {}
    data |= {f"question_{key}": answer for key, answer in answers.extra.items()}
    data |= {f"consent_{kind}": True for kind in answers.consents}
    data["visa_letter"] = "yes" if answers.passport else "no"
    return data


def field_for(question: Question, lang: str) -> Any:
    """The field that puts a question of the conference's own."""
    label = question.label[lang]
    asked = [Required(_("Answer the question “%(question)s”", question=label))] if question.required else []
    given: dict[str, Any] = {"description": question.hint[lang] if question.hint else ""}
    if question.kind in ("one", "several"):
        choices = offer({option.key: option.label[lang] for option in question.options})
        kind, empty = (Radios, "") if question.kind == "one" else (Checkboxes, [])
        return kind(label, choices=choices, default=empty, validators=asked, **given)
    most, kind, filter_ = (200, Text, squash) if question.kind == "text" else (1000, LongText, tidy)
    look = {"autocomplete": "off", "maxlength": most} | ({"rows": 4} if kind is LongText else {})
    return kind(
        label, filters=[filter_], validators=[*asked, readable, LengthAtMost(most)], render_kw=look, **given
    )


def in_words(field: Any) -> list[str]:
    """An answer as people read it, line by line; nothing where there is none."""
    if isinstance(field, Choice):
        chosen = field.data if isinstance(field.data, list) else [field.data]
        return [str(choice.label) for choice in field.choices if choice.value in chosen]
    if isinstance(field, Tick):
        return [str(_l("Yes") if field.data else _l("No"))]
    if isinstance(field, CountryField):
        return [country_names(current_language())[field.data]] if field.data else []
    if isinstance(field, Day):
        return [day(field.data)] if field.data else []
    if isinstance(field, Hour):
        return [f"{field.data:%H:%M}"] if field.data else []
    return (field.data or "").splitlines()


class GoesWith:
    """Refuse to leave a field empty when the other one is not."""

    def __init__(self, other: str, message: Any) -> None:
        self.other, self.message = other, message

    def __call__(self, form: Form, field: Any) -> None:
        if form[self.other].data and not field.data:
            raise ValidationError(self.message)


def announcement_fields(lang: str) -> tuple[Text, LongText]:
    """Subject and text of an announcement in a language."""
    language = {"language": LANGUAGE_NAMES[lang]}
    no_subject = _l("Enter the subject (%(language)s) too, or remove the text", **language)
    no_text = _l("Enter the text (%(language)s) too, or remove the subject", **language)
    look = {"lang": lang, "autocomplete": "off"}
    subject = Text(
        _l("Subject (%(language)s)", **language),
        filters=[squash],
        validators=[GoesWith(f"text_{lang}", no_subject), readable, LengthAtMost(150)],
        render_kw=look | {"maxlength": 150},
    )
    text = LongText(
        _l("Text (%(language)s)", **language),
        filters=[tidy],
        validators=[GoesWith(f"subject_{lang}", no_text), readable, LengthAtMost(10_000)],
        render_kw=look | {"maxlength": 10_000, "rows": 10},
    )
    return subject, text


class LinkForm(DelegateForm):
    """The address to which to send the private link again."""

    email = address_field(_l("The address with which you registered"), autocomplete="email")


class CancelForm(DelegateForm):
    """Why somebody cancels, if they want to say so."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.reason.is_optional = True

    reason = LongText(
        _l("Reason"),
        description=_l("Only the secretariat reads it"),
        filters=[tidy],
        validators=[readable, LengthAtMost(500)],
        render_kw={"autocomplete": "off", "maxlength": 500, "rows": 3},
    )


class EraseForm(DelegateForm):
    """The wish to be erased, said twice: by a tick and by the button."""

    sure = Tick(_l("Erase my data"), validators=[Required(_l("Tick this box to have your data erased"))])
    block = Tick(_l("No more mails"))

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.sure.words = _("I want all my data to be erased now. This cannot be undone.")
        self.block.words = _(
            "I did not register myself, or I want no more mails: never write to this address again. "
            "Nobody can register with it any more then."
        )
        self.block.is_optional = True


def present_password() -> Password:
    return Password(
        _l("Password"),
        validators=[Required(_l("Enter your password")), LengthAtMost(200)],
        render_kw={"autocomplete": "current-password", "maxlength": 200},
    )


def new_password() -> Password:
    return Password(
        _l("New password"),
        description=_l(
            "At least 12 characters. A few words that nobody would put together are easy to remember"
        ),
        validators=[Required(_l("Choose a password")), LengthAtMost(200), hard_to_guess],
        render_kw={"autocomplete": "new-password", "maxlength": 200},
    )


def new_password_again() -> Password:
    return Password(
        _l("The same password once more"),
        validators=[EqualTo("password", _l("Type the same password twice"))],
        render_kw={"autocomplete": "new-password", "maxlength": 200},
    )


def hard_to_guess(form: Form, field: Any) -> None:
    """Refuse what is short, or is the address or one of the commonest passwords in disguise."""
    if len(field.data) < passwords.SHORTEST:
        raise ValidationError(_l("Choose a password of 12 characters or more"))
    if passwords.is_trivial(field.data, form.email):
        raise ValidationError(
            _l("Choose a password that is harder to guess: not the address, not a well-known word")
        )


def code_field(description: Any = "") -> Text:
    """No numeric keyboard: recovery codes have letters."""
    return Text(
        _l("Code from your app, or a recovery code"),
        description=description,
        filters=[international],
        validators=[code_where_needed, LengthAtMost(40)],
        render_kw={
            "autocomplete": "one-time-code",
            "maxlength": 40,
            "spellcheck": "false",
            "autocapitalize": "off",
        },
    )


def code_where_needed(form: Form, field: Any) -> None:
    if form.needs_code and not field.data:
        raise ValidationError(_l("Enter the code that your app shows, or a recovery code"))


class SignInForm(Form):
    """An organiser's address, password and code; `kept` is what was typed before the last sign-in ended."""

    email = EmailText(
        _l("E-mail address"),
        filters=[squash],
        validators=[Required(_l("Enter your e-mail address")), readable, LengthAtMost(254)],
        render_kw={"autocomplete": "username", "maxlength": 254},
    )
    password = present_password()
    code = code_field()
    kept = HiddenField()

    def __init__(self, *given: Any, needs_code: bool, **named: Any) -> None:
        super().__init__(*given, **named)
        self.needs_code = needs_code
        self.code.is_optional = not needs_code


class ProofForm(Form):
    """Password and code of an organiser who has signed in."""

    password = present_password()
    code = code_field()

    def __init__(self, *given: Any, needs_code: bool, **named: Any) -> None:
        super().__init__(*given, **named)
        self.needs_code = needs_code


class PasswordForm(Form):
    """A new password, twice, because nobody sees it."""

    password = new_password()
    again = new_password_again()

    def __init__(self, *given: Any, email: str, **named: Any) -> None:
        super().__init__(*given, **named)
        self.email = email


class EnrolmentForm(PasswordForm):
    """The password that an organiser chooses, and the code by which their app shows that it knows the secret."""

    secret = HiddenField()
    code = Text(
        _l("Code that the app shows"),
        description=_l("Six digits, which change every half minute"),
        filters=[international],
        validators=[Required(_l("Enter the six digits that your app shows")), LengthAtMost(40)],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 40},
    )


class CodesForm(Form):
    """The wish for new recovery codes. Sent twice, it makes the same."""

    key = HiddenField()


class SignOutForm(Form):
    """Nothing but the token that proves that an organiser's own page sent it."""


class StayForm(Form):
    """The wish to stay signed in."""


class RevealForm(Form):
    """The wish to see the sensitive answers of one registration."""


class MarkForm(Form):
    """Which mark of a registration to set, to what, from what, and how often the delegate had changed anything."""

    mark = HiddenField()
    value = HiddenField()
    former = HiddenField()
    sequence = HiddenField()

    @property
    def seen(self) -> int:
        return int(self.sequence.data) if re.fullmatch("[0-9]{1,9}", self.sequence.data or "") else -1


class NoteForm(Form):
    """What to remember of a delegate."""

    note = LongText(
        _l("New note"),
        description=_l(
            "Write nothing that the delegate should not read: the notes are in the copy of the data"
        ),
        filters=[tidy],
        validators=[Required(_l("Write the note")), readable, LengthAtMost(2000)],
        render_kw={"autocomplete": "off", "maxlength": 2000, "rows": 3},
    )


class RemovalForm(Form):
    """The wish to remove a note, and when it was written: its number alone may be another note's by now."""

    written = HiddenField(validators=[InputRequired()])


class BatchForm(Form):
    """How many registrations were shown to change, and which bulk action was the newest then."""

    number = HiddenField()
    newest = HiddenField()

    @property
    def agreed(self) -> int:
        return int(self.number.data) if re.fullmatch("[0-9]{1,9}", self.number.data or "") else 0

    @property
    def since(self) -> int | None:
        return int(self.newest.data) if re.fullmatch("[0-9]{1,9}", self.newest.data or "") else None


class UndoForm(Form):
    """The wish to take a bulk action back."""


class AnnouncementForm(Form):
    """An announcement by language: each is either whole or empty, and one at least is whole."""

    subject_fr, text_fr = announcement_fields("fr")
    subject_en, text_en = announcement_fields("en")
    subject_es, text_es = announcement_fields("es")

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        if not (self.written("subject") or self.written("text")):
            self[f"subject_{LANGUAGES[0]}"].errors = [
                _("Write a subject and a text in one language at least")
            ]
        return not self.errors

    def written(self, part: str) -> dict[str, str]:
        """The subject or the text, by language."""
        return {lang: self[f"{part}_{lang}"].data for lang in LANGUAGES if self[f"{part}_{lang}"].data}


class DraftForm(AnnouncementForm):
    """Other words for a draft, and which version of it they are to replace."""

    version = HiddenField()

    def differing(self, stored: dict[str, str]) -> list[tuple[Any, str]]:
        """Where other words are stored by now than are typed: the field and the stored words."""
        fields = [self[f"{part}_{lang}"] for lang in LANGUAGES for part in ("subject", "text")]
        beside = [(field, stored.get(field.name, "")) for field in fields]
        return [(field, words) for field, words in beside if words != field.data]


class SendForm(Form):
    """The number of recipients, typed: so that nobody writes to hundreds of people by a slip; and what was shown."""

    shown = HiddenField()
    version = HiddenField()
    number = Text(
        _l("Number of recipients"),
        filters=[squash],
        validators=[LengthAtMost(9)],
        render_kw={"inputmode": "numeric", "autocomplete": "off", "maxlength": 9},
    )

    @property
    def agreed(self) -> int:
        """The number, which people part with spaces; nobody, where there is none."""
        digits = self.number.data.replace(" ", "")
        return int(digits) if digits.isdecimal() else 0


class StopForm(Form):
    """The wish to send an announcement to nobody else."""


class LateLinkForm(Form):
    """Whom to let register after the deadline, and in which language to write to them."""

    email = address_field(_l("Only a registration with this address goes through"), autocomplete="off")
    language = Radios(
        _l("Language of the mail"),
        choices=offer(LANGUAGE_NAMES),
        validators=[Required(_l("Choose the language of the mail"))],
        default="",
    )


class RetryForm(Form):
    """The wish to send one mail, or all that failed, again."""


class CorrectionForm(Form):
    """Where a delegate can be reached whose address was wrong."""

    email = address_field(
        _l("What did not go out goes there, and whatever we write later"),
        autocomplete="off",
        missing=_l("Enter the right e-mail address"),
    )

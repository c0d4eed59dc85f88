"""Fields, filters, validators and messages of the forms. Knows no database; HTML is the templates' business."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, ClassVar, Self

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Email, Length, Regexp, StopValidation, ValidationError

from domain.conference import LANGUAGE_NAMES, Conference
from domain.registration import Answers, Needs, Passport, masked
from i18n import country_names, current_language, day

OVERRIDES = {"\u202d", "\u202e"}  # the bidirectional overrides of Unicode
LINK = re.compile(r"://|www\.|\w\.\w{2,}/", re.IGNORECASE)


def squash(text: str | None) -> str:
    """One line without stray spaces, in Unicode's composed form (NFC)."""
    return " ".join(unicodedata.normalize("NFC", text or "").split())


def tidy(text: str | None) -> str:
    """Several lines, their ends alike and nothing around them."""
    lines = unicodedata.normalize("NFC", text or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def compact(text: str | None) -> str:
    """A number as a passport prints it: upper case, without the spaces and hyphens that people add."""
    return squash(text).replace(" ", "").replace("-", "").upper()


def readable(form: FlaskForm, field: Any) -> None:
    """Refuse what nobody sees: control characters, marks that turn the writing round, and nothing but such."""
    text = field.data or ""
    kinds = [unicodedata.category(letter) for letter in text if letter not in "\n\t"]
    if "Cc" in kinds or "Cs" in kinds or OVERRIDES & set(text):
        raise ValidationError(_l("Remove the invisible characters; typing the text again usually helps"))
    if text and not any(kind[0] in "LN" for kind in kinds):
        raise ValidationError(_l("Enter letters or digits"))


def no_link(form: FlaskForm, field: Any) -> None:
    if LINK.search(field.data):
        raise ValidationError(_l("Enter a name, without a web address"))


class LengthAtMost(Length):
    def __init__(self, most: int) -> None:
        super().__init__(max=most, message=_l("Shorten this to %(max)d characters or fewer"))


class Asked:
    """Required when a question was answered so; otherwise whatever stands here counts for nothing."""

    def __init__(self, question: str, answer: str, message: Any) -> None:
        self.question, self.answer, self.message = question, answer, message

    def __call__(self, form: FlaskForm, field: Any) -> None:
        if form[self.question].data != self.answer:
            field.errors = []
            raise StopValidation
        if not field.errors:
            DataRequired(self.message)(form, field)


class Form(FlaskForm):
    """What every form shares: its answers are the fields of a form, never files or JSON."""

    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            return request.form if formdata is not None and request.method == "POST" else None

    @property
    def has_run_out(self) -> bool:
        """Whether the page had been open for longer than the sign-in that it belongs to."""
        return "csrf_token" in self.errors


def offer(choices: dict[str, Any]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in choices.items()]


class Choice:
    """What every choice does with an answer that is not on offer."""

    data: Any
    choices: Any

    def pre_validate(self, form: FlaskForm) -> None:
        answers = self.data if isinstance(self.data, list) else [self.data]
        offered = {choice.value for choice in self.choices}
        if any(answer and answer not in offered for answer in answers):
            raise ValidationError(_l("Choose one of the answers on offer"))


class Radios(Choice, RadioField):
    kind = "radios"


class Checkboxes(Choice, SelectMultipleField):
    kind = "checkboxes"

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata([value for value in dict.fromkeys(valuelist) if value])


class CountryField(SelectField):
    """A country of ISO 3166-1; the template draws the options, once for each language."""

    kind = "country"

    def __init__(self, *args: Any, validators: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, validate_choice=False, validators=[*validators, self.known], **kwargs)

    @staticmethod
    def known(form: FlaskForm, field: Any) -> None:
        if field.data not in country_names("en"):
            raise ValidationError(_l("Choose a country or territory from the list"))


class Text(StringField):
    kind = "input"


class EmailText(EmailField):
    kind = "input"


class LongText(TextAreaField):
    kind = "textarea"


class Day(DateField):
    kind = "input"

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value for value in valuelist if value.strip()])
        except ValueError:
            raise ValueError(_l("Enter a date such as 2019-06-30")) from None


class Password(PasswordField):
    kind = "input"


class Tick(BooleanField):
    """One box; its words come from the conference."""

    kind = "tick"


def visa_rules(message: Any) -> Asked:
    return Asked("visa_letter", "yes", message)


class RegistrationForm(Form):
    """What a delegate is asked. Set up for one conference; days, sessions and categories are its data."""

    class Meta(Form.Meta):
        csrf = False  # no cookie for delegates: the origin check guards them (security.py)

    SECTIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        "you": ("given_names", "family_name", "email", "organisation", "country", "function", "category"),
        "taking_part": (
            "days",
            "sessions",
            "interpretation",
            "diet",
            "diet_other",
            "access_needs",
            "consent_needs",
        ),
        "visa": (
            "visa_letter",
            "passport_name",
            "nationality",
            "passport_number",
            "passport_expiry",
            "visa_post",
            "consent_visa",
        ),
        "consent": ("consent_affiliation", "consent_list", "consent_photo"),
    }
    TITLES: ClassVar[dict[str, Any]] = {
        "you": _l("You"),
        "taking_part": _l("Taking part"),
        "visa": _l("Visa letter"),
        "consent": _l("Consent"),
    }

    OPTIONAL = ("sessions", "diet", "diet_other", "access_needs", "consent_list", "consent_photo")
    # The fields whose errors may go, or come, when another one changes.
    CHECKED_WITH: ClassVar[dict[str, tuple[str, ...]]] = {
        "given_names": ("family_name",),
        "sessions": ("days",),
        "diet": ("diet_other",),
        "consent_needs": ("diet", "diet_other", "access_needs"),
    }
    SENSITIVE = ("diet", "diet_other", "access_needs", *SECTIONS["visa"][1:6])

    key = HiddenField()

    given_names = Text(
        _l("Given names"),
        description=_l("As you want them on your badge"),
        filters=[squash],
        validators=[readable, no_link, LengthAtMost(100)],
        render_kw={"autocomplete": "given-name", "maxlength": 100},
    )
    family_name = Text(
        _l("Family name"),
        description=_l("Leave this empty if you have only one name"),
        filters=[squash],
        validators=[readable, no_link, LengthAtMost(100)],
        render_kw={"autocomplete": "family-name", "maxlength": 100},
    )
    email = EmailText(
        _l("E-mail address"),
        description=_l("Your confirmation goes there; we write only about your participation"),
        filters=[squash],
        validators=[
            DataRequired(_l("Enter your e-mail address")),
            readable,
            LengthAtMost(254),
            Email(_l("Enter an e-mail address such as name@example.org"), allow_smtputf8=False),
        ],
        render_kw={"autocomplete": "email", "maxlength": 254, "spellcheck": "false"},
    )
    organisation = Text(
        _l("Organisation"),
        description=_l("Party, association, union or foundation"),
        filters=[squash],
        validators=[
            DataRequired(_l("Enter the name of your organisation")),
            readable,
            LengthAtMost(200),
        ],
        render_kw={"autocomplete": "organization", "maxlength": 200},
    )
    country = CountryField(
        _l("Country or territory"),
        description=_l("Where your organisation is based"),
        validators=[DataRequired(_l("Choose the country or territory of your organisation"))],
        render_kw={"autocomplete": "country"},
    )
    function = Text(
        _l("Function"),
        description=_l("For example: International Secretary"),
        filters=[squash],
        validators=[
            DataRequired(_l("Enter your function in the organisation")),
            readable,
            LengthAtMost(120),
        ],
        render_kw={"autocomplete": "organization-title", "maxlength": 120},
    )
    category = Radios(
        _l("You come as"), validators=[DataRequired(_l("Choose in what role you come"))], default=""
    )

    days = Checkboxes(
        _l("Which days will you attend?"),
        validators=[DataRequired(_l("Choose at least one day"))],
        default=[],
    )
    sessions = Checkboxes(
        _l("Which sessions interest you?"),
        description=_l("This helps us to plan the rooms; it does not bind you"),
        default=[],
    )
    interpretation = Radios(
        _l("In which language will you listen?"),
        choices=offer({**LANGUAGE_NAMES, "none": _l("I need no interpretation")}),
        validators=[DataRequired(_l("Choose a language, or that you need no interpretation"))],
        default="",
    )
    diet = Checkboxes(
        _l("Dietary requirements"),
        description=_l("The meal, not the reason"),
        choices=offer(
            {
                "vegetarian": _l("Vegetarian"),
                "vegan": _l("Vegan"),
                "halal": _l("Halal"),
                "kosher": _l("Kosher"),
                "gluten_free": _l("Without gluten"),
                "lactose_free": _l("Without lactose"),
                "none": _l("None of these"),
            }
        ),
        default=[],
    )
    diet_other = Text(
        _l("Another dietary requirement"),
        filters=[squash],
        validators=[readable, LengthAtMost(120)],
        render_kw={"autocomplete": "off", "maxlength": 120},
    )
    access_needs = LongText(
        _l("Accessibility needs"),
        description=_l(
            "For example a step-free route, a seat near the screen, a companion; no diagnosis, please"
        ),
        filters=[tidy],
        validators=[readable, LengthAtMost(500)],
        render_kw={"autocomplete": "off", "maxlength": 500, "rows": 3},
    )
    consent_needs = Tick(_l("Consent for diet and accessibility"))

    visa_letter = Radios(
        _l("Do you need a letter to support your visa application?"),
        description=_l("Ask for it now, even without flights: a visa takes time"),
        choices=offer({"yes": _l("Yes"), "no": _l("No")}),
        validators=[DataRequired(_l("Say whether you need a visa letter"))],
        default="",
    )
    passport_name = Text(
        _l("Name as printed in the passport"),
        filters=[squash],
        validators=[
            visa_rules(_l("Enter your name as it is printed in your passport")),
            readable,
            LengthAtMost(200),
        ],
        render_kw={"autocomplete": "off", "maxlength": 200},
    )
    nationality = CountryField(
        _l("Nationality"),
        description=_l("The country that issued the passport"),
        validators=[visa_rules(_l("Choose your nationality"))],
        render_kw={"autocomplete": "off"},
    )
    passport_number = Text(
        _l("Passport number"),
        filters=[compact],
        validators=[
            visa_rules(_l("Enter your passport number")),
            Regexp(
                r"^[A-Z0-9]{5,20}$",
                message=_l("Enter 5 to 20 letters and digits, as printed in the passport"),
            ),
        ],
        render_kw={"autocomplete": "off", "maxlength": 30, "spellcheck": "false"},
    )
    passport_expiry = Day(
        _l("Expiry date of the passport"),
        validators=[visa_rules(_l("Enter the date on which your passport expires"))],
        render_kw={"autocomplete": "off"},
    )
    visa_post = Text(
        _l("Where will you apply for the visa?"),
        description=_l("City and country, or “on arrival”"),
        filters=[squash],
        validators=[
            visa_rules(_l("Enter the city and country where you will apply, or “on arrival”")),
            readable,
            LengthAtMost(120),
        ],
        render_kw={"autocomplete": "off", "maxlength": 120},
    )
    consent_visa = Tick(
        _l("Consent for the visa letter"),
        validators=[visa_rules(_l("Tick this box: without your consent we cannot prepare the letter"))],
    )

    consent_affiliation = Tick(
        _l("Consent to process your data"),
        validators=[DataRequired(_l("Tick this box: without your consent we cannot register you"))],
    )
    consent_list = Tick(_l("List of participants"))
    consent_photo = Tick(_l("Pictures"))

    def __init__(self, conference: Conference, **given: Any) -> None:
        super().__init__(**given)
        self.conference = conference
        lang = current_language()
        self.category.choices = offer(
            {category.key: category.label[lang] for category in conference.categories}
        )
        self.days.choices = offer({one.key: day(one.date, "full") for one in conference.days})
        self.sessions.choices = offer({session.key: session.title[lang] for session in conference.sessions})
        for name in self.OPTIONAL:
            self[name].is_optional = True
        for name, others in self.CHECKED_WITH.items():
            self[name].checked_with = others
        for kind in ("needs", "visa", "affiliation", "list", "photo"):
            self[f"consent_{kind}"].words = conference.consents.text(kind, lang)

    @classmethod
    def showing(cls, answers: Answers, conference: Conference) -> Self:
        """The form filled in with stored answers, to show them."""
        data = {
            name: value
            for name, value in vars(answers).items()
            if name not in ("needs", "passport", "consents")
        }
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
        data |= {f"consent_{kind}": True for kind in answers.consents}
        data["visa_letter"] = "yes" if answers.passport else "no"
        return cls(conference, formdata=None, data=data)

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

    def validate_passport_expiry(self, field: Any) -> None:
        if field.data and field.data < self.conference.ends_on:
            raise ValidationError(_l("Enter a passport that is valid until the conference has ended"))

    @property
    def has_needs(self) -> bool:
        return bool(set(self.diet.data) - {"none"} or self.diet_other.data or self.access_needs.data)

    def is_asked(self, name: str) -> bool:
        """Whether a field's question was put at all: the passport only to those who need a letter."""
        return name == "visa_letter" or name not in self.SECTIONS["visa"] or self.visa_letter.data == "yes"

    def answers(self) -> Answers:
        """What the delegate typed, without the answers to questions that were not put."""
        needs = Needs(diet=self.diet.data, diet_other=self.diet_other.data, access=self.access_needs.data)
        passport = Passport(
            name=self.passport_name.data,
            nationality=self.nationality.data,
            number=self.passport_number.data,
            expiry=self.passport_expiry.data,
            post=self.visa_post.data,
        )
        return Answers(
            given_names=self.given_names.data,
            family_name=self.family_name.data,
            email=self.email.data,
            organisation=self.organisation.data,
            country=self.country.data,
            function=self.function.data,
            category=self.category.data,
            days=self.days.data,
            sessions=self.sessions.data,
            interpretation=self.interpretation.data,
            needs=needs if self.consent_needs.data and self.has_needs else None,
            passport=passport if self.visa_letter.data == "yes" else None,
            consents=self.consents(),
        )

    def consents(self) -> list[str]:
        """The kinds of consent that were given and that something depends on."""
        given = [
            name for section in self.SECTIONS.values() for name in section if name.startswith("consent_")
        ]
        given = [name for name in given if self[name].data and self.is_asked(name)]
        return [name.removeprefix("consent_") for name in given if name != "consent_needs" or self.has_needs]

    def summary(self, section: str) -> Iterator[tuple[str, str, list[str]]]:
        """The questions of a section that were put: name, question, and the answer in words, line by line."""
        for name in self.SECTIONS[section]:
            if self.is_asked(name):
                yield name, self[name].label.text, in_words(self[name])

    def masks(self, *names: str) -> dict[str, str]:
        """What to show instead of sensitive answers: the passport number's end, of the others that they exist."""
        shown = {name: _("hidden") for name in names or self.SENSITIVE if self[name].data}
        if "passport_number" in shown:
            shown["passport_number"] = masked(self.passport_number.data)
        return shown

    def typed(self) -> Iterator[tuple[str, str]]:
        """Everything that was typed, as it was typed, to travel on to the next page."""
        for section in self.SECTIONS.values():
            for name in section:
                for value in self[name].raw_data or []:
                    yield name, value


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
    return (field.data or "").splitlines()


class SignInForm(Form):
    """An organiser's address and password."""

    email = EmailText(
        _l("E-mail address"),
        filters=[squash],
        validators=[DataRequired(_l("Enter your e-mail address")), readable, LengthAtMost(254)],
        render_kw={"autocomplete": "username", "maxlength": 254},
    )
    password = Password(
        _l("Password"),
        validators=[DataRequired(_l("Enter your password")), LengthAtMost(200)],
        render_kw={"autocomplete": "current-password", "maxlength": 200},
    )


class SignOutForm(Form):
    """Nothing but the token that proves that an organiser's own page sent it."""


class RevealForm(Form):
    """The wish to see the sensitive answers of one registration."""

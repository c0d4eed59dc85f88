"""What forms are made of: filters, validators and kinds of fields. Knows no database and no conference."""

import re
import unicodedata
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
    TimeField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError

from i18n import country_names

OVERRIDES = {"\u202d", "\u202e"}  # the bidirectional overrides of Unicode
# What Unicode never gives to a letter; XML, and with it a plot or a workbook, breaks on U+FFFE and U+FFFF.
NONCHARACTERS = {
    *map(chr, range(0xFDD0, 0xFDF0)),
    *(chr(code) for end in range(0xFFFF, 0x110000, 0x10000) for code in (end - 1, end)),
}
DIGITS = {ord(sign): str(unicodedata.decimal(sign)) for sign in map(chr, range(0x110000)) if sign.isdecimal()}
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
    if "Cc" in kinds or "Cs" in kinds or (OVERRIDES | NONCHARACTERS) & set(text):
        raise ValidationError(_l("Remove the invisible characters; typing the text again usually helps"))
    if text and not any(kind[0] in "LN" for kind in kinds):
        raise ValidationError(_l("Enter letters or digits"))


def no_link(form: FlaskForm, field: Any) -> None:
    if LINK.search(field.data):
        raise ValidationError(_l("Enter a name, without a web address"))


def flight(text: str | None) -> str:
    return squash(text).upper()


def international(text: str | None) -> str:
    """A telephone number in ASCII: many keyboards have digits and a plus sign of their own."""
    return squash(unicodedata.normalize("NFKC", text or "").translate(DIGITS))


class LengthAtMost(Length):
    def __init__(self, most: int) -> None:
        super().__init__(max=most, message=_l("Shorten this to %(max)d characters or fewer"))


class Required(DataRequired):
    """Like WTForms' own, but an answer that could not be read keeps the message that says so."""

    def __call__(self, form: FlaskForm, field: Any) -> None:
        if not field.errors:
            super().__call__(form, field)


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


class Telephone(TelField):
    kind = "input"


class Day(DateField):
    kind = "input"
    is_half = True  # two of them fit beside each other

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value for value in valuelist if value.strip()])
        except ValueError:
            raise ValueError(_l("Enter a date such as 2019-06-30")) from None


class Hour(TimeField):
    kind = "input"
    is_half = True

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value for value in valuelist if value.strip()])
        except ValueError:
            raise ValueError(_l("Enter a time such as 14:30")) from None


class Password(PasswordField):
    kind = "input"


class Tick(BooleanField):
    """One box; its words come from the conference."""

    kind = "tick"

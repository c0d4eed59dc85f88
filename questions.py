"""What a delegate is asked: the fields and their words, in sections, and which question follows upon which answer."""

from typing import Any, ClassVar

from flask import request
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.validators import Email, Regexp

from domain.conference import LANGUAGE_NAMES
from fields import (
    Checkboxes,
    CountryField,
    Day,
    EmailText,
    Hour,
    LengthAtMost,
    LongText,
    Radios,
    Required,
    Telephone,
    Text,
    Tick,
    compact,
    flight,
    international,
    no_link,
    offer,
    readable,
    squash,
    tidy,
)


class Form(FlaskForm):
    """What every form shares: its answers are the fields of a form, never files or JSON."""

    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            return request.form if formdata is not None and request.method == "POST" else None

    @property
    def has_run_out(self) -> bool:
        """Whether the page had been open for longer than the sign-in that it belongs to."""
        return "csrf_token" in self.errors


class DelegateForm(Form):
    """A form of people who have no cookie, and need no token: the origin check guards them (security.py)."""

    class Meta(Form.Meta):
        csrf = False


ENTER_ADDRESS = _l("Enter your e-mail address")


def address_field(description: Any, *, autocomplete: str, missing: Any = ENTER_ADDRESS) -> EmailText:
    return EmailText(
        _l("E-mail address"),
        description=description,
        filters=[squash],
        validators=[
            Required(missing),
            readable,
            LengthAtMost(254),
            Email(_l("Enter an e-mail address such as name@example.org"), allow_smtputf8=False),
        ],
        render_kw={"autocomplete": autocomplete, "maxlength": 254, "spellcheck": "false"},
    )


class Questions(DelegateForm):
    """Every question that the service knows; which of them are put, the conference and the answers say (forms.py)."""

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
        "visa": ("visa_letter",),
        "journey": ("travel", "hotel"),
        "questions": (),
        "consent": ("consent_affiliation", "consent_list", "consent_photo"),
    }
    TITLES: ClassVar[dict[str, Any]] = {
        "you": _l("You"),
        "taking_part": _l("Taking part"),
        "visa": _l("Visa letter"),
        "journey": _l("Travel and stay"),
        "questions": _l("Further questions"),
        "consent": _l("Consent"),
    }
    # The questions that are put only after certain answers to another one; which rooms are shared, the conference says.
    FOLLOW_UPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "visa_letter": (
            "passport_name", "nationality", "passport_number", "passport_expiry", "visa_post", "consent_visa",
        ),
        "travel": (
            "arrival_date", "arrival_time", "arrival_flight",
            "departure_date", "departure_time", "departure_flight", "pickup",
        ),
        "pickup": ("mobile",),
        "hotel": ("check_in", "check_out", "room"),
        "room": ("share_with",),
    }  # fmt: skip
    OPENED_BY: ClassVar[dict[str, set[Any]]] = {
        "visa_letter": {"yes"},
        "travel": {"known"},
        "pickup": {True},
        "hotel": {"reserve"},
    }
    PARENTS: ClassVar[dict[str, str]] = {
        name: parent for parent, names in FOLLOW_UPS.items() for name in names
    }

    OPTIONAL = (
        "sessions", "diet", "diet_other", "access_needs", "departure_date", "departure_time", "departure_flight",
        "pickup", "share_with", "consent_list", "consent_photo",
    )  # fmt: skip
    # The questions whose answer "none" goes with no other, and so stands apart from them.
    WITH_NONE = ("interpretation", "diet", "travel")
    # The fields whose errors may go, or come, when another one changes.
    CHECKED_WITH: ClassVar[dict[str, tuple[str, ...]]] = {
        "given_names": ("family_name",),
        "sessions": ("days",),
        "diet": ("diet_other",),
        "consent_needs": ("diet", "diet_other", "access_needs"),
        "departure_date": ("arrival_date", "arrival_time", "departure_time", "departure_flight"),
        "passport_name": ("visa_letter",),
        "check_in": ("arrival_date",),
        "check_out": ("check_in", "departure_date"),
    }
    DOUBTFUL = (
        "email", "passport_expiry", "arrival_date", "arrival_flight", "departure_date", "departure_flight",
        "check_in", "check_out",
    )  # fmt: skip
    # What is sensitive, by the right that an organiser needs to see it.
    BLOCKS: ClassVar[dict[str, tuple[str, ...]]] = {
        "visa": FOLLOW_UPS["visa_letter"][:5],
        "logistics": (
            "diet", "diet_other", "access_needs", *FOLLOW_UPS["travel"], "mobile",
            "check_in", "check_out", "share_with",
        ),
    }  # fmt: skip
    SENSITIVE = (*BLOCKS["visa"], *BLOCKS["logistics"])
    NOT_YOUR_OWN = ("given_names", "family_name", "email", "organisation", "country", "function", "mobile")
    # What a mail may tell in full; of everything else, and above all of the party, only that it has changed.
    TOLD = ("given_names", "family_name", "days", "sessions", "interpretation", "travel", "hotel")
    PART_TITLES: ClassVar[dict[str, Any]] = {
        "needs": _l("Diet and accessibility"),
        "passport": _l("Visa letter and passport"),
        "journey": _l("Flights"),
        "stay": _l("Hotel reservation"),
        "extra": _l("Further questions"),
        "consents": _l("Consents"),
    }
    # What is said of diet and accessibility where the conference asks only for one of them: the part, its consent.
    ALONE_IN_NEEDS: ClassVar[dict[str, tuple[Any, Any]]] = {
        "diet": (_l("Dietary requirements"), _l("Consent for dietary requirements")),
        "access_needs": (_l("Accessibility needs"), _l("Consent for accessibility needs")),
    }

    key = HiddenField()
    late = HiddenField()  # the token of a late link
    kept = HiddenField()  # the end of the passport number that is stored
    on_behalf = HiddenField()  # filled when it is a colleague who is being registered

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
    email = address_field(
        _l("Your confirmation goes there; we write only about your participation"), autocomplete="email"
    )
    organisation = Text(
        _l("Organisation"),
        description=_l("Party, association, union or foundation"),
        filters=[squash],
        validators=[
            Required(_l("Enter the name of your organisation")),
            readable,
            LengthAtMost(200),
        ],
        render_kw={"autocomplete": "organization", "maxlength": 200},
    )
    country = CountryField(
        _l("Country or territory"),
        description=_l("Where your organisation is based"),
        validators=[Required(_l("Choose the country or territory of your organisation"))],
        render_kw={"autocomplete": "country"},
    )
    function = Text(
        _l("Function"),
        description=_l("For example: International Secretary"),
        filters=[squash],
        validators=[
            Required(_l("Enter your function in the organisation")),
            readable,
            LengthAtMost(120),
        ],
        render_kw={"autocomplete": "organization-title", "maxlength": 120},
    )
    category = Radios(
        _l("You come as"), validators=[Required(_l("Choose in what role you come"))], default=""
    )

    days = Checkboxes(
        _l("Which days will you attend?"),
        validators=[Required(_l("Choose at least one day"))],
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
        validators=[Required(_l("Choose a language, or that you need no interpretation"))],
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
        validators=[Required(_l("Say whether you need a visa letter"))],
        default="",
    )
    passport_name = Text(
        _l("Name as printed in the passport"),
        filters=[squash],
        validators=[
            Required(_l("Enter your name as it is printed in your passport")),
            readable,
            LengthAtMost(200),
        ],
        render_kw={"autocomplete": "off", "maxlength": 200},
    )
    nationality = CountryField(
        _l("Nationality"),
        description=_l("The country that issued the passport"),
        validators=[Required(_l("Choose your nationality"))],
        render_kw={"autocomplete": "off"},
    )
    passport_number = Text(
        _l("Passport number"),
        filters=[compact],
        validators=[
            Regexp(
                r"^([A-Z0-9]{5,20})?$",
                message=_l("Enter 5 to 20 letters and digits, as printed in the passport"),
            ),
        ],
        render_kw={"autocomplete": "off", "maxlength": 30, "spellcheck": "false"},
    )
    passport_expiry = Day(
        _l("Expiry date of the passport"),
        validators=[Required(_l("Enter the date on which your passport expires"))],
        render_kw={"autocomplete": "off"},
    )
    visa_post = Text(
        _l("Where will you apply for the visa?"),
        description=_l("City and country, or “on arrival”"),
        filters=[squash],
        validators=[
            Required(_l("Enter the city and country where you will apply, or “on arrival”")),
            readable,
            LengthAtMost(120),
        ],
        render_kw={"autocomplete": "off", "maxlength": 120},
    )
    consent_visa = Tick(
        _l("Consent for the visa letter"),
        validators=[Required(_l("Tick this box: without your consent we cannot prepare the letter"))],
    )

    travel = Radios(
        _l("Do you know your flights?"),
        description=_l("You can register without them and add them later with your personal link"),
        choices=offer(
            {
                "known": _l("I know my flights"),
                "later": _l("I will tell you later"),
                "none": _l("I need no transfer"),
            }
        ),
        validators=[Required(_l("Say whether you know your flights"))],
        default="",
    )
    arrival_date = Day(
        _l("Arrival: date"),
        description=_l("Dates and times are local, as on your ticket"),
        validators=[Required(_l("Enter the date on which you arrive"))],
        render_kw={"autocomplete": "off"},
    )
    arrival_time = Hour(
        _l("Arrival: time"),
        validators=[Required(_l("Enter the time at which you arrive"))],
        render_kw={"autocomplete": "off"},
    )
    arrival_flight = Text(
        _l("Arrival: flight number"),
        description=_l("For example: OM 302"),
        filters=[flight],
        validators=[
            Required(_l("Enter the number of the flight on which you arrive")),
            readable,
            LengthAtMost(10),
        ],
        render_kw={"autocomplete": "off", "maxlength": 10, "spellcheck": "false"},
    )
    departure_date = Day(_l("Departure: date"), render_kw={"autocomplete": "off"})
    departure_time = Hour(_l("Departure: time"), render_kw={"autocomplete": "off"})
    departure_flight = Text(
        _l("Departure: flight number"),
        filters=[flight],
        validators=[readable, LengthAtMost(10)],
        render_kw={"autocomplete": "off", "maxlength": 10, "spellcheck": "false"},
    )
    pickup = Tick(_l("Airport pick-up"))
    mobile = Telephone(
        _l("Mobile phone"),
        description=_l("With the country code; only for the driver to find you"),
        filters=[international],
        validators=[
            Required(_l("Enter a mobile number, so that the driver can find you")),
            Regexp(
                r"^(?=(\D*\d){7})\(?(\+|00)[0-9 ()./-]{6,30}$",
                message=_l("Enter a mobile number with its country code, such as +33 6 12 34 56 78"),
            ),
            LengthAtMost(32),
        ],
        render_kw={"autocomplete": "tel", "maxlength": 32},
    )
    hotel = Radios(
        _l("Do you need a hotel room?"),
        choices=offer(
            {
                "reserve": _l("Reserve a room for me"),
                "own": _l("I make my own arrangements"),
                "later": _l("I do not know yet"),
            }
        ),
        validators=[Required(_l("Say whether you need a hotel room"))],
        default="",
    )
    check_in = Day(
        _l("Check-in"),
        validators=[Required(_l("Enter the day on which you check in"))],
        render_kw={"autocomplete": "off"},
    )
    check_out = Day(
        _l("Check-out"),
        validators=[Required(_l("Enter the day on which you check out"))],
        render_kw={"autocomplete": "off"},
    )
    room = Radios(_l("Room"), validators=[Required(_l("Choose a kind of room"))], default="")
    share_with = Text(
        _l("With whom will you share the room?"),
        filters=[squash],
        validators=[readable, no_link, LengthAtMost(100)],
        render_kw={"autocomplete": "off", "maxlength": 100},
    )

    consent_affiliation = Tick(
        _l("Consent to process your data"),
        validators=[Required(_l("Tick this box: without your consent we cannot register you"))],
    )
    consent_list = Tick(_l("List of participants"))
    consent_photo = Tick(_l("Pictures"))

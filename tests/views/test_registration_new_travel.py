"""POST /<lang>/registration: travel and stay; what is asked after which answer, what is refused, what is doubted."""

import shutil

import pytest
from factories import JOURNEY, STAY, typed, typed_with_travel, typed_with_visa
from support.journey import FORM, HTMX, ON_SQLITE, as_typed, check, fresh_key, lists, send, stored
from support.page import Page, PageClient
from support.second import second_service
from werkzeug.datastructures import MultiDict

from config import ROOT
from domain.answers import plain
from models import Mail, Registration

FIELDS = f"{FORM}/fields"
NO_DATE = "Enter a date such as 2019-06-30"
NO_TIME = "Enter a time such as 14:30"
NO_CHOICE = "Choose one of the answers on offer"
NO_MOBILE = "Enter a mobile number, so that the driver can find you"
ODD_MOBILE = "Enter a mobile number with its country code, such as +33 6 12 34 56 78"
NO_DEPARTURE = "Enter the date of your departure, or remove its time and flight"
TOO_EARLY = "Enter a departure that is after your arrival"
CHECK_OUT = "Enter a check-out that is after your check-in"
INVISIBLE = "Remove the invisible characters; typing the text again usually helps"
REFUSED = [  # what is typed, and the words beside each field that is reported
    ({"travel": None}, {"travel": "Say whether you know your flights"}),
    ({"travel": "unheard_of"}, {"travel": NO_CHOICE}),
    ({"hotel": None}, {"hotel": "Say whether you need a hotel room"}),
    ({"hotel": "unheard_of"}, {"hotel": NO_CHOICE}),
    (
        {"arrival_date": "", "arrival_time": "", "arrival_flight": " "},
        {
            "arrival_date": "Enter the date on which you arrive",
            "arrival_time": "Enter the time at which you arrive",
            "arrival_flight": "Enter the number of the flight on which you arrive",
        },
    ),
    (
        {"arrival_date": None, "arrival_time": None, "arrival_flight": None},
        {
            "arrival_date": "Enter the date on which you arrive",
            "arrival_time": "Enter the time at which you arrive",
            "arrival_flight": "Enter the number of the flight on which you arrive",
        },
    ),
    *(
        ({"arrival_date": day}, {"arrival_date": NO_DATE})
        for day in ("24/05/2017", "2017-02-30", "soon", "9" * 1000)
    ),
    *(({"departure_date": day}, {"departure_date": NO_DATE}) for day in ("27/05/2017", "2017-02-30", "soon")),
    *(({"arrival_time": hour}, {"arrival_time": NO_TIME}) for hour in ("25:00", "6.10", "noon", "06:60")),
    *(({"departure_time": hour}, {"departure_time": NO_TIME}) for hour in ("25:00", "noon")),
    ({"arrival_flight": "OM 302 / OM 4"}, {"arrival_flight": "Shorten this to 10 characters or fewer"}),
    ({"departure_flight": "OM\u202e301"}, {"departure_flight": INVISIBLE}),
    ({"departure_date": ""}, {"departure_date": NO_DEPARTURE}),
    ({"departure_date": "", "departure_flight": ""}, {"departure_date": NO_DEPARTURE}),
    ({"departure_date": "", "departure_time": ""}, {"departure_date": NO_DEPARTURE}),
    ({"departure_date": "2017-05-23"}, {"departure_date": TOO_EARLY}),
    ({"departure_date": "2017-05-24", "departure_time": "06:10"}, {"departure_date": TOO_EARLY}),
    ({"departure_date": "2017-05-24", "departure_time": "06:09"}, {"departure_date": TOO_EARLY}),
    ({"mobile": ""}, {"mobile": NO_MOBILE}),
    ({"mobile": None}, {"mobile": NO_MOBILE}),
    *(
        ({"mobile": number}, {"mobile": ODD_MOBILE})
        for number in (
            "06 12 34 56 78",
            "+33 6 12",
            "+33 6 12 34 56 78 ext. 9",
            "+" + "1" * 40,
            "my number",
            "+------",
        )
    ),
    (
        {"check_in": "", "check_out": "", "room": None},
        {
            "check_in": "Enter the day on which you check in",
            "check_out": "Enter the day on which you check out",
            "room": "Choose a kind of room",
        },
    ),
    ({"check_in": "soon"}, {"check_in": NO_DATE}),
    ({"check_out": "soon"}, {"check_out": NO_DATE}),
    ({"check_out": "2017-05-24"}, {"check_out": CHECK_OUT}),
    ({"check_out": "2017-05-23"}, {"check_out": CHECK_OUT}),
    ({"room": "suite"}, {"room": NO_CHOICE}),
    ({"share_with": "www.eve.example"}, {"share_with": "Enter a name, without a web address"}),
    ({"share_with": "x" * 101}, {"share_with": "Shorten this to 100 characters or fewer"}),
]


def reported(page: Page) -> dict[str, str]:
    errors = page.select(".field__error")
    return {str(one["id"]).removesuffix("-error"): one.get_text() for one in errors if one.get_text()}


@ON_SQLITE
@pytest.mark.parametrize(("wrong", "errors"), REFUSED, ids=range(len(REFUSED)))
def test_wrong_answer_is_reported_beside_its_field_and_nothing_is_lost(app, client, wrong, errors):
    fields = typed_with_travel(key=fresh_key(app), step="send", **{"arrival_flight": "OM 302"} | wrong)

    page = client.post(FORM, fields, status=422, headers=HTMX)

    kept = {name: values for name, values in lists(fields).items() if "".join(values).strip()}
    for name in ("travel", "hotel", "room"):  # no button stands for an answer that is not on offer
        if wrong.get(name) and errors.get(name) == NO_CHOICE:
            del kept[name]
    assert reported(page) == errors
    assert {page.one(link["href"])["name"]: link.get_text() for link in page.select("#summary a")} == errors
    assert as_typed(page) == kept
    assert (stored(Registration), stored(Mail)) == ([], [])


def test_journey_and_stay_are_stored_as_they_were_meant(client):
    send(client, typed_with_travel())

    (row,) = stored(Registration)
    assert (row.travel, row.journey, row.mobile) == ("known", plain(JOURNEY), "+976 99 112233")
    assert (row.hotel, row.stay) == ("reserve", plain(STAY))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"departure_date": "", "departure_time": "", "departure_flight": ""}, (None, None, "")),
        ({"departure_time": "", "departure_flight": ""}, ("2017-05-27", None, "")),
        ({"departure_time": ""}, ("2017-05-27", None, "OM 301")),
        ({"departure_date": "2017-05-24", "departure_time": "06:11"}, ("2017-05-24", "06:11:00", "OM 301")),
        ({"departure_date": "2017-05-24", "departure_time": ""}, ("2017-05-24", None, "OM 301")),
    ],
    ids=["unknown", "the day", "no time", "the same day", "the same day without a time"],
)
def test_departure_may_be_known_in_part(client, given, kept):
    send(client, typed_with_travel(**given))

    journey = stored(Registration)[0].journey
    assert (journey["departure_date"], journey["departure_time"], journey["departure_flight"]) == kept


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("+33 6 12 34 56 78", "+33 6 12 34 56 78"),
        ("0033 612345678", "0033 612345678"),
        (" (+34) 612-345-678 ", "(+34) 612-345-678"),
        ("+1 (212) 555.0100", "+1 (212) 555.0100"),
        ("+44/20/79460000", "+44/20/79460000"),
        ("+٩٧٦ ٩٩ ١١٢٢٣٣", "+976 99 112233"),
        ("＋９７６ ９９ １１２２３３", "+976 99 112233"),  # noqa: RUF001 - full-width signs are meant
        ("+৯৭৬ ৯৯ ১১২২৩৩", "+976 99 112233"),
    ],
)
def test_mobile_number_is_taken_in_every_usual_layout(client, number, kept):
    send(client, typed_with_travel(mobile=number))

    assert [row.mobile for row in stored(Registration)] == [kept]


def test_answers_to_questions_that_were_not_put_are_not_stored(client):
    rubbish = dict.fromkeys(("arrival_date", "arrival_time", "mobile", "check_in", "check_out"), "rubbish")

    send(client, typed_with_travel(travel="none", hotel="later", room="suite", **rubbish))

    (row,) = stored(Registration)
    assert (row.travel, row.journey, row.mobile) == ("none", None, None)
    assert (row.hotel, row.stay) == ("later", None)


@pytest.mark.parametrize("pickup", [None, ""])
def test_mobile_number_is_not_kept_without_the_pickup(client, pickup):
    send(client, typed_with_travel(pickup=pickup, mobile="rubbish"))

    (row,) = stored(Registration)
    assert (row.journey["pickup"], row.mobile) == (False, None)


def test_nobody_shares_a_single_room(client):
    send(client, typed_with_travel(room="single"))

    assert stored(Registration)[0].stay == plain(STAY) | {"room": "single", "share_with": ""}


def test_share_of_a_twin_room_may_be_left_open(client):
    send(client, typed_with_travel(share_with=""))

    assert stored(Registration)[0].stay["share_with"] == ""


def changed(fields, **changes: str) -> MultiDict:
    """The same fields with some other answers."""
    return MultiDict((dict(fields.lists()) if isinstance(fields, MultiDict) else fields) | changes)


def test_answers_survive_yes_no_and_yes_again(client):
    opened = {"visa_letter": "yes", "travel": "known", "hotel": "reserve"}
    closed = {"visa_letter": "no", "travel": "later", "hotel": "own"}
    fields = changed(changed(typed_with_visa(), **dict(typed_with_travel().items())), **closed, function="")

    refused = client.post(FORM, fields, status=422)
    checked = check(client, changed(as_typed(refused), function="Secretary"))
    back = client.post(FORM, changed(checked.hidden_fields(), step="edit:journey"))
    opened_again = check(client, changed(as_typed(back), **opened))
    client.post(FORM, changed(opened_again.hidden_fields(), step="send"), status=303)

    assert [
        words for words in ("OM 302", "+976", "Twin", "LOVELACE") if words in checked.texts("main")[0]
    ] == []
    tidied = {"function": "Secretary", "passport_number": "12E34567", "arrival_flight": "OM 302"}
    assert as_typed(back) == {name: [value] for name, value in changed(fields, **tidied).items()}
    (row,) = stored(Registration)
    assert (row.journey, row.stay, row.mobile) == (plain(JOURNEY), plain(STAY), "+976 99 112233")
    assert row.passport["number"] == "12E34567"


# Which questions are put


OPENING = {
    "travel": (
        "known",
        ["arrival_date", "arrival_time", "arrival_flight", "departure_date", "departure_time"],
    ),
    "pickup": ("y", ["mobile"]),
    "hotel": ("reserve", ["check_in", "check_out", "room"]),
    "room": ("twin", ["share_with"]),
}


@ON_SQLITE
@pytest.mark.parametrize("name", OPENING)
def test_answer_that_opens_questions_is_marked_for_the_browser(client, name):
    page = client.get(FORM)

    value, follow_ups = OPENING[name]
    assert [field["value"] for field in page.select(f"[name={name}][data-opens]")] == [value]
    behind = page.one(f"#{name}-field + .follow-up")
    assert [one for one in follow_ups if behind.select_one(f"#{one}-field") is None] == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("given", "shown", "not_shown"),
    [
        ({}, ["Arrival: date", "Mobile phone", "Check-in", "With whom will you share the room?"], []),
        ({"travel": "later"}, ["Check-in"], ["Arrival: date", "Airport pick-up", "Mobile phone"]),
        ({"pickup": None}, ["Arrival: date", "Airport pick-up"], ["Mobile phone"]),
        ({"hotel": "own"}, ["Arrival: date"], ["Check-in", "Room", "With whom will you share the room?"]),
        ({"room": "single"}, ["Room"], ["With whom will you share the room?"]),
    ],
    ids=str,
)
def test_check_page_shows_the_questions_that_were_put(client, given, shown, not_shown):
    page = check(client, typed_with_travel(**given))

    questions = page.texts("dt")
    assert [question for question in shown if question not in questions] == []
    assert [question for question in not_shown if question in questions] == []


# Doubts


TYPO = "Did you mean ada@gmail.com?"
SOON = "Many consulates want a passport that is valid for six months after the journey. Please ask yours."
ODD_FLIGHT = "Flight numbers usually look like OM 302. If this one is right, leave it as it is."
FAR = "This is more than a month away from the conference. If it is right, leave it as it is."
DOUBTS = [  # question, answer, doubt
    ("email", "ada@gmial.com", TYPO),
    ("passport_expiry", "2017-11-25", SOON),
    ("arrival_flight", "TRAIN 4", ODD_FLIGHT),
    ("departure_flight", "BY CAR", ODD_FLIGHT),
    ("arrival_date", "2017-04-24", FAR),
    ("departure_date", "2017-06-26", FAR),
    ("check_in", "2017-04-24", FAR),
    ("check_out", "2017-06-26", FAR),
]
RIGHT = [
    ("email", "ada@gmail.com"),
    ("email", "ada@example.org"),
    ("passport_expiry", "2017-11-26"),
    ("arrival_flight", "om302"),
    ("departure_flight", "AFR 1234A"),
    ("departure_flight", ""),
    ("arrival_date", "2017-04-25"),
    ("departure_date", "2017-06-25"),
]
EVERYTHING = dict(typed_with_visa().items()) | dict(typed_with_travel(visa_letter="yes").items())


# Where the day of a flight is moved, the room is nobody's concern: see APART.
OWN_ROOM = {"arrival_date": {"hotel": "own"}, "departure_date": {"hotel": "own"}}
OWN_ROOM |= {"check_in": {"travel": "later"}, "check_out": {"travel": "later"}}


def with_answer(name: str, answer: str):
    return typed(**EVERYTHING | OWN_ROOM.get(name, {}) | {name: answer})


@ON_SQLITE
@pytest.mark.parametrize(("name", "answer", "doubt"), DOUBTS)
def test_doubt_stands_beside_the_answer_on_the_check_page_and_holds_nobody_up(client, name, answer, doubt):
    page = check(client, with_answer(name, answer))

    assert page.texts(".field__doubt") == [doubt]
    assert doubt in page.one(".field__doubt").find_parent("dd").get_text()
    client.post(FORM, page.hidden_fields() | {"step": "send"}, status=303)
    assert len(stored(Registration)) == 1


@ON_SQLITE
@pytest.mark.parametrize(("name", "answer", "doubt"), DOUBTS)
def test_doubt_stands_in_the_checked_field(client, name, answer, doubt):
    fragment = client.post(f"{FIELDS}/{name}", with_answer(name, answer), headers=HTMX)

    assert fragment.texts(f"#{name}-doubt") == [doubt]
    assert fragment.one(f"#{name}-doubt")["aria-live"] == "polite"
    assert f"{name}-doubt" in fragment.one(f"[name={name}]")["aria-describedby"].split()
    assert reported(fragment) == {}


@ON_SQLITE
@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right_answer_is_not_doubted(client, name, answer):
    fields = with_answer(name, answer)

    page = check(client, fields)
    fragment = client.post(f"{FIELDS}/{name}", fields, headers=HTMX)

    assert (page.texts(".field__doubt"), fragment.texts(".field__doubt")) == ([], [])


APART = [
    ("check_in", "2017-05-26", "Your flight is on 24 May 2017. If this day is right, leave it as it is."),
    ("check_out", "2017-05-25", "Your flight is on 27 May 2017. If this day is right, leave it as it is."),
]


@ON_SQLITE
@pytest.mark.parametrize(("name", "answer", "doubt"), APART)
def test_night_that_does_not_fit_the_flight_is_doubted_and_holds_nobody_up(client, name, answer, doubt):
    page = check(client, typed(**EVERYTHING | {name: answer}))

    assert page.texts(".field__doubt") == [doubt]
    client.post(FORM, page.hidden_fields() | {"step": "send"}, status=303)


@ON_SQLITE
@pytest.mark.parametrize("name", ["arrival_date", "departure_date", "check_in", "check_out"])
@pytest.mark.parametrize("day", ["2016-05-24", "2018-05-27"])
def test_date_of_another_year_is_refused(client, name, day):
    page = client.post(FORM, with_answer(name, day), status=422)

    assert reported(page)[name] == "Enter a date within a year of the conference"


@ON_SQLITE
def test_answer_that_is_not_asked_is_not_doubted(client):
    odd = {name: answer for name, answer, _ in DOUBTS if name != "email"}

    page = check(client, typed(**EVERYTHING | odd | {"visa_letter": "no", "travel": "later", "hotel": "own"}))

    assert page.texts(".field__doubt") == []


@ON_SQLITE
def test_wrong_answer_is_refused_and_not_doubted(client):
    page = client.post(FORM, typed(**EVERYTHING | {"departure_date": "2017-05-01"}), status=422)

    assert reported(page) == {"departure_date": TOO_EARLY}
    assert page.texts("#departure_date-doubt") == []


# Nights that the secretariat reserves


@pytest.fixture
def hotel_with_nights(app, make_settings, tmp_path):
    """A second service whose hotel takes guests from the night of 24 May to that of 27 May."""
    folder = tmp_path / "conference"
    shutil.copytree(ROOT / "conferences" / "oulan-bator-2017", folder)
    facts = folder / "conference.toml"
    nights = "[hotel]\nfirst_night = 2017-05-24\nlast_night = 2017-05-27\n"
    facts.write_text(facts.read_text().replace("[hotel]\n", nights))
    with second_service(make_settings(conference=folder)) as service:
        yield PageClient(service)


@ON_SQLITE
@pytest.mark.parametrize(
    ("stay", "errors"),
    [
        (("2017-05-24", "2017-05-28"), {}),
        (("2017-05-23", "2017-05-28"), {"check_in": "Enter a check-in on 24 May 2017 or later"}),
        (("2017-05-24", "2017-05-29"), {"check_out": "Enter a check-out on 28 May 2017 or earlier"}),
    ],
    ids=["within", "too early", "too late"],
)
def test_only_the_nights_that_are_reserved_can_be_had(hotel_with_nights, stay, errors):
    fields = typed_with_travel(check_in=stay[0], check_out=stay[1])

    page = check(hotel_with_nights, fields, status=422 if errors else 200)

    assert reported(page) == errors

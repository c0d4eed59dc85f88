"""The shipped conference: what it says, until when it is open, and its calendar file."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from icalendar import Calendar

from domain import clock
from domain.conference import LANGUAGES, PAGES, DailyRound, Hotel, Venue

# What the letter of invitation says, in the words that the pages must use for it.
LETTER = {
    "fr": [
        "Conférence de l’Alliance progressiste",
        "Justice sociale et durabilité pour un monde équitable et prospère",
        "25 et 26 mai 2017",
        "Oulan-Bator, en Mongolie",
        "Parti populaire de Mongolie (MPP)",
        "Réseau de la social-démocratie en Asie (SocDem Asie)",
        "ont remporté très largement les élections législatives",
        "L’élection présidentielle",
        "L’innovation",
        "Sociaux-démocrates, progressistes, socialistes",
        "pauvreté",
        "populisme réactionnaire et chauvin",
        "la paix, la liberté et la justice",
        "pays d’Asie",
        "les stratégies et les alliances nouvelles",
        "groupe de travail de l’Alliance progressiste sur le genre",
        "plan d’action pour l’égalité des genres",
        "Comité directeur",
        "société civile",
        "projet de programme",
        "informations pratiques",
        "formulaire d’inscription",
        "8 mai 2017",
    ],
    "en": [
        "Conference of the Progressive Alliance",
        "Social Justice and Sustainability for a Fair and Prosperous World",
        "25 and 26 May 2017",
        "Ulaanbaatar, Mongolia",
        "Mongolian People’s Party (MPP)",
        "Network of Social Democracy in Asia (SocDem Asia)",
        "won the parliamentary elections by an overwhelming margin",
        "presidential election",
        "Innovation",
        "social democrats, progressives and socialists",
        "poverty",
        "reactionary and chauvinist populism",
        "peace, freedom and justice",
        "countries of Asia",
        "new strategies and alliances",
        "new working group on gender",
        "action plan on gender equality",
        "Steering Committee",
        "civil society",
        "draft programme",
        "practical information",
        "registration form",
        "8 May 2017",
    ],
    "es": [
        "Conferencia de la Alianza Progresista",
        "Justicia social y sostenibilidad para un mundo equitativo y próspero",
        "25 y 26 de mayo de 2017",
        "Ulán Bator, Mongolia",
        "Partido del Pueblo Mongol (PPM)",
        "Red de la Socialdemocracia en Asia (SocDem Asia)",
        "una victoria arrolladora en las elecciones legislativas",
        "las presidenciales",
        "La innovación",
        "la socialdemocracia, el progresismo o el socialismo",
        "pobreza",
        "populismo reaccionario y chovinista",
        "la paz, la libertad y la justicia",
        "países asiáticos",
        "nuevas estrategias y alianzas",
        "grupo de trabajo de la Alianza Progresista sobre género",
        "plan de acción para la igualdad de género",
        "Comité Directivo",
        "sociedad civil",
        "proyecto de programa",
        "información práctica",
        "formulario de inscripción",
        "8 de mayo de 2017",
    ],
}


@pytest.fixture
def real_clock() -> Iterator[None]:
    clock.rehearse(None)
    yield
    clock.rehearse(None)


def prose(conference, name: str, lang: str) -> str:
    page = conference.page(name, lang)
    return re.sub(r"<[^>]+>", "", f"{page.title}\n{page.lede}\n{page.body}")


def test_shipped_conference_has_every_page_in_every_language(conference):
    assert set(conference.pages) == {(name, lang) for lang in LANGUAGES for name in PAGES}


def test_shipped_conference_holds_the_facts_of_the_letter(conference):
    assert (conference.starts_on, conference.ends_on) == (date(2017, 5, 25), date(2017, 5, 26))
    assert [day.key for day in conference.days] == ["2017-05-25", "2017-05-26"]
    assert conference.announced_on == date(2017, 4, 5)
    assert conference.register_by == date(2017, 5, 8)
    assert conference.closes_at == datetime(2017, 5, 9, 12, tzinfo=UTC)
    assert [session.key for session in conference.sessions] == ["asia", "strategies", "gender", "steering"]
    assert conference.signatory.name == "Konstantin Woinoff"
    assert conference.daily_round == DailyRound(hour=8, reminders=[date(2017, 5, 11), date(2017, 5, 18)])
    assert conference.website == "https://www.progressive-alliance.info"


@pytest.mark.parametrize(
    ("lang", "facts"),
    [
        (
            "fr",
            {
                "kind": "Conférence de l’Alliance progressiste",
                "title": "Justice sociale et durabilité pour un monde équitable et prospère",
                "place": "Oulan-Bator, Mongolie",
                "organiser": "Alliance progressiste",
                "host": "Parti populaire de Mongolie (MPP)",
                "partner": "Réseau de la social-démocratie en Asie (SocDem Asie)",
                "signatory": "Coordinateur de l’Alliance progressiste",
            },
        ),
        (
            "en",
            {
                "kind": "Conference of the Progressive Alliance",
                "title": "Social Justice and Sustainability for a Fair and Prosperous World",
                "place": "Ulaanbaatar, Mongolia",
                "organiser": "Progressive Alliance",
                "host": "Mongolian People’s Party (MPP)",
                "partner": "Network of Social Democracy in Asia (SocDem Asia)",
                "signatory": "Co-ordinator of the Progressive Alliance",
            },
        ),
        (
            "es",
            {
                "kind": "Conferencia de la Alianza Progresista",
                "title": "Justicia social y sostenibilidad para un mundo equitativo y próspero",
                "place": "Ulán Bator, Mongolia",
                "organiser": "Alianza Progresista",
                "host": "Partido del Pueblo Mongol (PPM)",
                "partner": "Red de la Socialdemocracia en Asia (SocDem Asia)",
                "signatory": "Coordinador de la Alianza Progresista",
            },
        ),
    ],
)
def test_shipped_conference_names_everybody_in_every_language(conference, lang, facts):
    texts = {name: getattr(conference, name)[lang] for name in facts if name != "signatory"}

    assert texts | {"signatory": conference.signatory.role[lang]} == facts


def test_shipped_conference_offers_rooms_of_one_and_of_two_beds(conference):
    rooms = {room.key: (room.label["en"], room.is_shared) for room in conference.hotel.rooms}

    assert rooms == {"single": ("Single room", False), "twin": ("Twin room", True)}


def test_shipped_conference_asks_everything_and_nothing_of_its_own(conference):
    assert conference.leave_out == []
    assert conference.questions == []


@pytest.mark.parametrize(
    ("last_night", "check_out"), [(date(2017, 5, 31), date(2017, 6, 1)), (None, None)], ids=str
)
def test_hotel_is_left_on_the_day_after_the_last_night(conference, last_night, check_out):
    hotel = Hotel(rooms=conference.hotel.rooms, last_night=last_night)

    assert hotel.last_check_out == check_out


@pytest.mark.parametrize("lang", LANGUAGES)
def test_invitation_says_all_that_the_letter_says(conference, lang):
    invitation = prose(conference, "invitation", lang)

    assert [words for words in LETTER[lang] if words not in invitation] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_invitation_is_headed_by_the_title_of_the_conference(conference, lang):
    assert conference.page("invitation", lang).title == conference.title[lang]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["programme", "practical", "registration"])
def test_invitation_links_its_three_documents(conference, lang, name):
    assert f'<a href="{name}">' in conference.page("invitation", lang).body


@pytest.mark.parametrize(
    ("lang", "facts"),
    [
        (
            "fr",
            ["jeudi 25 et le vendredi 26 mai 2017", "capitale de la Mongolie", "8 mai 2017", "12 h 00 UTC"],
        ),
        ("en", ["Thursday 25 and Friday 26 May 2017", "capital of Mongolia", "8 May 2017", "12:00 UTC"]),
        (
            "es",
            [
                "jueves 25 y el viernes 26 de mayo de 2017",
                "capital de Mongolia",
                "8 de mayo de 2017",
                "12:00 UTC",
            ],
        ),
    ],
)
def test_practical_page_names_place_days_and_the_end_of_registration(conference, lang, facts):
    practical = prose(conference, "practical", lang)

    assert [words for words in [*facts, conference.city[lang]] if words not in practical] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_privacy_page_names_the_days_after_which_data_are_erased(conference, lang):
    privacy = prose(conference, "privacy", lang)

    named = set(re.findall(r"\d+", privacy))

    assert {str(days) for days in conference.retention.model_dump().values()} <= named


@pytest.mark.parametrize(
    ("before", "is_open"),
    [
        (timedelta(days=30), True),
        (timedelta(microseconds=1), True),
        (timedelta(0), False),
        (timedelta(seconds=-1), False),
    ],
)
def test_registration_closes_exactly_at_the_deadline(conference, real_clock, before, is_open):
    with time_machine.travel(conference.closes_at - before, tick=False):
        assert conference.is_open is is_open


def test_registration_is_open_while_it_is_still_8_may_anywhere(conference, real_clock):
    with time_machine.travel(datetime.fromisoformat("2017-05-08T23:59:59-12:00"), tick=False):
        assert conference.is_open


@pytest.mark.parametrize("lang", LANGUAGES)
def test_calendar_holds_the_conference_as_one_event_of_whole_days(conference, lang):
    address = f"https://convoke.example/{lang}/"

    calendar = Calendar.from_ical(conference.calendar(lang, url=address, sequence=3))

    (event,) = calendar.walk("VEVENT")
    assert (calendar["METHOD"], calendar["VERSION"]) == ("PUBLISH", "2.0")
    assert event["DTSTART"].to_ical() == b"20170525"
    assert event["DTSTART"].params["VALUE"] == "DATE"
    assert event["DTEND"].to_ical() == b"20170527"  # the day after the last one: the end is exclusive
    assert event["UID"] == "oulan-bator-2017@progressive-alliance.info"
    assert event["SEQUENCE"] == 3
    assert event["SUMMARY"] == f"{conference.kind[lang]} – {conference.title[lang]}"
    assert event["SUMMARY"].params["LANGUAGE"] == lang
    assert event["LOCATION"] == conference.place[lang]
    assert event["URL"] == address


def test_calendar_is_the_same_event_in_every_language(conference):
    events = [
        Calendar.from_ical(conference.calendar(lang, url="https://convoke.example/")).walk("VEVENT")[0]
        for lang in LANGUAGES
    ]

    assert len({str(event["UID"]) for event in events}) == 1
    assert len({str(event["SUMMARY"]) for event in events}) == 3


@pytest.mark.parametrize(("is_cancelled", "status"), [(False, "CONFIRMED"), (True, "CANCELLED")])
def test_calendar_says_whether_the_delegate_comes(conference, is_cancelled, status):
    file = conference.calendar("en", url="https://convoke.example/", sequence=2, is_cancelled=is_cancelled)

    (event,) = Calendar.from_ical(file).walk("VEVENT")
    assert (event["STATUS"], event["SEQUENCE"]) == (status, 2)
    assert event["UID"] == conference.calendar_uid


def test_calendar_keeps_to_the_lines_of_the_format(conference):
    lines = conference.calendar("fr", url="https://convoke.example/fr/").split(b"\r\n")

    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    assert not any(b"\n" in line or b"\r" in line for line in lines)


def test_calendar_names_the_venue_once_it_is_known(conference):
    venue = Venue(name="State Palace", address="Sükhbaatar Square 1")
    announced = conference.model_copy(update={"venue": venue})

    calendar = Calendar.from_ical(announced.calendar("en", url="https://convoke.example/en/"))

    assert (
        calendar.walk("VEVENT")[0]["LOCATION"] == "State Palace, Sükhbaatar Square 1, Ulaanbaatar, Mongolia"
    )

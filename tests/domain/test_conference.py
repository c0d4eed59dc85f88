"""The conference folder: what the shipped one says, and that every fault in a folder is named."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from icalendar import Calendar

from config import ROOT
from domain import clock
from domain.conference import LANGUAGES, PAGES, ConferenceError, load

SHIPPED = ROOT / "conferences" / "oulan-bator-2017"
TOML = "conference.toml"

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
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped conference, to spoil."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "conference"))


@pytest.fixture
def real_clock() -> Iterator[None]:
    clock.rehearse(None)
    yield
    clock.rehearse(None)


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(ConferenceError) as refused:
        load(folder)
    return [fault.removeprefix(f"{folder}/") for fault in refused.value.faults]


def prose(conference, name: str, lang: str) -> str:
    page = conference.page(name, lang)
    return re.sub(r"<[^>]+>", "", f"{page.title}\n{page.lede}\n{page.body}")


# ── The shipped conference ──────────────────────────────────────────────────────────────────────────────────


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


@pytest.mark.parametrize("lang", LANGUAGES)
def test_practical_page_names_place_days_and_the_end_of_registration(conference, lang):
    practical = prose(conference, "practical", lang)

    assert conference.city[lang] in practical
    assert {"25", "26", "8", "9", "UTC+8"} <= set(re.findall(r"UTC\+8|\d+", practical))
    assert re.search(r"12[: ]h? ?:?00 UTC|12:00 UTC", practical.replace("\u202f", " ").replace("\xa0", " "))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_privacy_page_names_the_days_after_which_data_are_erased(conference, lang):
    privacy = prose(conference, "privacy", lang)

    named = set(re.findall(r"\d+", privacy))

    assert {str(days) for days in conference.retention.model_dump().values()} <= named


# ── Open until the deadline ─────────────────────────────────────────────────────────────────────────────────


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


# ── The calendar file ───────────────────────────────────────────────────────────────────────────────────────


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


def test_calendar_keeps_to_the_lines_of_the_format(conference):
    lines = conference.calendar("fr", url="https://convoke.example/fr/").split(b"\r\n")

    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    assert not any(b"\n" in line or b"\r" in line for line in lines)


def test_calendar_names_the_venue_once_it_is_known(folder):
    spoil(folder / TOML, "[venue]", '[venue]\nname = "State Palace"\naddress = "Sükhbaatar Square 1"')

    event = Calendar.from_ical(load(folder).calendar("en", url="https://convoke.example/en/")).walk("VEVENT")[0]

    assert event["LOCATION"] == "State Palace, Sükhbaatar Square 1, Ulaanbaatar, Mongolia"


# ── Faults ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('es = "Ulán Bator"\n', "", "city.es: is missing"),
        ('es = "Ulán Bator"\n', 'es = " "\n', "city.es: String should have at least 1 character"),
        ("register_by = ", "register_until = ", "register_by: is missing"),
        ("website = ", 'colour = "red"\nwebsite = ', "colour: is no known key"),
        ('es = "Mongolia"\n', 'es = "Mongolia"\nde = "Mongolei"\n', "country.de: is no known key"),
        (
            '"Asia/Ulaanbaatar"',
            '"Asia/Oulan-Bator"',
            "time_zone: is no time zone of the IANA database, such as Asia/Ulaanbaatar",
        ),
        (
            '"Asia/Ulaanbaatar"',
            '"../../etc/passwd"',
            "time_zone: is no time zone of the IANA database, such as Asia/Ulaanbaatar",
        ),
        ("starts_on = 2017-05-25", "starts_on = 2017-05-27", "ends_on: is before starts_on"),
        ("announced_on = 2017-04-05", "announced_on = 2017-05-10", "register_by: is before announced_on"),
        ("register_by = 2017-05-08", "register_by = 2017-05-30", "starts_on: is before register_by"),
        (
            "closes_at = 2017-05-09T12:00:00Z",
            "closes_at = 2017-05-07T12:00:00Z",
            "closes_at: is before register_by",
        ),
        (
            "closes_at = 2017-05-09T12:00:00Z",
            "closes_at = 2017-05-09T12:00:00",
            "closes_at: Input should have timezone info",
        ),
        (
            'key = "asia"\n',
            'key = "asia"\nday = 2017-05-24\n',
            "sessions.0.day: 2017-05-24 is not one of the days",
        ),
        (
            'key = "gender"\n',
            'key = "gender"\nstarts = 10:00:00\nends = 09:30:00\n',
            "sessions.2.ends: is not after starts",
        ),
        ('key = "strategies"', 'key = "asia"', "sessions: asia stands twice"),
        ('key = "guest"', 'key = "party"', "categories: party stands twice"),
        ("[[days]]\ndate = 2017-05-26", "[[days]]\ndate = 2017-05-25", "days: 2017-05-25 stands twice"),
        (
            "[[days]]\ndate = 2017-05-26",
            "[[days]]\ndate = 2017-05-28",
            "days: 2017-05-28 is not between starts_on and ends_on",
        ),
        ('key = "asia"', 'key = "Asia & co"', r"sessions.0.key: String should match pattern '^[a-z][a-z0-9_]{0,30}$'"),
    ],
)
def test_fault_in_the_facts_is_named_with_its_place(folder, old, new, fault):
    spoil(folder / TOML, old, new)

    faults = faults_of(folder)

    assert f"{TOML}: {fault}" in faults


def test_facts_that_are_no_toml_are_named_with_their_line(folder):
    spoil(folder / TOML, 'reference_prefix = "OB17"', 'reference_prefix = "OB17')

    (fault,) = faults_of(folder)

    assert fault.startswith(f"{TOML}: ")
    assert "line 4" in fault


def test_facts_that_are_not_utf_8_are_named(folder):
    (folder / TOML).write_bytes(b'title = "Conf\xe9rence"')

    (fault,) = faults_of(folder)

    assert fault.startswith(f"{TOML}: ")


def test_missing_facts_are_named(folder):
    (folder / TOML).unlink()

    assert faults_of(folder) == [f"{TOML}: is missing"]


def test_missing_page_is_named(folder):
    (folder / "es" / "privacy.md").unlink()

    assert faults_of(folder) == ["es/privacy.md: is missing"]


@pytest.mark.parametrize(
    "text",
    [
        "Two days in Ulaanbaatar.\n\nMore.\n",
        "## Too deep a title\n\nTwo days.\n",
        "# A title without a paragraph\n",
        "# A title\n\n## And at once a heading\n\nMore.\n",
        "",
    ],
)
def test_page_without_title_or_first_paragraph_is_named(folder, text):
    (folder / "en" / "programme.md").write_text(text)

    assert faults_of(folder) == ["en/programme.md: line 1: must begin with a '# Title' and a paragraph"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# Title\n\nFirst.\n\nThird, <b>bold</b>.\n", 5),
        ("# Title\n\nFirst, <span>here</span>.\n", 3),
        ("# Title\n\nFirst.\n\n<div>\nblock\n</div>\n", 5),
        ("# Title\n\nFirst.\n\nOne\ntwo\n<i>three</i>\n", 7),
        ("# Title\n\nFirst.\n\n- item\n- <script>alert(1)</script>\n", 6),
        ("# Title\n\nFirst.\n\n| a | b |\n|---|---|\n| 1 | <br> |\n", 7),
        ("# Title\n\nFirst.\n\n<!-- a remark -->\n", 5),
    ],
)
def test_html_in_a_page_is_named_with_its_line(folder, text, line):
    (folder / "fr" / "practical.md").write_text(text)

    assert faults_of(folder) == [f"fr/practical.md: line {line}: has HTML in it; write Markdown only"]


def test_page_shows_its_title_first_paragraph_and_the_rest(folder):
    (folder / "en" / "programme.md").write_text("# A & B\n\n*First* 1 < 2.\n\nSecond.\n\n| a |\n|---|\n| 1 |\n")

    page = load(folder).page("programme", "en")

    assert page.title == "A & B"
    assert page.lede == "<em>First</em> 1 &lt; 2."
    assert page.body.startswith("<p>Second.</p>\n<table>")


def test_page_makes_no_link_that_runs_a_script(folder):
    (folder / "en" / "programme.md").write_text("# Title\n\nFirst.\n\n[click](javascript:alert%281%29)\n")

    assert "href" not in load(folder).page("programme", "en").body


def test_faults_of_facts_and_pages_are_named_all_at_once(folder):
    spoil(folder / TOML, 'es = "Ulán Bator"\n', "")
    spoil(folder / TOML, "website = ", 'colour = "red"\nwebsite = ')
    spoil(folder / TOML, '"Asia/Ulaanbaatar"', '"Nowhere"')
    (folder / "en" / "privacy.md").unlink()
    (folder / "fr" / "programme.md").write_text("No title.\n")
    (folder / "es" / "practical.md").write_text("# Título\n\nPrimero.\n\n<hr>\n")

    assert sorted(faults_of(folder)) == [
        f"{TOML}: city.es: is missing",
        f"{TOML}: colour: is no known key",
        f"{TOML}: time_zone: is no time zone of the IANA database, such as Asia/Ulaanbaatar",
        "en/privacy.md: is missing",
        "es/practical.md: line 5: has HTML in it; write Markdown only",
        "fr/programme.md: line 1: must begin with a '# Title' and a paragraph",
    ]


def test_facts_that_contradict_each_other_are_named_all_at_once(folder):
    spoil(folder / TOML, "register_by = 2017-05-08", "register_by = 2017-05-30")
    spoil(folder / TOML, 'key = "asia"', 'key = "gender"\nday = 2017-06-01')
    spoil(folder / TOML, 'key = "guest"', 'key = "party"')
    (folder / "fr" / "invitation.md").unlink()

    assert faults_of(folder) == [
        f"{TOML}: starts_on: is before register_by",
        f"{TOML}: closes_at: is before register_by",
        f"{TOML}: sessions.0.day: 2017-06-01 is not one of the days",
        f"{TOML}: sessions: gender stands twice",
        f"{TOML}: categories: party stands twice",
        "fr/invitation.md: is missing",
    ]

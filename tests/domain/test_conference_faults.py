"""A conference folder that somebody has edited: every fault in it is named, with its file and its place."""

import shutil
from datetime import date, datetime
from pathlib import Path

import pytest

from config import ROOT
from domain.conference import ConferenceError, DailyRound, load

SHIPPED = ROOT / "conferences" / "oulan-bator-2017"
TOML = "conference.toml"
WORDS = '{ fr = "Un", en = "One", es = "Uno" }'
ONE = f'{{ key = "yes", label = {WORDS} }}'
OPTIONS = f'options = [{{ key = "yes", label = {WORDS} }}, {{ key = "no", label = {WORDS} }}]'
HOTEL = SHIPPED.joinpath(TOML).read_text("utf-8").partition("[hotel]")[2].partition("# Questions")[0]


def long(**sizes: int) -> str:
    """Words of 200 characters, in some languages of another size."""
    return "{ " + ", ".join(f'{lang} = "{"x" * sizes.get(lang, 200)}"' for lang in ("fr", "en", "es")) + " }"


def question(**given: str) -> str:
    """A question as it stands in the file; what is given as empty is left out."""
    lines = {
        "key": '"dinner"',
        "kind": '"one"',
        "label": WORDS,
        "options": OPTIONS.removeprefix("options = "),
    }
    return "\n".join(
        ["[[questions]]", *(f"{key} = {value}" for key, value in (lines | given).items() if value)]
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped conference, to spoil."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "conference"))


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def ask(folder: Path, *questions: str) -> None:
    spoil(folder / TOML, "[consents]\n", "\n\n".join([*questions, "[consents]\n"]))


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(ConferenceError) as refused:
        load(folder)
    return [fault.removeprefix(f"{folder}/") for fault in refused.value.faults]


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
            "closes_at = 2017-05-27T00:00:00Z",
            "closes_at: is after ends_on",
        ),
        (
            "[[days]]\ndate = 2017-05-25\n\n[[days]]\ndate = 2017-05-26",
            "[[days]]\ndate = 2017-05-26\n\n[[days]]\ndate = 2017-05-25",
            "days: are not in order",
        ),
        ("leave_out = []", 'leave_out = ["visa", "diet", "visa"]', "leave_out: visa stands twice"),
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
        (
            'key = "asia"',
            'key = "Asia & co"',
            r"sessions.0.key: String should match pattern '^[a-z][a-z0-9_]{0,30}$'",
        ),
        (
            "leave_out = []",
            'leave_out = ["visa", "breakfast"]',
            "leave_out.1: Input should be 'visa', 'journey', 'travel', 'pickup', 'hotel', 'sessions',"
            " 'interpretation', 'diet', 'access_needs', 'consent_list' or 'consent_photo'",
        ),
        (HOTEL, "\n", "hotel.rooms: is missing"),
        (
            HOTEL,
            "\nrooms = []\n",
            "hotel.rooms: List should have at least 1 item after validation, not 0",
        ),
        ("[hotel]\n", "[hotel]\nstars = 5\n", "hotel.stars: is no known key"),
        (
            "[hotel]\n",
            "[hotel]\nfirst_night = 2017-05-27\nlast_night = 2017-05-26\n",
            "hotel.last_night: is before first_night",
        ),
        (
            "[hotel]\n",
            '[hotel]\nfirst_night = "soon"\n',
            "hotel.first_night: Input should be a valid date or datetime, input is too short",
        ),
        ("hour = 8", "hour = -1", "daily_round.hour: Input should be greater than or equal to 0"),
        ("hour = 8", "hour = 24", "daily_round.hour: Input should be less than or equal to 23"),
        ("hour = 8", "minute = 30", "daily_round.minute: is no known key"),
        (
            "digest = true",
            'digest = "daily"',
            "daily_round.digest: Input should be a valid boolean, unable to interpret input",
        ),
        (
            "[2017-05-11, 2017-05-18]",
            '["in May"]',
            "daily_round.reminders.0: Input should be a valid date or datetime, input is too short",
        ),
        ("[2017-05-11, 2017-05-18]", "[2017-05-18, 2017-05-11]", "daily_round.reminders: are not in order"),
        (
            "[2017-05-11, 2017-05-18]",
            "[2017-05-11, 2017-05-11]",
            "daily_round.reminders: 2017-05-11 stands twice",
        ),
        (
            "[2017-05-11, 2017-05-18]",
            "[2017-05-11, 2017-05-25]",
            "daily_round.reminders: 2017-05-25 is not before starts_on",
        ),
        ('key = "twin"', 'key = "single"', "hotel.rooms: single stands twice"),
        ('es = "Habitación con dos camas"', 'de = "Zweibettzimmer"', "hotel.rooms.1.label.es: is missing"),
    ],
)
def test_fault_in_the_facts_is_named_with_its_place(folder, old, new, fault):
    spoil(folder / TOML, old, new)

    faults = faults_of(folder)

    assert f"{TOML}: {fault}" in faults


@pytest.mark.parametrize(
    ("questions", "fault"),
    [
        ([{"kind": '"choice"'}], "0.kind: Input should be 'text', 'long_text', 'one' or 'several'"),
        ([{"kind": ""}], "0.kind: is missing"),
        ([{"key": '"Dinner?"'}], "0.key: String should match pattern '^[a-z][a-z0-9_]{0,30}$'"),
        ([{"label": '{ fr = "Dîner", en = "Dinner" }'}], "0.label.es: is missing"),
        ([{"hint": '{ fr = "Dîner", es = "Cena" }'}], "0.hint.en: is missing"),
        ([{"answer": '"yes"'}], "0.answer: is no known key"),
        ([{}, {"key": '"motion"', "options": ""}], "1.options: 2 or more are needed"),
        ([{"options": "[]"}], "0.options: 2 or more are needed"),
        ([{"options": "[" + ONE + "]"}], "0.options: 2 or more are needed"),
        ([{"kind": '"several"', "options": "[]"}], "0.options: 1 or more are needed"),
        ([{"kind": '"several"', "options": ""}], "0.options: 1 or more are needed"),
        ([{}, {"key": '"motion"', "label": long(es=201)}], "1.label: is longer than 200 characters"),
        (
            [{"kind": '"text"', "options": "", "label": long(fr=201)}],
            "0.label: is longer than 200 characters",
        ),
        ([{"kind": '"text"'}], "0.options: belongs to kind one or several"),
        ([{"kind": '"long_text"'}], "0.options: belongs to kind one or several"),
        (
            [{"options": '[{ key = "yes", label = "Yes" }]'}],
            "0.options.0.label: Input should be a valid dictionary or instance of Text",
        ),
        (
            [{"options": "[" + f"{ONE}, " * 2 + "]"}],
            "0.options: yes stands twice",
        ),
    ],
)
def test_fault_in_a_question_is_named_with_its_place(folder, questions, fault):
    ask(folder, *(question(**given) for given in questions))

    assert faults_of(folder) == [f"{TOML}: questions.{fault}"]


@pytest.mark.parametrize(
    "given", [{"kind": '"several"', "options": f"[{ONE}]"}, {"label": long()}], ids=["one option", "label"]
)
def test_question_at_its_limits_is_read(folder, given):
    ask(folder, question(**given))

    assert [one.key for one in load(folder).questions] == ["dinner"]


@pytest.mark.parametrize(
    ("first", "last", "is_near"),
    [
        ("2017-04-25", "2017-06-25", True),
        ("2017-04-24", "2017-05-26", False),
        ("2017-05-25", "2017-06-26", False),
        ("2016-05-25", "2018-05-25", False),
    ],
)
def test_nights_within_thirty_days_of_the_conference_are_read(folder, first, last, is_near):
    spoil(folder / TOML, "[hotel]\n", f"[hotel]\nfirst_night = {first}\nlast_night = {last}\n")

    if is_near:
        assert load(folder).hotel.first_night == date.fromisoformat(first)
    else:
        assert faults_of(folder) == [
            f"{TOML}: hotel: first_night and last_night are more than 30 days from the conference"
        ]


@pytest.mark.parametrize("closes_at", ["2017-05-08T00:00:00Z", "2017-05-26T23:59:59Z"])
def test_registration_may_close_until_the_conference_ends(folder, closes_at):
    spoil(folder / TOML, "closes_at = 2017-05-09T12:00:00Z", f"closes_at = {closes_at}")

    assert load(folder).closes_at == datetime.fromisoformat(closes_at)


def test_question_that_stands_twice_is_named(folder):
    ask(folder, question(), question(kind='"several"'))

    assert faults_of(folder) == [f"{TOML}: questions: dinner stands twice"]


def test_facts_without_fault_are_read(folder):
    ask(
        folder,
        question(required="true", hint=WORDS),
        question(key='"parts"', kind='"several"'),
        question(key='"badge"', kind='"text"', options=""),
        question(key='"motion"', kind='"long_text"', options=""),
    )
    spoil(folder / TOML, "leave_out = []", 'leave_out = ["visa", "diet"]')
    spoil(folder / TOML, "[hotel]\n", "[hotel]\nfirst_night = 2017-05-26\nlast_night = 2017-05-26\n")

    conference = load(folder)

    assert [(one.name, one.kind, one.required) for one in conference.questions] == [
        ("question_dinner", "one", True),
        ("question_parts", "several", False),
        ("question_badge", "text", False),
        ("question_motion", "long_text", False),
    ]
    dinner = conference.questions[0]
    assert (dinner.label["fr"], dinner.hint["es"]) == ("Un", "Uno")
    assert [(option.key, option.label["en"]) for option in dinner.options] == [("yes", "One"), ("no", "One")]
    assert conference.leave_out == ["visa", "diet"]
    assert (conference.hotel.first_night, conference.hotel.last_night) == (
        date(2017, 5, 26),
        date(2017, 5, 26),
    )


def test_conference_without_hotel_is_read(folder):
    spoil(folder / TOML, f"[hotel]{HOTEL}", "")

    assert load(folder).hotel is None


def test_daily_round_at_its_limits_is_read(folder):
    spoil(folder / TOML, "hour = 8", "hour = 23")
    spoil(folder / TOML, "[2017-05-11, 2017-05-18]", "[2017-05-24]")

    daily_round = load(folder).daily_round

    assert (daily_round.hour, daily_round.reminders) == (23, [date(2017, 5, 24)])


def test_conference_without_a_daily_round_has_the_usual_one(folder):
    text = (folder / TOML).read_text("utf-8")
    before, _, after = text.partition("[daily_round]\n")
    (folder / TOML).write_text(before + "[retention]\n" + after.partition("[retention]\n")[2], "utf-8")

    assert load(folder).daily_round == DailyRound(hour=8, reminders=[], digest=True)


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
    (folder / "en" / "programme.md").write_text(
        "# A & B\n\n*First* 1 < 2.\n\nSecond.\n\n| a |\n|---|\n| 1 |\n"
    )

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
    spoil(folder / TOML, "[hotel]", "[hotel]\nfirst_night = 2017-05-27\nlast_night = 2017-05-26")
    ask(folder, question(options=""))
    (folder / "fr" / "invitation.md").unlink()

    assert faults_of(folder) == [
        f"{TOML}: starts_on: is before register_by",
        f"{TOML}: closes_at: is before register_by",
        f"{TOML}: sessions.0.day: 2017-06-01 is not one of the days",
        f"{TOML}: hotel.last_night: is before first_night",
        f"{TOML}: questions.0.options: 2 or more are needed",
        f"{TOML}: sessions: gender stands twice",
        f"{TOML}: categories: party stands twice",
        "fr/invitation.md: is missing",
    ]

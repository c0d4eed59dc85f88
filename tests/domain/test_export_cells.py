"""Whatever delegates type: no cell of an export begins a formula or loses a character."""

import csv
import io
import json
import re
import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from domain.conference import LANGUAGES, Question
from domain.export import COLUMNS, csv_chunks, xlsx_chunks

FORMULA = re.compile("[ ]*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
BREAK = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
FREE = 15  # columns that hold one text each, and not a time, a list, or yes or no
TEXTS = st.text(st.sampled_from("=+-@\t\r\n\v\x1c\x85\u2028\uff1d\uff20 ';,\"\0aé王")) | st.text(
    st.characters(codec="utf-8")
)
ROWS = st.lists(st.lists(TEXTS, min_size=FREE, max_size=FREE), min_size=1, max_size=5)
INTACT = [
    "Zoë Ünal",
    "Ελένη",
    "José María",
    "العربية",
    "00 33 1 23 45 67 89",
    "(0)1 23",
    "1-2",
    "x@y",
    "’t Hart",
]
WRITTEN = st.text(st.sampled_from("=+-@\uff1d\uff20 ';,\"0aé王م")) | st.text(
    st.characters(codec="utf-8", exclude_categories=("C",))
)
enough = settings(max_examples=300, deadline=None, database=None)


@pytest.fixture(scope="module")
def asking(conference):
    """The conference with a question of its own."""
    label = dict.fromkeys(LANGUAGES, "Anything else?")
    question = Question(key="else", kind="long_text", label=label)
    return conference.model_copy(update={"questions": [question]})


def as_the_database_gives_it(texts: list[str]) -> tuple:
    """A row of `roster.export_rows` with these texts in every column that holds one, and one answer."""
    *columns, answer = texts
    start, end = columns[:3], columns[3:10]
    days, extra = json.dumps(["2017-05-25"]), json.dumps({"else": answer})
    moment = "2017-04-10 12:00:00.123456"
    return (
        *start,
        moment,
        moment,
        *end,
        days,
        "[]",
        *columns[10:],
        False,
        True,
        False,
        extra,
        True,
        False,
        1,
    )


def with_texts(line: list[str]) -> list[str]:
    """The cells of those columns, from a line of the export."""
    named = dict(zip([*COLUMNS, "else"], line, strict=True))
    for name in ("received_at", "changed_at", "days", "sessions", "travel_checked", "hotel_booked", "late",
                 "consent_list", "consent_photo"):  # fmt: skip
        del named[name]
    return list(named.values())


def on_one_line(text: str) -> str:
    if ends := re.search(f"(?:{BREAK.pattern})\\Z", text):
        text = text[: ends.start()]
    return BREAK.sub(" ", text)


@pytest.mark.parametrize("separator", [",", ";"])
@enough
@given(rows=ROWS)
@example(rows=[["\n"] * FREE, ["=1"] + [""] * (FREE - 1), [""] * (FREE - 1) + ["a\r"]])
def test_csv_is_read_back_without_a_formula_and_without_a_loss(asking, separator, rows):
    pieces = csv_chunks(map(as_the_database_gives_it, rows), asking, separator=separator)

    text = b"".join(pieces).decode("utf-8-sig")

    _, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    assert len(lines) == len(rows)
    for cells, texts in zip(map(with_texts, lines), rows, strict=True):
        guarded = [f"'{one}" if FORMULA.match(one) else one for one in map(on_one_line, texts)]
        assert cells == guarded
        assert not any(map(FORMULA.match, cells))


@pytest.mark.parametrize("text", INTACT)
def test_csv_leaves_accents_and_telephone_numbers_as_they_are(asking, text):
    pieces = csv_chunks([as_the_database_gives_it([text] * FREE)], asking)

    (_, line) = csv.reader(io.StringIO(b"".join(pieces).decode("utf-8-sig"), newline=""))
    assert with_texts(line) == [text] * FREE


def test_csv_keeps_a_telephone_number_whole_behind_the_apostrophe(asking):
    pieces = csv_chunks([as_the_database_gives_it(["+976 99 112233"] * FREE)], asking)

    (_, line) = csv.reader(io.StringIO(b"".join(pieces).decode("utf-8-sig"), newline=""))
    assert with_texts(line) == ["'+976 99 112233"] * FREE


@settings(enough, max_examples=4, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.lists(WRITTEN, min_size=FREE, max_size=FREE), min_size=20, max_size=40))
@example(rows=[["=1+1"] * FREE, ["00123"] * FREE, ["https://example.org"] * FREE, ["12E34567"] * FREE])
@example(rows=[[text] * FREE for text in (*INTACT, "+976 99 112233", "'", '"', "\u2028=1")])
@pytest.mark.parametrize("as_text", [True, False], ids=["text", "guess"])
def test_csv_is_read_by_libreoffice_without_a_formula_and_without_a_loss(
    asking, tmp_path_factory, as_text, rows
):
    """Whether a value in quotes is text, or what it looks like, is what its user says when it opens the file."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "list.csv").write_bytes(b"".join(csv_chunks(map(as_the_database_gives_it, rows), asking)))

    office = ["soffice", "--headless", f"-env:UserInstallation=file://{folder.parent}/profile"]
    reading = f"--infilter=Text - txt - csv (StarCalc):44,34,76,1,,0,{str(as_text).lower()}"
    into = ["--convert-to", "xlsx", "--outdir", folder]
    subprocess.run([*office, reading, *into, folder / "list.csv"], check=True, capture_output=True)

    _, *lines = load_workbook(folder / "list.xlsx").active.iter_rows()
    assert len(lines) == len(rows)
    assert "f" not in {cell.data_type for line in lines for cell in line}
    for line, texts in zip(lines, rows, strict=True):
        expected = [f"'{one}" if FORMULA.match(one) else one for one in map(on_one_line, texts)]
        for cell, text in zip(with_texts(line), expected, strict=True):
            if as_text or cell.data_type == "s":
                assert unescape(cell.value or "") == text


@settings(enough, max_examples=100)
@given(rows=ROWS)
@example(rows=[["=1+1"] * FREE, ["00123"] * FREE, ["https://example.org"] * FREE, ["_x0041_"] * FREE])
@example(rows=[[text] * FREE for text in (*INTACT, "+976 99 112233")])
def test_xlsx_is_read_back_as_text_without_a_loss(asking, rows):
    pieces = xlsx_chunks(map(as_the_database_gives_it, rows), asking)

    sheet = load_workbook(io.BytesIO(b"".join(pieces))).active

    _, *lines = sheet.iter_rows()
    assert len(lines) == len(rows)
    for line, texts in zip(lines, rows, strict=True):
        assert with_texts([unescape(cell.value or "") for cell in line]) == list(map(on_one_line, texts))
        assert {cell.data_type for cell in line if cell.value is not None} == {"s"}

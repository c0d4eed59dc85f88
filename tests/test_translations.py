"""Three whole languages: every string of the code is in both catalogues, translated, with its placeholders."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
OURS = ("templates/", "domain/", "views/")
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2)}


def strings_of_the_code() -> set[str]:
    with (ROOT / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = extract_from_dir(ROOT, methods, options, KEYWORDS)
    ours = (line for line in found if line[0].startswith(OURS) or "/" not in line[0])
    return {text[0] if isinstance(text, tuple) else text for _, _, text, _, _ in ours}


def catalogue(lang: str) -> Catalog:
    with (ROOT / "translations" / lang / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file)


def messages(lang: str) -> list[Message]:
    return [message for message in catalogue(lang) if message.id]


def words(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple | list) else [message.string]


def sources(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, tuple | list) else [message.id]


@pytest.mark.parametrize("lang", ["fr", "es"])
def test_catalogue_has_the_strings_of_the_code_and_no_others(lang):
    assert {sources(message)[0] for message in messages(lang)} == strings_of_the_code()


def test_no_template_has_a_colon_between_words_of_its_own():
    """French wants a space before it, which only the translated sentence can have."""
    bare = re.compile(r"\}\}(</\w+>)?\s*:\s|>\s*:\s*\{\{")
    lines = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in sorted((ROOT / "templates").rglob("*.*"))
        for line in file.read_text().splitlines()
    ]

    assert [line for line in lines if bare.search(line)] == []


@pytest.mark.parametrize("lang", ["fr", "es"])
def test_every_string_is_translated_for_good(lang):
    missing = [message.id for message in messages(lang) if not all(words(message)) or message.fuzzy]

    assert missing == []


@pytest.mark.parametrize("lang", ["fr", "es"])
def test_catalogue_keeps_no_strings_that_are_out_of_use(lang):
    assert list(catalogue(lang).obsolete) == []


@pytest.mark.parametrize("lang", ["fr", "es"])
def test_translation_keeps_the_placeholders(lang):
    def named(text: str) -> set[str]:
        return set(re.findall(r"%\(\w+\)[ds]", text))

    wrong = [
        message.id
        for message in messages(lang)
        if any(named(text) != named(sources(message)[-1]) for text in words(message))
    ]

    assert wrong == []


def test_french_has_its_narrow_spaces_and_its_apostrophes():
    faulty = re.compile(r"(?<!\u202f)([;?!»]|:(?!//|\d))|«(?!\u202f)|'")

    wrong = [text for message in messages("fr") for text in words(message) if faulty.search(text)]

    assert wrong == []

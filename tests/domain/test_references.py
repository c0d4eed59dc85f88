"""Reference numbers: their shape, and that a mistake on the telephone is noticed."""

import re

import pytest

from domain.references import ALPHABET, check_character, is_mistyped, new_reference


def test_reference_has_its_shape():
    references = {new_reference("OB17") for _ in range(200)}

    assert all(re.fullmatch(rf"OB17-[{ALPHABET}]{{4}}-[{ALPHABET}]{{2}}", one) for one in references)
    assert len(references) == 200


def test_alphabet_has_no_letters_that_look_like_digits():
    assert len(set(ALPHABET)) == 32
    assert set("0O1I") & set(ALPHABET) == set()


def test_new_reference_is_right():
    assert not any(is_mistyped(new_reference("OB17"), "OB17") for _ in range(200))


def test_every_wrong_character_is_noticed():
    code = "7KQ4M" + check_character("7KQ4M")
    wrong = [
        code[:place] + other + code[place + 1 :]
        for place, character in enumerate(code)
        for other in ALPHABET
        if other != character
    ]

    unnoticed = [one for one in wrong if not is_mistyped(f"OB17{one}", "OB17")]

    assert len(wrong) == 6 * 31
    assert unnoticed == []


def test_characters_outside_the_alphabet_are_noticed():
    assert is_mistyped("OB17-7KQO-M2", "OB17")
    assert is_mistyped("OB17-7KQ4-M1", "OB17")


@pytest.mark.parametrize(
    "separators", ["OB17-{}-{}", "OB17{}{}", "ob17 {} {}", " Ob17-{}{} ", "OB17 - {} - {}"]
)
def test_separators_and_case_make_no_mistake(separators):
    code = "7KQ4M" + check_character("7KQ4M")

    right = separators.format(code[:4], code[4:]).lower()
    wrong = right.replace("q", "r")

    assert not is_mistyped(right, "OB17")
    assert is_mistyped(wrong, "OB17")


@pytest.mark.parametrize(
    "text",
    ["", "Lovelace", "OB17", "OB17-7KQ4-M", "OB17-7KQ4-M22", "XY99-7KQ4-M2", "Улаанбаатар", "ob17@example"],
)
def test_other_text_is_no_mistyped_reference(text):
    assert not is_mistyped(text, "OB17")

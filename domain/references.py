"""Reference numbers: made to be read aloud on the telephone. They open nothing by themselves."""

import secrets

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, O, 1 and I
LENGTH = 5  # random characters; the sixth checks the others


def new_reference(prefix: str) -> str:
    """A reference such as OB17-7KQ4-M2: five random characters and one that checks them."""
    chance = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    code = chance + check_character(chance)
    return f"{prefix}-{code[:4]}-{code[4:]}"


def check_character(text: str) -> str:
    """The Luhn check, modulo the size of the alphabet: it notices any one wrong character and most swaps."""
    total = 0
    for place, character in enumerate(reversed(text)):
        value = ALPHABET.index(character) * (2 if place % 2 == 0 else 1)
        total += value // len(ALPHABET) + value % len(ALPHABET)
    return ALPHABET[-total % len(ALPHABET)]


def is_mistyped(text: str, prefix: str) -> bool:
    """Whether a text has the shape of a whole reference but a character in it is wrong."""
    code = "".join(text.upper().split()).replace("-", "")
    if not code.startswith(prefix) or len(code) != len(prefix) + LENGTH + 1:
        return False
    code = code.removeprefix(prefix)
    return not set(code) <= set(ALPHABET) or check_character(code[:-1]) != code[-1]

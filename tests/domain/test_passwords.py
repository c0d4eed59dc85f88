"""Which passwords are refused."""

import pytest

from domain.passwords import is_trivial


@pytest.mark.parametrize(
    "password",
    [
        "cem.secretary@example.org", "cem.secretary", "Cem.Secretary2017", "aaaaaaaaaaaa", "abababababab",
        "123456789012", "password1234", "Password!2017", "motdepasse123", "contraseña2017", "qwertyuiop12",
        "azertyuiop!!", "convoke12345", "            ", "example.org!!",
    ],
)  # fmt: skip
def test_password_that_anybody_would_try_is_trivial(password):
    assert is_trivial(password, "cem.secretary@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "password of the yurt",
        "xkQ7-Lp2m_Zr9",
        "Улаанбаатар хот",
        "日本語のことばを使う",
    ],
)
def test_password_that_is_somebodys_own_is_not(password):
    assert not is_trivial(password, "cem.secretary@example.org")

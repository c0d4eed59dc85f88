"""GET /<lang>/registration/erased: that the data are gone."""

import pytest
from support.journey import FORM, ON_SQLITE

from domain.conference import LANGUAGES

pytestmark = ON_SQLITE


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_speaks_the_language_of_its_address(client, lang):
    page = client.get(f"/{lang}/registration/erased")

    assert page.one("html")["lang"] == lang
    assert page.select("main form") == []


def test_page_says_what_is_left(client):
    page = client.get(f"{FORM}/erased")

    assert page.texts("h1") == ["Your data have been erased"]
    assert page.texts(".prose__lede") == [
        "Nothing that you gave us is kept any more. One last mail confirms it."
    ]

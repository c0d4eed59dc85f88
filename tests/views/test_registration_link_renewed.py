"""GET /<lang>/registration/link/renewed: that the link of just now is dead, and where the new one is."""

import pytest
from support.journey import FORM, ON_SQLITE

from domain.conference import LANGUAGES

pytestmark = ON_SQLITE


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_speaks_the_language_of_its_address(client, lang):
    page = client.get(f"/{lang}/registration/link/renewed")

    assert page.one("html")["lang"] == lang
    assert page.select("main form") == []


def test_page_says_that_the_link_is_dead(client):
    page = client.get(f"{FORM}/link/renewed")

    assert page.texts("h1") == ["A new link is on its way"]
    assert page.texts(".prose__lede")[0].startswith("The link that you have just used works no longer.")

"""GET /<lang>/registration/link/sent: where to look for the link."""

import pytest
from support.journey import FORM, ON_SQLITE

from domain.conference import LANGUAGES

pytestmark = ON_SQLITE


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_speaks_the_language_of_its_address(client, lang):
    page = client.get(f"/{lang}/registration/link/sent")

    assert page.one("html")["lang"] == lang
    assert page.select("main form") == []


def test_page_does_not_say_whether_there_was_anything_to_send(client):
    page = client.get(f"{FORM}/link/sent")

    assert page.texts("h1") == ["Please look into your mailbox"]
    assert page.texts(".prose__lede") == [
        "If somebody is registered with this address, a mail with the personal link arrives there in a few minutes."
    ]

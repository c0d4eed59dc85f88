"""GET /: to the invitation in the visitor's language."""

import pytest
from support.journey import ON_SQLITE

pytestmark = ON_SQLITE


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("es", "es"),
        ("en-GB,en;q=0.9", "en"),
        ("es-MX", "es"),
        ("de, en;q=0.5, es;q=0.4", "en"),
        ("mn", "fr"),
        ("*", "fr"),
        (";;q=,", "fr"),
        (None, "fr"),
    ],
)
def test_first_address_leads_to_the_visitors_language(client, accepted, lang):
    page = client.get("/", headers={"Accept-Language": accepted} if accepted else {}, status=302)

    assert page.headers["Location"] == f"/{lang}/"
    assert "Accept-Language" in page.response.vary
    assert page.headers["Cache-Control"] == "private, max-age=300"
    assert "Set-Cookie" not in page.headers

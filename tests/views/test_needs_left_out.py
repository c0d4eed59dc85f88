"""A conference that asks only for diets, or only for access needs: every page and mail speaks of what is asked."""

import email
from email.policy import SMTP

import pytest
from factories import NEEDS, typed
from support.journey import ON_SQLITE, amend, check, own_page, send, stored

from domain.conference import LANGUAGES, Text
from models import Mail, Registration

pytestmark = ON_SQLITE
GIVEN = {"diet": "vegan", "access_needs": "Ramp"}
# What nobody must read of where it is not asked.
UNASKED = {
    "diet": {"en": "diet", "fr": "régime", "es": "aliment"},
    "access_needs": {"en": "accessib", "fr": "accessib", "es": "accesib"},
}


def in_mails() -> list[str]:
    """Every body of every mail."""
    mails = [email.message_from_string(mail.message, policy=SMTP) for mail in stored(Mail)]
    return [mail.get_body((kind,)).get_content() for mail in mails for kind in ("plain", "html")]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("asked", "left_out"), [("diet", "access_needs"), ("access_needs", "diet")])
def test_what_is_not_asked_is_not_spoken_of(app, desk_client, with_facts, lang, asked, left_out):
    conference = app.extensions["desk"].conference
    agreed = Text(fr="D’accord", en="I agree", es="De acuerdo")
    consents = conference.consents.model_copy(update={"needs": agreed})
    with_facts(leave_out=[left_out], consents=consents)
    fields, form = typed(**{asked: GIVEN[asked]}, consent_needs="y"), f"/{lang}/registration"

    pages = [desk_client.get(form), check(desk_client, fields, form=form)]
    send(desk_client, fields, form=form)
    (row,) = stored(Registration)
    own = own_page(app, row, lang=lang)
    pages += [desk_client.get(f"{own}{part}") for part in ("", "/data.html", "/edit")]
    amend(desk_client, f"{own}/edit", {asked: "", "consent_needs": None})
    amend(desk_client, f"{own}/edit", {asked: GIVEN[asked], "consent_needs": "y"})
    desk_client.post(f"{own}/consents", {"kind": "needs"}, status=303)
    pages.append(desk_client.get(f"/organiser/registrations/{row.reference}?lang={lang}"))
    pages.append(desk_client.get(f"/organiser/log?lang={lang}"))

    told = [page.one("main").get_text().casefold() for page in pages]
    told += [words.casefold() for words in in_mails()]
    assert len(told) == 7 + 2 * 4
    assert [words for words in told if UNASKED[left_out][lang] in words] == []
    assert all(UNASKED[asked][lang] in words for words in told[:7])


@pytest.mark.parametrize(
    ("left_out", "consent", "erased"),
    [
        (
            [],
            "Consent for diet and accessibility",
            "Your dietary requirements and accessibility needs are erased.",
        ),
        (["access_needs"], "Consent for dietary requirements", "Your dietary requirements are erased."),
        (["diet"], "Consent for accessibility needs", "Your accessibility needs are erased."),
    ],
)
def test_own_page_says_what_goes_with_the_consent(
    app, client, registered, with_facts, left_out, consent, erased
):
    with_facts(leave_out=left_out)
    path = own_page(app, registered(needs=NEEDS, consents=["affiliation", "needs"]))

    page = client.get(path)

    assert consent in page.texts("dt")
    assert page.texts("form[action$=consents] p") == [f"{consent}{erased}"]
    assert client.get(f"{path}/edit").one("#consent_needs-field .field__label").get_text() == consent

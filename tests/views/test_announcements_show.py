"""GET /organiser/announcements/<number>: the preview of a draft, and how far one is that is being sent."""

import pytest
from support.announcing import ANNOUNCEMENTS, sent, written
from support.journey import HTMX, everything

from db import connection
from domain import announcements
from models import Announcement, Mail


def answers(page) -> dict[str, str]:
    questions, values = page.texts("#progress dt"), page.texts("#progress dd")
    return dict(zip(questions, values, strict=True))


def prepare(app) -> None:
    with connection():
        assert announcements.prepare_some(app.extensions["desk"])


def finish() -> None:
    with connection():
        Mail.update(state="accepted").execute()


def test_draft_shows_each_language_as_a_delegate_sees_it(desk_client, registered):
    row = registered()
    path = written(desk_client, "fr", "en")

    page = desk_client.get(path)

    assert page.texts("h1") == ["Shuttles"]
    assert page.texts("h3") == ["Français", "English", "Español"]
    assert page.texts("#preview-es ~ dl dd") == ["Shuttles – OB17-0000-00"]
    assert page.texts("main dd strong")[:3] == [
        "Navettes – OB17-0000-00",
        "Shuttles – OB17-0000-00",
        "Shuttles – OB17-0000-00",
    ]
    assert [(frame["src"], frame["sandbox"]) for frame in page.select("iframe")] == [
        (f"{path}/preview/{lang}", []) for lang in ("fr", "en", "es")
    ]
    assert ["Alex Example" in text for text in page.texts("pre")] == [True, True, True]
    assert ["They leave at 8:30" in text for text in page.texts("pre")] == [False, True, True]
    assert row.reference not in page.text
    assert row.given_names not in page.text


def test_draft_says_exactly_how_many_will_get_it(desk_client, registered):
    registered(family_name="Byron"), registered(family_name="Byron"), registered()
    path = written(desk_client, q="byron")

    page = desk_client.get(path)

    assert page.texts("#recipients dd")[0] == "2"
    assert page.one("#number")["inputmode"] == "numeric"
    assert (page.value("shown"), page.value("number")) == ("2", "")
    assert page.one(f'form[action="{path}/sending"]')["method"] == "post"
    assert page.one(f'a[href="{path}/edit"]').get_text() == "Change the draft"
    assert page.select("#progress") == []


def test_draft_to_nobody_cannot_be_sent(desk_client):
    page = desk_client.get(written(desk_client))

    assert page.select("form[action$=sending]") == []
    assert page.texts(".notice") == ["Nobody would get it, so it cannot be sent."]


def test_page_may_frame_its_own_previews_and_nothing_else(app, desk_client):
    page = desk_client.get(written(desk_client))

    policy = app.config["CONTENT_SECURITY_POLICY"]
    assert page.headers["Content-Security-Policy"] == f"{policy}; frame-src 'self'"
    assert page.headers["X-Frame-Options"] == "DENY"


def test_progress_is_told_in_numbers_and_in_a_bar(app, desk_client, registered):
    for _ in range(4):
        registered()
    path = sent(desk_client)
    prepare(app)
    with connection():
        Announcement.update(state="sending").execute()
        mails = [mail.id for mail in Mail.select(Mail.id).where(Mail.kind == "announcement")]
        Mail.update(state="accepted").where(Mail.id.in_(mails[:2])).execute()
        Mail.update(state="failed").where(Mail.id == mails[2]).execute()

    page = desk_client.get(path)

    shown = answers(page)
    assert list(shown)[:2] == ["Sent on", "By whom"]
    assert list(shown.items())[1:] == [
        ("By whom", "cem@example.org"),
        ("Recipients", "4"),
        ("Accepted by the mail server", "2"),
        ("Waiting", "1"),
        ("Not delivered", "1"),
        ("Left out: cancelled meanwhile, or stopped", "0"),
    ]
    assert (page.one("progress")["value"], page.one("progress")["max"]) == ("3", "4")
    assert page.texts("#progress [role=status]") == ["Being sent"]
    assert page.select("form[action$=sending], a[href$=edit]") == []


def test_progress_refreshes_itself_and_can_be_asked_for_while_something_is_under_way(
    app, desk_client, registered
):
    registered()
    path = sent(desk_client)

    links = [desk_client.get(path).select("#progress a")]
    prepare(app)
    links.append(desk_client.get(path).select("#progress a"))
    finish()

    for (link,) in links:
        assert link["href"] == link["hx-get"] == path
        assert link["hx-trigger"] == "every 2s, click"
        assert link["hx-target"] == "#progress"
    page = desk_client.get(path)
    assert page.select("#progress a") == []
    assert page.texts("#progress [role=status]") == ["Sent"]


def test_only_what_is_being_sent_can_be_stopped(app, desk_client, registered):
    registered()
    path = sent(desk_client)
    assert desk_client.get(path).one("#progress form")["action"] == f"{path}/stop"

    prepare(app)
    assert desk_client.get(path).texts("#progress [role=status]") == ["Being sent"]
    assert len(desk_client.get(path).select("#progress form")) == 1
    with connection():
        Mail.update(state="accepted").where(Mail.kind == "announcement").execute()

    assert desk_client.get(path).texts("#progress [role=status]") == ["Sent"]
    assert desk_client.get(path).select("#progress form") == []


def test_htmx_gets_the_progress_alone(desk_client, registered):
    registered()
    path = sent(desk_client)

    page = desk_client.get(path, headers=HTMX)

    assert page.texts("title") == ["Shuttles – Organisers"]
    assert [element["id"] for element in page.select("body > [id]")] == ["progress"]
    assert page.headers["Vary"] == "HX-Request-Type, Cookie"


def test_stranger_with_htmx_is_sent_to_sign_in_and_back(desk_client, registered):
    registered()
    path = sent(desk_client)
    desk_client.client.delete_cookie("session")

    page = desk_client.get(path, headers=HTMX, status=401)

    assert page.headers["HX-Redirect"] == f"/organiser/session?next={path}"


def test_looking_changes_nothing(desk_client, registered):
    registered()
    paths = [written(desk_client), sent(desk_client)]
    before = everything()

    for path in paths:
        for method in ("GET", "HEAD"):
            assert desk_client.client.open(path, method=method).status_code == 200

    assert everything() == before


@pytest.mark.parametrize("number", ["0", "1", "2147483647", "2147483648", "9" * 30])
def test_unknown_number_is_not_found(desk_client, number):
    desk_client.get(f"{ANNOUNCEMENTS}/{number}", status=404)

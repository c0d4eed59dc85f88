"""Every kind of page, judged by html-validate: one call for all, because starting it costs more than a page."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import PASSWORD
from factories import SENSITIVE_PARTS, typed, typed_with_travel, typed_with_visa
from support import announcing
from support.access import WARNING, idle_for, shown
from support.journey import HTMX, again, amend, amended, fresh_key, new_address_page, own_page
from support.page import Page, PageClient

from db import connection
from domain import clock, late, organisers, sheets
from models import Mail

ROOT = Path(__file__).parent.parent
FULL = SENSITIVE_PARTS | {"consents": ["affiliation", "visa", "needs", "list", "photo"]}


@pytest.fixture
def own_pages(app, client, registered) -> dict[str, str]:
    """What a delegate sees with the private link."""
    row = registered(email="ada@example.org", **FULL)
    own = own_page(app, row)
    second = amended(client.get(f"{own}/edit"), function="Treasurer")
    pages = {"own": client.get(own).text, "edit": client.get(f"{own}/edit").text}
    amend(client, f"{own}/edit", {"email": "ada@new.example"})
    pages |= {
        "waiting": client.get(f"{own}?done=asked").text,
        "conflict": client.post(f"{own}/edit", second, status=409).text,
        "wrong": client.post(f"{own}/erasure", {}, status=422).text,
        "readable": client.get(f"{own}/data.html").text,
        "address": client.get(new_address_page(app, again(row))).text,
    }
    client.post(f"{own}/cancellation", {}, status=303)
    return pages | {"cancelled": client.get(f"/es{own.removeprefix('/en')}").text}


@pytest.fixture
def access_pages(app) -> dict[str, str]:
    """What an organiser sees from the link to the end of the sign-in."""
    browser = PageClient(app)
    with connection():
        link = f"/organiser/enrolment/{organisers.invite('eve@example.org', roles=['admin'])}"
    enrolment = browser.get(link)
    given = {str(field["name"]): str(field["value"]) for field in enrolment.select("main input[type=hidden]")}
    given |= {"password": PASSWORD, "again": PASSWORD, "code": shown("".join(enrolment.texts(".key span")))}
    pages = {"enrolment": enrolment.text, "codes": browser.post(link, given).text}
    for name in ("account", "account/codes", "account/password", "account/everybody", "session/proof"):
        pages[name.replace("/", " ")] = browser.get(f"/organiser/{name}").text
    idle_for(timedelta(minutes=27))
    pages["warning"] = browser.get(WARNING, headers=HTMX).text
    idle_for(timedelta(minutes=31))
    pages["warning over"] = browser.get(WARNING, headers=HTMX).text
    return pages | {"kept": browser.post("/organiser/late-links", {"email": 'a"<b>'}, status=401).text}


@pytest.fixture
def pages(
    app, client, access_pages, desk_client, registered, own_pages, mail_pages, sheet_pages
) -> dict[str, str]:
    reference = registered(**FULL).reference
    key = client.get("/en/registration").value("key")
    public = {name: client.get(f"/fr/{name}").text for name in ("", "programme", "practical", "privacy")}
    with app.test_request_context("/"), connection():
        late.make("bo@example.org", lang="en", organiser=None, desk=app.extensions["desk"])
    travel = typed_with_travel(key=fresh_key(app), email="ada@gmial.com", arrival_flight="BY CAR")
    draft, sending = announcing.written(desk_client, "fr"), announcing.sent(desk_client)
    own = {f"own {name}": text for name, text in own_pages.items()}
    return (
        public
        | own
        | access_pages
        | {
            "doubts": client.post("/en/registration", travel).text,
            "link": client.post("/en/registration/link", {}, status=422).text,
            "sent": client.get("/fr/registration/link/sent").text,
            "erased": client.get("/fr/registration/erased").text,
            "announcements": desk_client.get(announcing.ANNOUNCEMENTS).text,
            "no announcement": announcing.write(desk_client, "fr", text_fr="", status=422).text,
            "draft": desk_client.get(draft).text,
            "draft not sent": announcing.send(desk_client, draft, number="no", status=422).text,
            "draft overtaken": announcing.send(desk_client, draft, version="old", status=409).text,
            "edit overtaken": announcing.amend(desk_client, draft, version="old", status=409).text,
            "being sent": desk_client.get(sending).text,
            "late": desk_client.get("/organiser/late-links").text,
            "large": client.post("/en/registration", {"email": "x" * 1024 * 1024}, status=413).text,
            "form": client.get("/en/registration").text,
            "errors": client.post("/en/registration", typed(email=""), status=422).text,
            "check": client.post("/en/registration", typed_with_visa(key=key)).text,
            "missing": client.get("/es/nothing", status=404).text,
            "list": desk_client.get("/organiser/registrations").text,
            "sheets": desk_client.get("/organiser/sheets").text,
            "statistics": desk_client.get("/organiser/statistics").text,
            "batch": desk_client.get("/organiser/batches/new?kind=confirmation&scope=all").text,
            "batch for nobody": desk_client.get("/organiser/batches/new?kind=reminder").text,
            "batch done": done_batch(desk_client).text,
            "one": whole_dossier(desk_client, f"/organiser/registrations/{reference}").text,
        }
        | sheet_pages
        | mail_pages
    )


def done_batch(desk_client) -> Page:
    """What an organiser sees who has confirmed everybody."""
    path = "/organiser/batches/new?kind=confirmation&scope=all"
    fields = desk_client.get(path).select("main form [type=hidden]")
    done = desk_client.post(path, {field["name"]: field["value"] for field in fields}, status=303)
    return desk_client.get(done.headers["Location"])


def whole_dossier(desk_client, path: str) -> Page:
    """A registration with a note and duplicates, and what comes back when a note is none."""
    token = desk_client.get(path).select("[name=csrf_token]")[0]["value"]
    desk_client.post(f"{path}/notes", {"csrf_token": token, "note": "Speaks"}, status=303)
    return desk_client.post(f"{path}/notes", {"csrf_token": token, "note": ""}, status=422)


@pytest.fixture
def sheet_pages(app, desk_client, registered) -> dict[str, str]:
    """Every sheet, with somebody on it."""
    registered(email="bo@new.example", **SENSITIVE_PARTS)
    names = sheets.sheets(app.extensions["desk"].conference)
    return {f"sheet {name}": desk_client.get(f"/organiser/sheets/{name}").text for name in names}


@pytest.fixture
def mail_pages(desk_client, registered) -> dict[str, str]:
    """What an organiser sees of the mails, of which one failed and more than a page went out."""
    registered(email="eve@example.org")
    now = clock.now()
    usual = {"kind": "late", "language": "en", "recipient": "", "message": "", "state": "accepted"}
    with connection():
        Mail.update(state="failed", error="550 5.1.1 No such user").execute()
        number = Mail.get().id
        Mail.insert_many(
            usual | {"once": str(n), "message_id": str(n), "due_at": now, "created_at": now}
            for n in range(50)
        ).execute()
        last = Mail.select().order_by(Mail.id.desc()).get().id
    page = desk_client.get("/organiser/mails")
    token = page.select("[name=csrf_token]")[0]["value"]
    path = f"/organiser/mails/{number}"
    return {
        "mails": page.text,
        "mails older": desk_client.get(page.one("#page-older")["href"]).text,
        "mails none": desk_client.get("/organiser/mails?q=nobody").text,
        "mail": desk_client.get(path).text,
        "mail erased": desk_client.get(f"/organiser/mails/{last}").text,
        "mail wrong": desk_client.post(f"{path}/address", {"csrf_token": token}, status=422).text,
    }


def test_pages_are_valid_html(pages, tmp_path):
    for name, text in pages.items():
        (tmp_path / f"{name or 'invitation'}.html").write_text(text)

    command = ["npx", "html-validate", "--config", ROOT / ".htmlvalidate.json", tmp_path]
    judged = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert judged.returncode == 0, judged.stdout

"""POST /organiser/registrations/<reference>/notes/<number>/removal: by whoever wrote it, or an admin."""

import pytest
from support.journey import HTMX, ON_SQLITE, stored

from db import connection
from domain import clock, notes
from models import AuditEntry, Note, Organiser

pytestmark = ON_SQLITE


@pytest.fixture
def row(registered):
    return registered()


@pytest.fixture
def path(row) -> str:
    return f"/organiser/registrations/{row.reference}"


@pytest.fixture
def write(row):
    """Let somebody write a note; returns where to remove it, and what the button to do so sends."""

    def write(address: str) -> tuple[str, dict[str, str]]:
        with connection():
            writer = Organiser.get_or_none(Organiser.email == address) or Organiser.create(
                email=address, password_hash="", created_at=clock.now()
            )
            notes.add(row, "Speaks on Friday", organiser=writer)
            note = Note.select().order_by(Note.id.desc()).get()
        removal = f"/organiser/registrations/{row.reference}/notes/{note.id}/removal"
        return removal, {"written": note.created_at.isoformat()}

    return write


def token(page) -> dict[str, str]:
    return {"csrf_token": page.select("[name=csrf_token]")[0]["value"]}


@pytest.mark.parametrize(
    ("role", "author", "is_allowed"),
    [
        ("visa", "cem@example.org", True),
        ("visa", "bo@example.org", False),
        ("admin", "bo@example.org", True),
        ("reader", "cem@example.org", False),
    ],
)
def test_note_is_removed_by_its_author_or_an_admin(sign_in_as, path, write, role, author, is_allowed):
    browser = sign_in_as(role)
    removal, seen = write(author)
    page = browser.get(path)
    assert bool(page.select(f'form[action="{removal}"]')) == is_allowed

    browser.post(removal, token(page) | seen, status=303 if is_allowed else 403)

    assert (stored(Note) == []) == is_allowed
    assert (stored(AuditEntry)[-1].action == "registration.note_removed") == is_allowed


def test_htmx_gets_the_section_without_the_note(desk_client, path, write):
    removal, seen = write("cem@example.org")
    page = desk_client.get(path)
    sent = {field["name"]: field["value"] for field in page.select(f'form[action="{removal}"] input')}
    assert sent == token(page) | seen

    page = desk_client.post(removal, sent, headers=HTMX)

    assert page.texts("#handling [role=status]") == ["The note is removed."]
    assert page.select(".note") == []


def test_note_that_is_gone_already_is_no_fault(desk_client, path, write):
    removal, seen = write("cem@example.org")

    for _ in range(2):
        desk_client.post(removal, token(desk_client.get(path)) | seen, status=303)

    assert [entry.action for entry in stored(AuditEntry)].count("registration.note_removed") == 1


def test_note_on_another_registration_is_left_alone(desk_client, path, write, registered):
    removal, seen = write("cem@example.org")
    removal = removal.replace(path, f"/organiser/registrations/{registered().reference}")

    desk_client.post(removal, token(desk_client.get(path)) | seen, status=303)

    assert len(stored(Note)) == 1


@pytest.mark.parametrize("author", ["cem@example.org", "bo@example.org"])
def test_stale_button_leaves_the_note_alone_that_has_its_number_by_now(sign_in_as, path, write, author):
    browser = sign_in_as("visa")
    removal, seen = write("cem@example.org")
    page = browser.get(path)
    browser.post(removal, token(page) | seen, status=303)
    assert write(author)[0] == removal

    page = browser.post(removal, token(page) | seen, headers=HTMX)

    assert page.texts("#handling [role=status]") == ["The note is removed."]
    assert len(page.select(".note")) == len(stored(Note)) == 1


def test_button_of_a_page_that_does_not_say_which_note_it_showed_removes_none(desk_client, path, write):
    removal, _ = write("cem@example.org")

    page = desk_client.post(removal, token(desk_client.get(path)), status=422)

    assert "This page had been open for too long" in page.text
    assert len(stored(Note)) == 1


def test_note_is_not_removed_without_the_token(desk_client, write):
    removal, seen = write("cem@example.org")

    desk_client.post(removal, seen, status=422)

    assert len(stored(Note)) == 1

"""Late links: leave to register after the deadline, for one address, for 72 hours, once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
import time_machine
from factories import NEEDS

from db import connection, db
from domain import late, organisers
from domain.registration import RegistrationClosed, cancel
from models import TABLES, AuditEntry, LateLink, Mail, Organiser, Registration, Repeat

TEN_MAY = datetime(2017, 5, 10, 12, tzinfo=UTC)
HOURS = timedelta(hours=1)


@pytest.fixture
def closed(noon: time_machine.Traveller) -> time_machine.Traveller:
    """Noon of the day after the deadline."""
    noon.move_to(TEN_MAY)
    return noon


@pytest.fixture
def cem(closed: time_machine.Traveller) -> Organiser:
    return organisers.add("cem@example.org", "correct horse battery staple")


@pytest.fixture
def make(cem: Organiser, desk) -> Callable[..., LateLink]:
    """cem makes a link; for ada unless another address is given."""

    def make(email: str = "ada@example.org", *, lang: str = "en") -> LateLink:
        return late.make(email, lang=lang, organiser=cem, desk=desk)

    return make


@pytest.fixture
def send_with(send: Callable[..., str], desk) -> Callable[..., str]:
    """Send the form as ada fills it in, opened with a late link."""

    def send_with(link: LateLink, **given: Any) -> str:
        return send(late_link=link.public_id, **given)

    return send_with


def row_of(reference: str) -> Registration:
    return Registration.get(Registration.reference == reference)


def fresh(link: LateLink) -> LateLink:
    return LateLink.get_by_id(link.id)


# Making one


def test_late_link_is_stored_for_one_address_and_72_hours(make, cem):
    make("Ada@müller.example", lang="es")

    (link,) = LateLink.select()
    assert (link.email, link.language) == ("Ada@xn--mller-kva.example", "es")
    assert (link.organiser, link.registration) == (cem, None)
    assert (link.created_at, link.expires_at) == (TEN_MAY, TEN_MAY + 72 * HOURS)


def test_late_link_is_mailed_to_its_address(make):
    link = make(lang="fr")

    (mail,) = Mail.select()
    assert (mail.kind, mail.language, mail.recipient) == ("late", "fr", "ada@example.org")
    assert (mail.registration, mail.state) == (None, "queued")
    assert link.public_id in mail.message


def test_late_link_is_in_the_log_with_its_number_and_without_the_address(make, cem):
    make("bo@example.org")
    link = make("ada@example.org")

    entry = AuditEntry.select().order_by(AuditEntry.id.desc()).first()
    assert (entry.action, entry.organiser, entry.registration) == ("late_link.made", cem, None)
    assert entry.details == {"late_link": link.id}


def test_late_link_leaves_nothing_behind_when_it_fails_halfway(make, cem, monkeypatch):
    before = [table.select().count() for table in TABLES]

    def fail(*args, **kwargs):
        assert (LateLink.select().count(), Mail.select().count()) == (1, 1)
        raise OSError("out of order")

    monkeypatch.setattr("domain.audit.record", fail)

    with pytest.raises(OSError, match="out of order"):
        make()

    assert [table.select().count() for table in TABLES] == before


def test_late_link_a_minute_later_is_another(make, closed):
    first = make()
    closed.shift(timedelta(minutes=1))

    second = make()

    assert first.public_id != second.public_id
    assert len(first.public_id) == 32
    assert Mail.select().count() == 2


def test_two_clicks_make_one_late_link_and_one_mail(make, closed):
    first = make("Ada@example.org")
    closed.shift(timedelta(seconds=59))

    second = make("ada@example.org")

    assert second == first
    assert (LateLink.select().count(), Mail.select().count()) == (1, 1)
    assert [entry.action for entry in AuditEntry.select()].count("late_link.made") == 1


def test_two_clicks_at_once_make_one_late_link_and_one_mail(make, together):
    links = together(*[make] * 4)

    assert links == [LateLink.get()] * 4
    assert Mail.select().count() == 1


@pytest.mark.parametrize("other", ["address", "language", "organiser"])
def test_late_link_for_somebody_else_is_another(make, cem, desk, other):
    first = make()
    eve = organisers.add("eve@example.org", "correct horse battery staple")

    second = late.make(
        "bo@example.org" if other == "address" else "ada@example.org",
        lang="fr" if other == "language" else "en",
        organiser=eve if other == "organiser" else cem,
        desk=desk,
    )

    assert second != first
    assert Mail.select().count() == 2


def test_late_link_that_has_been_used_is_not_given_again(make, send_with, desk):
    used = make()
    cancel(row_of(send_with(used)), "", desk=desk)

    assert make() != used


def test_newest_late_links_come_first_with_organiser_and_registration(make, send_with, cem):
    used, unused = make("ada@example.org"), make("bo@example.org")
    reference = send_with(used)

    links = late.newest()

    assert links == [unused, used]
    assert [link.organiser.email for link in links] == ["cem@example.org"] * 2
    assert links[0].registration is None
    assert links[1].registration.reference == reference


def test_newest_late_links_are_a_hundred(make, monkeypatch):
    first = make()
    LateLink.insert_many(
        [
            {
                "public_id": number,
                "email": "bo@example.org",
                "language": "en",
                "created_at": TEN_MAY,
                "expires_at": TEN_MAY,
            }
            for number in range(100)
        ]
    ).execute()

    assert len(late.newest()) == 100
    assert first not in late.newest()


def test_late_link_outlives_the_organiser_who_made_it(make, cem):
    link = make()

    organisers.remove(cem.email)

    assert fresh(link).organiser == cem
    assert late.newest() == [link]


@pytest.mark.parametrize("state", ["received", "confirmed"])
@pytest.mark.parametrize("again", ["ada@müller.example", "ADA@xn--mller-kva.example"])
def test_late_link_for_somebody_who_is_registered_is_refused(send, make, closed, state, again):
    closed.move_to(TEN_MAY - timedelta(days=10))
    send(email="Ada@müller.example")
    Registration.update(state=state).execute()
    closed.move_to(TEN_MAY)
    before = [table.select().count() for table in TABLES]

    with pytest.raises(late.Registered):
        make(again)

    assert [table.select().count() for table in TABLES] == before


@pytest.mark.parametrize("state", ["cancelled", "erased"])
def test_late_link_for_somebody_who_was_registered_is_made(send, make, closed, state):
    closed.move_to(TEN_MAY - timedelta(days=10))
    send()
    Registration.update(state=state).execute()
    closed.move_to(TEN_MAY)

    link = make()

    assert late.find(link.public_id) == link


# Using it


def test_register_with_a_late_link_after_the_deadline(make, send, send_with):
    link = make()
    with pytest.raises(RegistrationClosed):
        send()

    reference = send_with(link, needs=NEEDS, consents=["affiliation", "needs"])

    row = row_of(reference)
    assert (row.email, row.state, row.is_late) == ("ada@example.org", "received", True)
    assert fresh(link).registration == row
    assert [mail.kind for mail in Mail.select().order_by(Mail.id)] == ["late", "confirmation"]


def test_register_before_the_deadline_is_not_late(make, send, send_with, closed):
    link = make()
    closed.move_to(TEN_MAY - timedelta(days=10))

    with_link = row_of(send_with(link, key="1"))
    without = row_of(send(key="2", email="bo@example.org"))

    assert (with_link.is_late, without.is_late) == (False, False)
    assert fresh(link).registration is None


@pytest.mark.parametrize("again", ["ADA@Example.ORG", "ada@example.org"])
def test_late_link_works_however_its_address_is_spelt(make, send_with, again):
    reference = send_with(make("Ada@Example.org"), email=again)

    assert row_of(reference).is_late


def test_late_link_works_for_its_address_only(make, send_with):
    link = make("ada@example.org")

    with pytest.raises(RegistrationClosed):
        send_with(link, email="eve@example.org")

    assert Registration.select().count() == 0
    assert fresh(link).registration is None
    assert late.find(link.public_id) == link


@pytest.mark.parametrize("public_id", [None, "", "0" * 32])
def test_unknown_late_link_opens_nothing(make, send, public_id):
    make()

    with pytest.raises(RegistrationClosed):
        send(late_link=public_id)

    assert Registration.select().count() == 0


def test_late_link_works_until_72_hours_have_passed(make, send_with, closed):
    link = make()

    closed.shift(72 * HOURS - timedelta(seconds=1))

    assert late.find(link.public_id) == link
    assert row_of(send_with(link)).is_late


def test_late_link_does_not_work_after_72_hours(make, send_with, closed):
    link = make()

    closed.shift(72 * HOURS)

    assert late.find(link.public_id) is None
    with pytest.raises(RegistrationClosed):
        send_with(link)
    assert Registration.select().count() == 0


def test_late_link_works_once(make, send_with, desk):
    link = make()
    ada = row_of(send_with(link, key="a form"))
    cancel(ada, "", desk=desk)

    with pytest.raises(RegistrationClosed):
        send_with(link, key="a later form")

    assert late.find(link.public_id) is None
    assert [row.reference for row in Registration.select()] == [ada.reference]


def test_form_with_a_late_link_that_is_sent_again_gets_the_same_reference(make, send_with, closed):
    link = make()
    first = send_with(link, key="a form")
    closed.shift(80 * HOURS)

    second = send_with(link, key="a form")

    assert second == first
    assert (Registration.select().count(), Repeat.select().count()) == (1, 0)
    assert [mail.kind for mail in Mail.select().order_by(Mail.id)] == ["late", "confirmation"]


def test_late_link_of_somebody_who_is_registered_changes_nothing(send, make, send_with, closed):
    closed.move_to(TEN_MAY - timedelta(days=2))
    link = make()
    first = send(key="a form")
    closed.move_to(TEN_MAY)

    second = send_with(link, key="a later form", function="President")

    assert second != first
    assert [(row.reference, row.function, row.is_late) for row in Registration.select()] == [
        (first, "International Secretary", False)
    ]
    assert fresh(link).registration is None
    assert [mail.kind for mail in Mail.select().order_by(Mail.id)] == ["late", "confirmation", "repeat"]


def test_one_late_form_from_five_sides_at_once_is_one_registration(make, send_with, together):
    link = make()

    references = together(*[partial(send_with, link)] * 5)

    (row,) = Registration.select()
    assert set(references) == {row.reference}
    assert fresh(link).registration == row


@pytest.mark.parametrize("step", range(1, 9))
def test_late_form_that_arrives_again_while_it_is_being_taken_is_one_registration(
    make, send_with, monkeypatch, step
):
    """The second copy comes in between any two queries that the first one takes."""
    link = make()
    first, queries, references = threading.get_ident(), count(1), []

    def send_elsewhere() -> None:
        with connection():
            references.append(send_with(link))

    second = threading.Thread(target=send_elsewhere)

    def interrupt(query: object) -> None:
        if threading.get_ident() == first and next(queries) == step:
            second.start()
            second.join(0.2)  # no longer: it may have to wait for the transaction of the first

    monkeypatch.setattr(db.obj, "query_hooks", [interrupt])
    references.append(send_with(link))
    second.join()

    assert [row.reference for row in Registration.select()] == [references[0]]
    assert references[0] == references[1]


def test_five_late_forms_of_one_link_at_once_are_one_registration(make, send_with, together):
    link = make()

    def send_late(number: int) -> str | None:
        try:
            return send_with(link, key=f"form {number}")
        except RegistrationClosed:
            return None

    references = together(*[partial(send_late, number) for number in range(5)])

    (row,) = Registration.select()
    assert row.is_late
    assert row.reference in references
    assert fresh(link).registration == row

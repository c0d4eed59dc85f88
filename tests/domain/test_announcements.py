"""Announcements: the right delegates get them, once each, in a language they read; as many as were agreed to."""

import email
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from typing import Any

import pytest

from db import connection, db
from domain import announcements, clock, mail, organisers, outbox
from domain.announcements import NoDraft, NumberChanged, Progress, Unwritten, version_of
from domain.registration import ChangedMeanwhile, cancel, erase
from domain.transport import Deferred, Refused, Unreachable
from domain.worker import CHORES, Worker
from models import Announcement, AuditEntry, Mail, Organiser, Registration

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)
SUBJECT = {"fr": "Navettes", "en": "Shuttles", "es": "Lanzaderas"}
TEXT = {"fr": "Départ à 8 h 30", "en": "They leave at 8:30", "es": "Salen a las 8:30"}


@pytest.fixture
def cem(database: None) -> Organiser:
    return Organiser.create(email="cem@example.org", password_hash="", created_at=clock.now())


@pytest.fixture
def write(cem: Organiser) -> Callable[..., Announcement]:
    """cem writes a draft in some languages, to everybody unless there is a search."""

    def write(*languages: str, search: str = "") -> Announcement:
        languages = languages or ("fr", "en", "es")
        return announcements.draft(
            {lang: SUBJECT[lang] for lang in languages},
            {lang: TEXT[lang] for lang in languages},
            search=search,
            organiser=cem,
        )

    return write


@pytest.fixture
def sent(write: Callable[..., Announcement], cem: Organiser) -> Callable[..., Announcement]:
    """cem writes and sends an announcement; the worker has not begun."""

    def send(*languages: str, search: str = "") -> Announcement:
        announcement = write(*languages, search=search)
        announcements.send(
            announcement, number=announcements.count(search), version=version_of(announcement), organiser=cem
        )
        return fresh(announcement)

    return send


@pytest.fixture
def delegates(listed: Callable[..., Registration]) -> Callable[[int], list[Registration]]:
    return lambda number: [listed() for _ in range(number)]


def fresh(announcement: Announcement) -> Announcement:
    return Announcement.get_by_id(announcement.id)


def recipients() -> list[str]:
    return [mail.recipient for mail in Mail.select(Mail.recipient).order_by(Mail.id)]


def message(registration: Registration) -> EmailMessage:
    mail = Mail.get(Mail.registration == registration)
    return email.message_from_string(mail.message, policy=SMTP)


def log() -> list[tuple[str, dict[str, Any]]]:
    return [(entry.action, entry.details) for entry in AuditEntry.select().order_by(AuditEntry.id)]


def prepare_all(desk) -> int:
    """Let the worker write all mails; how often it had something to do."""
    times = 0
    while announcements.prepare_some(desk):
        times += 1
        assert times < 10
    return times


# Writing


def test_draft_is_stored_and_logged_without_its_words(write, cem, noon):
    announcement = fresh(write("fr", "en", search="union"))

    assert announcement.subject == {"fr": "Navettes", "en": "Shuttles"}
    assert announcement.text == {"fr": "Départ à 8 h 30", "en": "They leave at 8:30"}
    assert (announcement.search, announcement.organiser, announcement.created_at) == ("union", cem, NOON)
    assert (announcement.state, announcement.readers, announcement.sent_at) == ("draft", [], None)
    assert log() == [("announcement.written", {"announcement": announcement.id})]


def test_two_clicks_at_once_make_one_draft(write, cem, together):
    drafts = together(*[write] * 4)

    assert drafts == [Announcement.get()] * 4
    assert log() == [("announcement.written", {"announcement": drafts[0].id})]


@pytest.mark.parametrize("other", ["languages", "search", "organiser", "time", "state"])
def test_draft_that_is_not_the_same_is_another(write, cem, noon, other):
    first = write()
    noon.shift(60 if other == "time" else 59)
    if other == "organiser":
        Announcement.update(organiser=None).execute()
    if other == "state":
        Announcement.update(state="sent").execute()

    second = write(*(["fr"] if other == "languages" else []), search="union" if other == "search" else "")

    assert second != first


def test_draft_gets_other_words(write, cem):
    announcement = write()

    announcements.amend(
        announcement, {"en": "Coaches"}, {"en": "At nine"}, version=version_of(announcement), organiser=cem
    )

    again = fresh(announcement)
    assert (again.subject, again.text, again.state) == ({"en": "Coaches"}, {"en": "At nine"}, "draft")
    assert log()[-1] == ("announcement.changed", {"announcement": announcement.id})


def test_draft_that_another_has_changed_keeps_their_words(write, cem):
    announcement = write()
    shown = version_of(announcement)
    announcements.amend(announcement, {"en": "Coaches"}, {"en": "At nine"}, version=shown, organiser=cem)
    before = log()

    with pytest.raises(ChangedMeanwhile):
        announcements.amend(announcement, {"en": "Taxis"}, {"en": "At ten"}, version=shown, organiser=cem)

    assert (fresh(announcement).subject, log()) == ({"en": "Coaches"}, before)


def test_one_of_two_who_change_a_draft_at_once_is_told(write, cem, together):
    announcement = write()

    def change(subject: str) -> str:
        shown, words = version_of(announcement), {"en": subject}
        try:
            announcements.amend(announcement, words, words, version=shown, organiser=cem)
        except ChangedMeanwhile:
            return "told"
        return "stored"

    answers = together(partial(change, "Coaches"), partial(change, "Taxis"))

    assert sorted(answers) == ["stored", "told"]


def test_second_click_changes_a_draft_no_more(write, cem):
    announcement = write()
    shown = version_of(announcement)

    for _ in range(2):
        announcements.amend(announcement, {"en": "Coaches"}, {"en": "At nine"}, version=shown, organiser=cem)

    assert [action for action, _ in log()] == ["announcement.written", "announcement.changed"]


@pytest.mark.parametrize("column", ["subject", "text", "search"])
def test_version_is_another_when_anything_else_is_written_or_to_others(write, column):
    announcement = write()
    before = version_of(announcement)
    reordered = {lang: SUBJECT[lang] for lang in reversed(SUBJECT)}
    assert version_of(Announcement(subject=reordered, text=TEXT)) == version_of(fresh(announcement)) == before

    setattr(announcement, column, "union" if column == "search" else {"en": "Coaches"})

    assert version_of(announcement) != before


def test_words_stay_once_it_is_sent(sent, delegates, cem):
    delegates(1)
    announcement = sent()
    before = log()

    with pytest.raises(NoDraft):
        announcements.amend(
            announcement,
            {"en": "Coaches"},
            {"en": "At nine"},
            version=version_of(announcement),
            organiser=cem,
        )

    assert (fresh(announcement).subject, log()) == (SUBJECT, before)


# Who gets it


def test_readers_are_those_whose_registration_holds(listed):
    states = ("confirmed", "cancelled", "received", "erased")
    rows = [listed(columns={"state": state}) for state in states]

    assert announcements.readers_of("") == [rows[0].id, rows[2].id]
    assert announcements.count("") == 2


def test_readers_are_those_whom_the_search_of_the_list_finds(listed):
    bo = listed(family_name="Güneşoğlu")
    listed()
    listed(family_name="Güneşoğlu", columns={"state": "cancelled"})

    assert announcements.readers_of("gunesoglu") == [bo.id]
    assert (announcements.count("gunesoglu"), announcements.count("nobody of this name")) == (1, 0)


# Sending


def test_sending_settles_who_the_readers_are(write, listed, cem, noon):
    ada, bo = listed(), listed()
    announcement = write()

    announcements.send(announcement, number=2, version=version_of(announcement), organiser=cem)

    listed()
    again = fresh(announcement)
    assert (again.state, again.readers, again.total) == ("sending", [ada.id, bo.id], 2)
    assert (again.prepared, again.sent_at, again.organiser) == (0, NOON, cem)
    assert log()[-1] == ("announcement.sent", {"announcement": announcement.id, "readers": 2})
    assert recipients() == []


@pytest.mark.parametrize("number", [0, 1, 3, -2])
def test_another_number_sends_nothing(write, delegates, cem, number):
    delegates(2)
    announcement = write()
    before = log()

    with pytest.raises(NumberChanged) as refusal:
        announcements.send(announcement, number=number, version=version_of(announcement), organiser=cem)

    assert refusal.value.actual == 2
    assert (fresh(announcement).state, fresh(announcement).readers, log()) == ("draft", [], before)


def test_draft_that_is_changed_meanwhile_is_not_sent(write, delegates, cem):
    delegates(1)
    announcement = write()
    shown = version_of(announcement)
    announcements.amend(announcement, {"en": "Coaches"}, {"en": "At nine"}, version=shown, organiser=cem)
    before = log()

    with pytest.raises(ChangedMeanwhile):
        announcements.send(announcement, number=1, version=shown, organiser=cem)

    assert (fresh(announcement).state, log()) == ("draft", before)


def test_somebody_who_registers_meanwhile_changes_the_number(write, delegates, cem):
    delegates(2)
    announcement = write()
    agreed = announcements.count("")
    delegates(1)

    with pytest.raises(NumberChanged) as refusal:
        announcements.send(announcement, number=agreed, version=version_of(announcement), organiser=cem)

    assert refusal.value.actual == 3
    announcements.send(announcement, number=3, version=version_of(announcement), organiser=cem)
    assert fresh(announcement).total == 3


def test_nothing_is_sent_to_nobody(write, cem):
    announcement = write(search="nobody of this name")

    with pytest.raises(NumberChanged):
        announcements.send(announcement, number=0, version=version_of(announcement), organiser=cem)

    assert fresh(announcement).state == "draft"


@pytest.mark.parametrize(
    ("subject", "text"), [({}, {}), ({"en": "Shuttles"}, {"fr": "Départ"}), ({"en": ""}, {"en": "At nine"})]
)
def test_draft_without_a_whole_language_is_not_sent(delegates, cem, subject, text):
    delegates(1)
    announcement = announcements.draft(subject, text, search="", organiser=cem)

    with pytest.raises(Unwritten):
        announcements.send(announcement, number=1, version=version_of(announcement), organiser=cem)

    assert fresh(announcement).state == "draft"


def test_two_clicks_at_once_send_once(write, delegates, cem, together):
    delegates(2)
    announcement = write()

    def click() -> str:
        try:
            announcements.send(announcement, number=2, version=version_of(announcement), organiser=cem)
        except NoDraft:
            return "no draft"
        return "sent"

    answers = together(click, click, click)

    assert sorted(answers) == ["no draft", "no draft", "sent"]
    assert [action for action, _ in log()].count("announcement.sent") == 1


def test_sending_wakes_the_worker(write, delegates, cem):
    delegates(1)
    announcement = write()
    outbox.wake.clear()

    announcements.send(announcement, number=1, version=version_of(announcement), organiser=cem)

    assert outbox.wake.is_set()


# Preparing


def test_worker_writes_the_mails_fifty_at_a_time(sent, delegates, desk):
    everybody = [row.email for row in delegates(120)]
    announcement = sent()

    counts = []
    while announcements.prepare_some(desk):
        again = fresh(announcement)
        counts.append((again.prepared, again.state, Mail.select().count()))
        assert len(counts) < 10

    assert counts == [(50, "sending", 50), (100, "sending", 100), (120, "sent", 120)]
    assert recipients() == everybody


def test_exact_batches_end_without_an_empty_one(sent, delegates, desk):
    delegates(50)
    announcement = sent()

    assert prepare_all(desk) == 1
    assert (fresh(announcement).state, Mail.select().count()) == ("sent", 50)


def test_mail_belongs_to_its_announcement_and_its_delegate(sent, listed, desk, noon):
    ada = listed()
    announcement = sent()

    prepare_all(desk)

    mail = Mail.get()
    assert (mail.kind, mail.state, mail.language) == ("announcement", "queued", "en")
    assert (mail.announcement_id, mail.registration_id) == (announcement.id, ada.id)
    assert mail.once == f"announcement:{announcement.id}:{ada.public_id}"
    assert (mail.recipient, mail.due_at) == (ada.email, NOON)


@pytest.mark.parametrize(
    ("written", "reads", "gets"),
    [
        (("fr", "en", "es"), "es", "es"),
        (("fr", "en", "es"), "fr", "fr"),
        (("fr", "en"), "es", "en"),
        (("fr", "es"), "en", "fr"),
        (("en", "es"), "fr", "en"),
        (("es",), "fr", "es"),
    ],
)
def test_everybody_gets_a_language_that_is_written(sent, listed, desk, written, reads, gets):
    ada = listed(columns={"language": reads})
    sent(*written)

    prepare_all(desk)

    mail = message(ada)
    assert mail["Subject"] == f"{SUBJECT[gets]} – {ada.reference}"
    assert mail["Content-Language"] == reads
    assert TEXT[gets] in mail.get_body(("plain",)).get_content()


def test_half_a_language_counts_as_none(listed, cem, desk):
    ada = listed(columns={"language": "fr"})
    draft = announcements.draft(
        {"fr": "Navettes", "en": "Shuttles"}, {"en": TEXT["en"]}, search="", organiser=cem
    )
    announcements.send(draft, number=1, version=version_of(draft), organiser=cem)

    prepare_all(desk)

    assert message(ada)["Subject"] == f"Shuttles – {ada.reference}"


def test_who_has_cancelled_or_erased_meanwhile_gets_nothing(sent, stored, desk):
    ada, bo, eve = (
        stored(email=f"{name}@example.org", key=name, family_name=f"Canary {name}")
        for name in ("ada", "bo", "eve")
    )
    Mail.delete().execute()
    announcement = sent()
    cancel(ada, "", desk=desk)
    erase(eve, is_blocking=False, desk=desk)
    Mail.delete().execute()

    prepare_all(desk)

    assert recipients() == [bo.email]
    assert fresh(announcement).state == "sent"
    assert announcements.progress(announcement) == Progress(
        total=3, prepared=3, accepted=0, waiting=1, failed=0
    )
    assert announcements.progress(announcement).left_out == 2


def test_erasing_takes_a_mail_back_that_is_on_its_way(sent, stored, desk):
    ada = stored(email="ada@example.org")
    Mail.delete().execute()
    announcement = sent()
    prepare_all(desk)
    assert Mail.select().where(Mail.announcement == announcement).count() == 1

    erase(ada, is_blocking=False, desk=desk)

    assert Mail.select().where(Mail.announcement == announcement).count() == 0


def test_new_address_counts_until_the_mail_is_written(sent, listed, desk):
    ada = listed()
    sent()
    Registration.update(email="ada@example.net").where(Registration.id == ada.id).execute()

    prepare_all(desk)

    assert recipients() == ["ada@example.net"]


def test_mail_that_no_longer_fits_is_composed_anew(sent, stored, change, desk, monkeypatch):
    ada, bo = (stored(email=f"{name}@example.org", key=name) for name in ("ada", "bo"))
    sent()

    def meanwhile() -> Any:
        monkeypatch.undo()
        change(ada, family_name="Byron", lang="fr")
        cancel(bo, "", desk=desk)
        Mail.delete().execute()
        return announcements.write()

    monkeypatch.setattr(announcements, "write", meanwhile)
    announcements.prepare_some(desk)

    assert recipients() == [ada.email]
    assert "Bonjour Ada Byron," in message(ada).get_body(("plain",)).get_content()


def test_mails_are_composed_before_anybody_has_to_wait(sent, delegates, desk, monkeypatch):
    delegates(3)
    sent()
    composed: list[bool] = []

    def compose(*given: Any, **named: Any) -> EmailMessage:
        composed.append(db.in_transaction())
        return mail.compose(*given, **named)

    monkeypatch.setattr(announcements, "compose", compose)
    announcements.prepare_some(desk)

    assert composed == [False] * 3


def test_announcement_that_was_sent_first_comes_first(write, delegates, cem, desk, noon):
    delegates(1)
    written_first, sent_first = write("fr"), write("en")
    announcements.send(sent_first, number=1, version=version_of(sent_first), organiser=cem)
    noon.shift(timedelta(seconds=1))
    announcements.send(written_first, number=1, version=version_of(written_first), organiser=cem)

    announcements.prepare_some(desk)

    assert (fresh(sent_first).state, fresh(written_first).state) == ("sent", "sending")


def test_two_workers_at_once_write_each_mail_once(sent, delegates, desk, together):
    everybody = [row.email for row in delegates(120)]
    announcement = sent()

    def work() -> int:
        return prepare_all(desk)

    while fresh(announcement).state == "sending":  # who was too slow leaves it to the other
        together(work, work, work)

    assert sorted(recipients()) == sorted(everybody)
    assert (fresh(announcement).prepared, fresh(announcement).state) == (120, "sent")


def test_slower_worker_leaves_the_batch_to_the_faster_one(sent, delegates, desk, monkeypatch):
    delegates(60)
    announcement = sent()

    def meanwhile() -> Any:
        monkeypatch.undo()
        assert announcements.prepare_some(desk)
        return announcements.write()

    monkeypatch.setattr(announcements, "write", meanwhile)
    did_something = announcements.prepare_some(desk)

    assert not did_something
    assert (fresh(announcement).prepared, Mail.select().count()) == (50, 50)


def test_nothing_more_is_written_once_it_is_stopped(sent, delegates, desk, cem, monkeypatch):
    delegates(1)
    announcement = sent()

    def meanwhile() -> Any:
        monkeypatch.undo()
        announcements.stop(announcement, organiser=cem)
        return announcements.write()

    monkeypatch.setattr(announcements, "write", meanwhile)
    did_something = announcements.prepare_some(desk)

    assert not did_something
    assert (fresh(announcement).state, fresh(announcement).prepared, recipients()) == ("stopped", 0, [])


def test_idle_worker_asks_one_question(sent, delegates, desk, monkeypatch):
    delegates(1)
    sent()
    prepare_all(desk)
    queries: list[str] = []
    monkeypatch.setattr(db.obj, "query_hooks", [queries.append])

    assert not announcements.prepare_some(desk)

    assert len(queries) == 1


def test_worker_sends_everything_by_itself(sent, delegates, desk, make_settings):
    delegates(60)
    announcement = sent()
    worker = Worker(make_settings(), desk)

    worker.attempt(worker.send_all)

    assert announcements.prepare_some in CHORES
    assert announcements.progress(announcement) == Progress(
        total=60, prepared=60, accepted=60, waiting=0, failed=0
    )


# Stopping


def test_stopping_takes_back_what_waits_and_writes_no_more(sent, delegates, desk, cem):
    delegates(120)
    announcement = sent()
    announcements.prepare_some(desk)
    states = ("accepted", "sending", "failed", "retrying")
    for number, state in zip(Mail.select(Mail.id).order_by(Mail.id).limit(4).tuples(), states, strict=True):
        Mail.update(state=state).where(Mail.id == number).execute()

    announcements.stop(announcement, organiser=cem)

    assert [mail.state for mail in Mail.select().order_by(Mail.id)] == ["accepted", "sending", "failed"]
    assert not announcements.prepare_some(desk)
    assert fresh(announcement).state == "stopped"
    assert log()[-1] == ("announcement.stopped", {"announcement": announcement.id, "mails": 47})
    assert announcements.progress(announcement) == Progress(
        total=120, prepared=50, accepted=1, waiting=1, failed=1
    )
    assert announcements.progress(announcement).left_out == 117


def test_stopping_takes_back_what_waits_when_all_is_written(sent, delegates, desk, cem):
    delegates(2)
    announcement = sent()
    announcements.prepare_some(desk)
    assert fresh(announcement).state == "sent"

    announcements.stop(announcement, organiser=cem)

    assert (fresh(announcement).state, list(Mail.select())) == ("stopped", [])


def test_stopping_while_the_last_mails_are_written_takes_them_back(sent, delegates, desk, cem, monkeypatch):
    delegates(3)
    announcement = sent()

    def stop() -> None:
        with connection():
            announcements.stop(announcement, organiser=cem)

    def hold(*given: Any, **named: Any) -> None:
        monkeypatch.undo()
        stopping.append(pool.submit(stop))
        wait(stopping, timeout=0.3)  # it cannot be done before the worker is
        outbox.enqueue(*given, **named)

    stopping: list[Future[None]] = []
    monkeypatch.setattr(outbox, "enqueue", hold)
    with ThreadPoolExecutor(1) as pool:
        announcements.prepare_some(desk)
        stopping[0].result(timeout=10)

    assert (fresh(announcement).state, list(Mail.select())) == ("stopped", [])


@pytest.fixture
def in_hand(sent, delegates, desk, cem) -> Mail:
    """The only mail of an announcement, which was stopped while a worker had it in hand."""
    delegates(1)
    announcement = sent()
    announcements.prepare_some(desk)
    mail = outbox.claim("a worker")
    announcements.stop(fresh(announcement), organiser=cem)
    mail.announcement = fresh(announcement)
    return mail


def full_for_today(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_TO_ONE", 1)
    Mail.insert(
        kind="link", language="en", recipient=mail.recipient, message="", message_id="other", once="other",
        state="accepted", due_at=clock.now(), created_at=clock.now(), accepted_at=clock.now(),
    ).execute()  # fmt: skip


def test_stopping_holds_while_the_only_mail_is_in_hand(in_hand):
    announcement = in_hand.announcement

    progress = announcements.progress(announcement)

    assert announcement.state == "stopped"
    assert (progress.waiting, progress.left_out) == (1, 0)
    assert log()[-1] == ("announcement.stopped", {"announcement": announcement.id, "mails": 0})


@pytest.mark.parametrize(
    ("come_back", "error"),
    [(outbox.failed, Deferred("451 4.3.0 Later")), (outbox.put_back, Unreachable("421 Closing"))],
)
def test_mail_in_hand_that_comes_back_after_the_stop_is_taken_out(in_hand, come_back, error):
    come_back(in_hand, error)

    assert list(Mail.select()) == []
    assert announcements.progress(in_hand.announcement).left_out == 1


def test_mail_in_hand_that_would_wait_for_tomorrow_is_taken_out_after_the_stop(in_hand, monkeypatch):
    full_for_today(in_hand, monkeypatch)

    assert outbox.hold_back(in_hand)

    assert [mail.kind for mail in Mail.select()] == ["link"]


def test_mail_in_hand_that_is_accepted_after_the_stop_counts_as_sent(in_hand):
    outbox.accepted(in_hand)

    assert announcements.progress(in_hand.announcement).accepted == 1


def test_mail_in_hand_that_is_refused_after_the_stop_is_shown_as_failed(in_hand):
    outbox.failed(in_hand, Refused("550 5.1.1 No such user here"))

    assert announcements.progress(in_hand.announcement).failed == 1


def test_mail_that_is_somebody_elses_by_now_is_not_taken_out(in_hand):
    Mail.update(owner="another worker").execute()

    outbox.failed(in_hand, Deferred("451 4.3.0 Later"))

    assert [mail.state for mail in Mail.select()] == ["sending"]


def test_mail_that_comes_back_in_the_moment_of_the_stop_is_taken_out(sent, delegates, desk, cem, monkeypatch):
    delegates(1)
    announcement = sent()
    announcements.prepare_some(desk)
    mail = outbox.claim("a worker")

    def stop() -> None:
        with connection():
            announcements.stop(announcement, organiser=cem)

    def settle(*given: Any, **named: Any) -> None:
        monkeypatch.undo()
        stopping.append(pool.submit(stop))
        wait(stopping, timeout=0.3)  # it cannot be done before the mail is settled
        outbox._settle(*given, **named)

    stopping: list[Future[None]] = []
    monkeypatch.setattr(outbox, "_settle", settle)
    with ThreadPoolExecutor(1) as pool:
        outbox.failed(mail, Deferred("451 4.3.0 Later"))
        stopping[0].result(timeout=10)

    assert (fresh(announcement).state, list(Mail.select())) == ("stopped", [])


def test_stopping_leaves_other_mails_alone(sent, stored, desk, cem):
    stored(email="ada@example.org")
    announcement, other = sent(), sent()
    prepare_all(desk)
    Announcement.update(state="sending").execute()

    announcements.stop(announcement, organiser=cem)

    left = [(mail.kind, mail.announcement_id) for mail in Mail.select().order_by(Mail.id)]
    assert left == [("confirmation", None), ("announcement", other.id)]


@pytest.mark.parametrize("state", ["draft", "stopped", "sent"])
def test_only_what_is_being_sent_is_stopped(sent, delegates, cem, state):
    delegates(1)
    announcement = sent()
    Announcement.update(state=state).execute()
    before = log()

    announcements.stop(announcement, organiser=cem)

    assert (fresh(announcement).state, log()) == (state, before)


def test_stopped_once_for_all_by_two_at_once(sent, delegates, cem, together):
    delegates(1)
    announcement = sent()

    together(*[partial(announcements.stop, announcement, organiser=cem) for _ in range(2)])

    assert [action for action, _ in log()].count("announcement.stopped") == 1


# Looking


def test_progress_counts_delegates(sent, delegates, desk):
    delegates(60)
    announcement = sent()
    assert announcements.progress(announcement) == Progress(
        total=60, prepared=0, accepted=0, waiting=60, failed=0
    )
    announcements.prepare_some(desk)
    states = ("accepted", "accepted", "sending", "retrying", "failed")
    for number, state in zip(Mail.select(Mail.id).limit(5).tuples(), states, strict=True):
        Mail.update(state=state).where(Mail.id == number).execute()

    progress = announcements.progress(announcement)

    assert progress == Progress(total=60, prepared=50, accepted=2, waiting=57, failed=1)
    assert progress.left_out == 0


def test_progress_asks_one_question(sent, delegates, monkeypatch):
    delegates(1)
    announcement = sent()
    queries: list[str] = []
    monkeypatch.setattr(db.obj, "query_hooks", [queries.append])

    announcements.progress(announcement)

    assert len(queries) == 1


def test_list_has_the_newest_first_and_reads_neither_texts_nor_readers(
    sent, write, delegates, cem, monkeypatch
):
    delegates(1)
    first, second = sent(), write()
    queries: list[Any] = []
    monkeypatch.setattr(db.obj, "query_hooks", [queries.append])

    newest = announcements.newest()

    assert [(one.id, one.state, one.total, one.organiser.email) for one in newest] == [
        (second.id, "draft", 0, cem.email),
        (first.id, "sending", 1, cem.email),
    ]
    assert len(queries) == 1
    assert '"readers"' not in str(queries)
    assert '"text"' not in str(queries)


def test_announcement_outlives_its_organiser(write, cem):
    announcement = write()

    organisers.remove(cem.email)

    assert announcements.find(announcement.id).organiser == cem
    assert announcements.find(announcement.id + 1) is None


def test_preview_is_the_mail_to_somebody_who_does_not_exist(write, listed, desk):
    ada = listed()
    announcement = write("en")

    mail = announcements.preview(announcement, "es", desk=desk)

    text = mail.get_body(("plain",)).get_content()
    assert mail["Subject"] == "Shuttles – OB17-0000-00"
    assert mail["Content-Language"] == "es"
    assert "Alex Example" in text
    assert "https://convoke.example/es/r/example\n" in text
    assert "They leave at 8:30" in text
    assert (ada.public_id in text, ada.reference in text) == (False, False)
    assert Mail.select().count() == 0

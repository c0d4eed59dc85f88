"""The migrations make exactly what the models say, on both databases, however often and by however many at once."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest
from factories import ADA, make_answers
from peewee import CharField, IntegrityError
from playhouse.migrations import Runner
from playhouse.schema_diff import diff_models

from config import ROOT
from db import connection, db, migrations, on_sqlite, open_database, upgrade
from domain import conference
from domain.answers import answers_of
from domain.desk import Desk
from domain.registration import build
from models import EMPTIED, KEPT, TABLES, Consent, Mail, Registration, Repeat

NAMES = [path.stem for path in sorted((ROOT / "migrations").glob("[0-9]*.py"))]
UPGRADE = """
import sys
from db import db, open_database, upgrade

db.initialize(open_database(sys.argv[1]))
print(len(upgrade()))
"""

_numbers = count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def make_address(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """The addresses of databases that are empty."""

    def on_sqlite() -> str:
        return f"sqlite:///{tmp_path}/fresh{next(_numbers)}.db"

    def on_postgresql() -> str:
        server = request.getfixturevalue("postgresql")
        name = f"fresh{next(_numbers)}"
        with psycopg.connect(server, autocommit=True) as session:
            session.execute(f"CREATE DATABASE {name}")
        return str(server.replace("/convoke?", f"/{name}?"))

    return on_sqlite if request.param == "sqlite" else on_postgresql


@pytest.fixture
def use() -> Iterator[Callable[[str], None]]:
    """Open a database in place of the one that the other tests use."""
    kept, opened = db.obj, []

    def use(address: str) -> None:
        db.initialize(open_database(address))
        opened.append(db.obj)

    yield use
    for database in opened:
        database.close_all()
    db.initialize(kept)


@pytest.fixture
def empty(make_address: Callable[[], str], use: Callable[[str], None]) -> None:
    use(make_address())


@pytest.fixture
def upgraded(empty: None) -> Iterator[None]:
    """A connection to a database that was empty and has been upgraded."""
    upgrade()
    with connection():
        yield


def columns() -> dict[str, list[tuple[str, str, bool]]]:
    """Every table's columns by name: a column that was added later stands at the end of its table."""
    return {
        table: sorted((column.name, column.data_type, column.null) for column in db.get_columns(table))
        for table in (model._meta.table_name for model in TABLES)
    }


def somebody(**given: str) -> Registration:
    desk = Desk(
        conference=conference.load(ROOT / "conferences" / "oulan-bator-2017"),
        sender="",
        reply_to=None,
        link=lambda *_: "",
        new_address=lambda *_: "",
        late_link=lambda _: "",
        home=lambda _: "",
        list_page=lambda: "",
    )
    row = build(make_answers(), lang="en", form_key=str(next(_numbers)), desk=desk)
    for name, value in given.items():
        setattr(row, name, value)
    return row


def test_upgrade_makes_the_tables_and_indexes_of_the_models(upgraded):
    difference = diff_models(db.obj, TABLES)

    only_here = [index.name for index in difference.drop_indexes]
    assert only_here == (["registration_search_state"] if on_sqlite() else [])
    assert not difference._replace(drop_indexes=[])


def test_upgrade_makes_the_columns_of_the_models(make_address, use):
    use(make_address())
    upgrade()
    with connection():
        migrated = columns()
    use(make_address())
    with connection():
        db.create_tables(TABLES)

        assert columns() == migrated


def test_upgrade_tells_what_it_applied(empty):
    before = migrations()

    applied = upgrade()

    assert before == [(name, False) for name in NAMES]
    assert applied == NAMES
    assert migrations() == [(name, True) for name in NAMES]


def test_upgrade_a_second_time_changes_nothing(upgraded):
    somebody().save(force_insert=True)
    before = columns()

    applied = upgrade()

    assert applied == []
    assert columns() == before
    assert Registration.select().count() == 1


def test_upgrade_by_four_processes_at_once_works_for_each(make_address, use):
    address = make_address()

    processes = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, address], cwd=ROOT, stdout=-1, stderr=-1, text=True)
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]

    assert [process.returncode for process in processes] == [0] * 4, outputs
    assert sorted(int(printed) for printed, _ in outputs) == [0, 0, 0, len(NAMES)]
    use(address)
    assert migrations() == [(name, True) for name in NAMES]


def insert_as_the_first_release_does() -> None:
    """Put ada on the list, with a consent and a repeat, through the tables as they were at first."""
    first = Runner(db.obj, str(ROOT / "migrations")).migrations()[0].load()
    noon = datetime(2017, 4, 10, 12)
    columns = {name: make_answers().__dict__[name] for name in ADA}
    columns |= dict.fromkeys(("name_key", "organisation_key", "search"), "")
    columns |= {name: name for name in ("public_id", "reference", "form_key", "address_key")}
    columns |= {
        "state": "received",
        "language": "en",
        "sessions": [],
        "interpretation": "en",
        "visa_state": "none",
    }
    columns |= {"link_version": 1, "sequence": 0}
    with db.bind_ctx((first.Registration, first.Consent, first.Repeat)):
        ada = first.Registration.create(**columns, created_at=noon, updated_at=noon)
        first.Consent.create(registration=ada, kind="photo", version="1", language="en", given_at=noon)
        first.Repeat.create(registration=ada, reference="a repeat", form_key="a later form", created_at=noon)


def assert_ada_is_whole() -> None:
    (row,) = Registration.select()
    assert (row.name, row.days, row.mobile) == ("Ada Lovelace", ["2017-05-25"], None)
    assert (row.travel, row.hotel, row.extra, row.is_late) == ("", "", {}, False)
    assert (row.journey, row.stay, row.cancel_reason, row.pending_email) == (None, None, None, None)
    assert answers_of(row).consents == ["photo"]
    (repeat,) = Repeat.select()
    assert (repeat.registration, repeat.reference, repeat.form_key) == (row, "a repeat", "a later form")
    assert repeat.created_at == datetime(2017, 4, 10, 12, tzinfo=UTC)


def test_upgrade_keeps_the_registrations_of_the_first_release(empty):
    with connection():
        Runner(db.obj, str(ROOT / "migrations")).up(NAMES[0])
        insert_as_the_first_release_does()

    upgrade()

    with connection():
        assert_ada_is_whole()


def test_upgrade_keeps_the_mails_that_there_are(empty):
    with connection():
        Runner(db.obj, str(ROOT / "migrations")).up(NAMES[9])
        insert_as_the_first_release_does()
        ada = Registration.get()
        given = {"kind": "confirmation", "language": "en", "recipient": ada.email, "message": ""}
        given |= {
            "registration": ada,
            "message_id": "<a>",
            "due_at": ada.created_at,
            "created_at": ada.created_at,
        }
        Mail.create(**given, once="a")
        before = list(Mail.select().tuples())

    upgrade()

    with connection():
        assert list(Mail.select().tuples()) == before
        for wrong in ({"once": "a"}, {"once": "b", "message_id": "<b>", "state": "lost"}):
            with pytest.raises(IntegrityError), db.atomic():
                Mail.create(**given | wrong)


def test_upgrade_finds_the_words_of_the_names_that_there_are(empty):
    with connection():
        Runner(db.obj, str(ROOT / "migrations")).up(NAMES[0])
        insert_as_the_first_release_does()
        db.execute_sql("UPDATE registration SET name_key = 'lovelace ada mary'")

    upgrade()

    with connection():
        assert Registration.get().name_words == "ada lovelace mary"


def test_upgrade_folds_the_letters_without_an_accent_that_there_are(empty):
    folded = "łukasz æro d’arcy"
    with connection():
        Runner(db.obj, str(ROOT / "migrations")).up(NAMES[0])
        insert_as_the_first_release_does()
        db.execute_sql(
            f"UPDATE registration SET name_key = '{folded}', organisation_key = '{'æ' * 200}', search = '{folded}'"
        )

    upgrade()

    with connection():
        row = Registration.get()
    assert (row.name_key, row.search) == ("lukasz aero d'arcy", "lukasz aero d'arcy")
    assert row.name_words == "aero d'arcy lukasz"
    assert row.organisation_key == "ae" * 100


def test_first_release_still_runs_on_the_new_tables(upgraded):
    insert_as_the_first_release_does()

    assert_ada_is_whole()


def test_database_keeps_one_consent_of_a_kind_that_holds(upgraded):
    row = somebody()
    row.save(force_insert=True)
    consent = {
        "registration": row,
        "kind": "photo",
        "version": "1",
        "language": "en",
        "given_at": row.created_at,
    }
    for _ in range(2):
        Consent.create(**consent, withdrawn_at=row.created_at)
    Consent.create(**consent)

    with pytest.raises(IntegrityError):
        Consent.create(**consent | {"version": "2"})


@pytest.fixture
def repeated(empty: None) -> Iterator[Repeat]:
    """A repeat of the first release, in a database that has been upgraded since; a connection to it."""
    with connection():
        Runner(db.obj, str(ROOT / "migrations")).up(NAMES[0])
        insert_as_the_first_release_does()
    upgrade()
    with connection():
        yield Repeat.get()


def test_database_keeps_references_of_no_registration(repeated):
    Repeat.create(reference="another", form_key="another form", created_at=repeated.created_at)

    assert [one.registration_id for one in Repeat.select().order_by(Repeat.id)] == [
        repeated.registration_id, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [{"reference": "a repeat"}, {"form_key": "a later form"}, {"registration": 4711}],
    ids=lambda given: " ".join(given),
)
def test_database_still_refuses_what_was_wrong_in_a_repeat(repeated, given):
    columns = {"registration": None, "reference": "another", "form_key": "another form"}

    with pytest.raises(IntegrityError):
        Repeat.create(**columns | given, created_at=repeated.created_at)


@pytest.mark.parametrize(
    ("column", "value"),
    [("state", "lost"), ("visa_state", "perhaps"), ("travel", "walking"), ("hotel", "tent")],
)
def test_database_refuses_a_state_that_there_is_not(upgraded, column, value):
    with pytest.raises(IntegrityError):
        somebody(**{column: value}).save(force_insert=True)


def test_database_refuses_a_second_active_registration_of_an_address(upgraded):
    somebody(state="cancelled").save(force_insert=True)
    somebody(state="received").save(force_insert=True)

    with pytest.raises(IntegrityError):
        somebody(state="confirmed").save(force_insert=True)


@pytest.mark.parametrize("make_address", ["postgresql"], indirect=True)
def test_postgresql_sorts_what_the_list_sorts_by_bytes_like_sqlite(upgraded):
    collations = db.execute_sql(
        "SELECT column_name, collation_name FROM information_schema.columns WHERE table_name = 'registration'"
    ).fetchall()

    by_bytes = {column for column, collation in collations if collation == "C"}

    assert by_bytes == {column.column_name for column in (*EMPTIED, *KEPT) if isinstance(column, CharField)}


def test_difference_between_models_and_tables_is_noticed(upgraded):
    db.execute_sql("ALTER TABLE registration ADD COLUMN colour VARCHAR(10)")
    db.execute_sql("DROP INDEX registration_active_address")

    difference = diff_models(db.obj, TABLES)

    assert difference.drop_columns == [("registration", "colour")]
    assert [index.name for index in difference.add_indexes] == ["registration_active_address"]

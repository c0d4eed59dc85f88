"""The database: opening, pooling, upgrading, writing, and telling an outage from a mistake."""

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import SQL, Database, DatabaseProxy, NodeList, SqliteDatabase
from playhouse.db_url import connect, parse
from playhouse.migrations import Runner

from config import ROOT

MIGRATIONS = ROOT / "migrations"
LONGEST_WAIT = 5  # seconds for a connection, a lock, a turn: well below what a browser waits for an answer
ADVISORY_LOCK = 20170525
SQLITE_OUTAGES = {"SQLITE_BUSY", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_LOCKED"}
SQLSTATE_OUTAGES = {"08", "53", "57"}  # connection, resources, operator intervention (PostgreSQL, appendix A)

db = DatabaseProxy()
_one_writer = threading.RLock()
_known_files: dict[str, tuple[int, int] | None] = {}


def open_database(url: str, *, threads: int = 16) -> Database:
    """Open `sqlite:///path` or `postgresql://…` with a pool that outnumbers the threads."""
    if url.startswith("sqlite"):
        Path(parse(url)["database"]).parent.mkdir(parents=True, exist_ok=True)
        return connect(
            url.replace("sqlite:", "sqlite+pool:", 1),
            autoconnect=False,
            check_same_thread=False,  # the pool hands a connection to one thread at a time, but not always the same
            timeout=LONGEST_WAIT,
            max_connections=threads * 2 + 8,
            lock_type="IMMEDIATE",
            pragmas={
                "journal_mode": "wal",
                "synchronous": "full",
                "foreign_keys": 1,
                "busy_timeout": LONGEST_WAIT * 1000,
                "cache_size": -16000,
                "wal_autocheckpoint": 4000,  # pages: the worker waits for the disk less often
                "secure_delete": 1,  # what is erased is overwritten
            },
        )
    return connect(
        url.replace("postgresql:", "postgresql+pool:", 1),
        unquote_user=True,
        unquote_password=True,
        prefer_psycopg3=True,
        autoconnect=False,
        max_connections=threads * 2 + 8,
        stale_timeout=300,
        timeout=LONGEST_WAIT,
        connect_timeout=3,
    )


def on_sqlite() -> bool:
    return isinstance(db.obj, SqliteDatabase)


class DatabaseOut(Exception):
    """The database is full, locked or gone: nothing was stored, and the same again may work in a while."""


@contextmanager
def write() -> Iterator[None]:
    """One transaction, all or nothing. Raises DatabaseOut when its turn does not come.

    On SQLite the writers of a process queue here, in order, instead of in SQLite's busy handler, which starves some.
    """
    with turn(), db.atomic():
        yield


@contextmanager
def turn() -> Iterator[None]:
    """Our turn to write: of one statement, which is a transaction by itself. Raises DatabaseOut when it does not come.

    On SQLite the threads of a process take turns; PostgreSQL sees to that.
    """
    if not on_sqlite():
        yield
        return
    if not _one_writer.acquire(timeout=LONGEST_WAIT):
        raise DatabaseOut
    try:
        yield
    finally:
        _one_writer.release()


def held(rows: Any) -> Any:
    """The query, so that nobody else changes its rows until the transaction that is open has ended.

    On PostgreSQL it waits for whoever is changing them, and what is asked next sees what came of it. On SQLite, where
    one writes at a time, it needs nothing.
    """
    return rows if on_sqlite() else rows.for_update("FOR NO KEY UPDATE")


def one_of(column: Any, numbers: Iterable[int]) -> NodeList:
    """That a column is one of many numbers: as one value, for Peewee takes longer over thousands than their rows do."""
    text = ",".join(map(str, numbers))
    if on_sqlite():
        return NodeList((column, SQL("IN (SELECT value FROM json_each(?))", [f"[{text}]"])))
    return NodeList((column, SQL("= ANY(%s::bigint[])", [f"{{{text}}}"])))


@contextmanager
def connection() -> Iterator[None]:
    """A connection from the pool for one piece of work. Raises DatabaseOut where the trouble is not the work's."""
    opened = False
    try:
        opened = open_connection()
        yield
    except Exception as error:
        if is_outage(error):
            raise DatabaseOut from error
        raise
    finally:
        if opened:
            db.close()


@contextmanager
def relaxed() -> Iterator[None]:
    """Let commits of this connection return before they are on disk: for what a power cut may take back, not a crash.

    It may only make a worker repeat a mail, under the same Message-ID, and spares two waits for the disk with each.
    """
    relax, restore = (
        ("PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL")
        if on_sqlite()
        else ("SET synchronous_commit = off", "RESET synchronous_commit")
    )
    db.execute_sql(relax)
    try:
        yield
    finally:
        if not db.is_closed():
            db.execute_sql(restore)


def open_connection() -> bool:
    """Take a connection from the pool and say so, unless the thread has one; see close_connection.

    Raises DatabaseOut when SQLite's file is gone.
    """
    if on_sqlite() and db.database in _known_files and _known_files[db.database] != _file(db.database):
        raise DatabaseOut  # what is written through the open connections would end up in no file at all
    if not db.is_closed() and getattr(db.connection(), "closed", False):
        db.manual_close()  # PostgreSQL ended it in the hands of this thread, which would keep it for ever
    return bool(db.connect(reuse_if_open=True))


def close_connection() -> None:
    if not db.is_closed():
        db.close()


def _file(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def upgrade() -> list[str]:
    """Apply the migrations that are missing, one process at a time; return their names."""
    with connection(), _one_upgrade():
        applied = Runner(db.obj, str(MIGRATIONS)).up()
    if on_sqlite():
        _known_files[db.database] = _file(db.database)
    return applied


def migrations() -> list[tuple[str, bool]]:
    """Every migration with whether it has been applied."""
    with connection():
        return [(step.name, step.applied is not None) for step in Runner(db.obj, str(MIGRATIONS)).status()]


@contextmanager
def _one_upgrade() -> Iterator[None]:
    if not on_sqlite():
        db.execute_sql("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
        try:
            yield
        finally:
            db.execute_sql("SELECT pg_advisory_unlock(%s)", (ADVISORY_LOCK,))
        return
    with open(f"{db.database}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget_pages() -> None:
    """Give up the copies of what was erased: SQLite keeps old pages in its log until that is emptied.

    Readers may keep some for as long as they read. PostgreSQL's own housekeeping (autovacuum) does it by itself.
    """
    if on_sqlite():
        db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def check_writable() -> None:
    """Ask the database for a write without making one. Raises DatabaseOut where it only reads, or what is wrong."""
    db.execute_sql("SELECT 1")
    if on_sqlite():
        with write():
            pass
    elif db.execute_sql("SELECT pg_is_in_recovery()").fetchone()[0]:
        raise DatabaseOut


def is_outage(error: BaseException | None) -> bool:
    """Whether the database is out (full, locked, gone), not the query wrong.

    Peewee hides the driver's error behind its own, and a full disk behind a failed rollback: so walk the whole chain.
    """
    while error is not None:
        if _names_outage(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _names_outage(error: BaseException) -> bool:
    name: Any = getattr(error, "sqlite_errorname", None) or ""
    state: Any = getattr(error, "sqlstate", None) or ""
    kind = type(error)
    return (
        name in SQLITE_OUTAGES
        or name.startswith(("SQLITE_IOERR", "SQLITE_READONLY"))
        or state[:2] in SQLSTATE_OUTAGES
        or kind.__name__ == "MaxConnectionsExceeded"
        or (kind.__module__.startswith("psycopg") and kind.__name__ == "OperationalError")
    )

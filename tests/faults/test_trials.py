"""Nothing is lost while parts of the service are killed, and nothing is sent twice while they are told to end."""

from collections.abc import Callable
from pathlib import Path

import pytest
from faults.trial import hold

ON_EACH_DATABASE = pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])


@ON_EACH_DATABASE
def test_no_mail_is_lost_by_kill(
    database: str, tmp_path: Path, free_port: Callable[[], int], record_property: Callable[..., None]
) -> None:
    account = hold(database, "SIGKILL", ended=40, folder=tmp_path, free_port=free_port)

    record_property("account", account)
    assert (account.lost, account.strange, account.failed) == ([], [], [])
    assert account.acknowledged > account.ended
    assert account.duplicates <= account.ended + account.cuts


@ON_EACH_DATABASE
def test_no_mail_is_lost_or_sent_twice_when_told_to_end(
    database: str, tmp_path: Path, free_port: Callable[[], int], record_property: Callable[..., None]
) -> None:
    account = hold(database, "SIGTERM", ended=30, folder=tmp_path, free_port=free_port)

    record_property("account", account)
    assert (account.lost, account.strange, account.failed) == ([], [], [])
    assert account.acknowledged > account.ended
    assert account.duplicates == 0

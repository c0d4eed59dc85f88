"""The short form of `make faults`: parts of the service are killed while mails go out, and nothing is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
from faults.trial import hold


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_no_mail_is_lost_by_three_kills(database: str, tmp_path: Path, free_port: Callable[[], int]) -> None:
    account = hold(database, "SIGKILL", ended=3, folder=tmp_path, free_port=free_port)

    assert (account.lost, account.strange, account.failed) == ([], [], [])
    assert account.acknowledged > 0
    assert account.duplicates <= account.ended + account.cuts

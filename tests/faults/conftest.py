"""The table at the end: what every trial came to."""

import pytest
from faults.trial import Account

COLUMNS = {
    "database": 10, "signal": 7, "ended": 5, "acknowledged": 12, "mails": 5, "lost": 4, "strange": 7, "duplicates": 10,
    "cuts": 4, "refusals": 8, "failed": 6, "seconds": 7,
}  # fmt: skip


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    accounts = [value for report in reports for name, value in report.user_properties if name == "account"]
    if not accounts:
        return
    terminalreporter.section("Mails under fire")
    terminalreporter.write_line("".join(f"{name:>{width + 2}}" for name, width in COLUMNS.items()))
    for account in accounts:
        terminalreporter.write_line(
            "".join(f"{cell(account, name):>{width + 2}}" for name, width in COLUMNS.items())
        )


def cell(account: Account, column: str) -> str:
    """A value of the account as it stands in the table; of lists, how long they are."""
    value = getattr(account, column)
    return str(len(value) if isinstance(value, list) else round(value) if isinstance(value, float) else value)

"""The front desk: what a verb needs in order to answer a delegate."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.conference import Conference
from models import Registration


@dataclass(frozen=True)
class Desk:
    """The conference, the letterhead of its mails, and how to write the addresses that go into them.

    `sender` and `reply_to` are mailboxes as in a mail header; `link` makes the private link of a registration and
    `home` the public address of the invitation, both in a language.
    """

    conference: Conference
    sender: str
    reply_to: str | None
    link: Callable[[Registration, str], str]
    home: Callable[[str], str]

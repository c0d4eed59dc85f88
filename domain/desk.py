"""The front desk: what a verb needs in order to answer a delegate."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.conference import Conference
from models import LateLink, Registration


@dataclass(frozen=True)
class Desk:
    """The conference, the letterhead of its mails, and how to write the addresses that go into them.

    `sender` and `reply_to` are mailboxes as in a mail header. The others make addresses of pages: the private link of a
    registration, the page that confirms its new e-mail address, the form for a late link, the invitation, and the
    organisers' list. They work with and without a request.
    """

    conference: Conference
    sender: str
    reply_to: str | None
    link: Callable[[Registration, str], str]
    new_address: Callable[[Registration, str], str]
    late_link: Callable[[LateLink], str]
    home: Callable[[str], str]
    list_page: Callable[[], str]

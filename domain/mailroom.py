"""What organisers see of the outbox, a page at a time, and the words that went to delegates."""

import re
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from peewee import SQL, ModelSelect, fn

from db import db, held, write
from domain import clock, outbox
from domain.answers import fold
from domain.desk import Desk
from domain.late import LIFETIME
from domain.mail import POLICY
from domain.roster import LISTED, MOST_WORDS, contains
from domain.transport import Refused
from models import Mail, Registration

PAGE_SIZE = 50
ELSEWHERE = ("moved", "address")  # kinds of mails that are not meant for the delegate's present address
LAST_PART = r"\.?[\w-]+(?:\.[\w-]+)*"
SHOWN = [column for column in Mail._meta.sorted_fields if column is not Mail.message]


class MessageGone(Exception):
    """The words of this mail have been erased, or the key to them is missing."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What an organiser asks for: a state and a kind, or any; words; and the page of what is older than a number."""

    state: str = ""
    kind: str = ""
    q: str = ""
    before: int = 0


@dataclass(frozen=True, kw_only=True)
class Page:
    rows: list[Mail]
    total: int
    newest: Query | None
    older: Query | None


def matching(query: Query) -> "ModelSelect[Mail]":
    """The mails of a query, without their messages, each with its registration, without its sensitive answers."""
    found = Mail.select(*SHOWN, *LISTED).left_outer_join(Registration)
    if query.state:
        found = found.where(Mail.state == query.state)
    if query.kind:
        found = found.where(Mail.kind == query.kind)
    for word in fold(query.q).split()[:MOST_WORDS]:
        found = found.where(contains(Registration.search, word) | contains(fn.LOWER(Mail.recipient), word))
    return found


def page(query: Query) -> Page:
    """One page, newest first. The number of a mail only grows, so a page is found by index."""
    found = matching(query)
    here = found.where(Mail.id < query.before) if query.before else found
    rows = list(here.order_by(Mail.id.desc()).limit(PAGE_SIZE + 1))
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    return Page(
        rows=rows,
        total=found.count(),
        newest=replace(query, before=0) if query.before else None,
        older=replace(query, before=rows[-1].id) if has_more else None,
    )


def find(number: int) -> Mail | None:
    return matching(Query()).where(Mail.id == number).first()


def message_of(mail: Mail) -> EmailMessage:
    """The mail as it went out, or will. Raises MessageGone."""
    try:
        message: Any = message_from_bytes(outbox.message_of(mail), policy=POLICY)
    except Refused as error:
        raise MessageGone from error
    return message


def unreached() -> int:
    """How many mails have failed whose reader has not been reached another way.

    What went to an address that is no longer the delegate's does not count, nor a late link that has run out, nor what
    was stopped or has been erased. What asks to confirm a new address counts while that waits.
    """
    failed = Mail.select().left_outer_join(Registration)
    failed = failed.where(outbox.has_failed(), Mail.recipient != "")
    is_current = (Mail.kind != "address") & (fn.LOWER(Mail.recipient) == fn.LOWER(Registration.email))
    is_open = Mail.registration.is_null() & (Mail.created_at > clock.now() - LIFETIME)
    return int(failed.where(is_current | is_open | _asks_for_confirmation()).count())


def _asks_for_confirmation() -> Any:
    """Whether a mail is the last one that asks its delegate to confirm the new address that waits.

    That address is encrypted, so it is not compared: no organisers' page may fail because a key is lost.
    """
    later: Any = Mail.alias()
    newer = later.select(later.id).where(
        later.registration == Mail.registration, later.kind == "address", later.id > Mail.id
    )
    is_waiting = fn.LENGTH(Registration.pending_email) > SQL("0")
    return (Mail.kind == "address") & is_waiting & ~fn.EXISTS(newer)


def is_up_to_the_delegate(mail: Mail) -> bool:
    """Whether the mail failed that asks a delegate to confirm a new address, which only they can correct."""
    asking = Mail.select().join(Registration).where(Mail.id == mail.id, _asks_for_confirmation())
    return mail.state == "failed" and asking.exists()


def has_failed_at(registration: Registration, address: str) -> bool:
    """Whether the last mail to a new address failed that this delegate entered, whomever it was addressed to: one
    cannot tell from the answer that somebody else is registered there."""
    caused = [Mail.once.startswith(f"{kind}:{registration.public_id}:") for kind in ("address", "repeat")]
    last = Mail.select(Mail.state).where(outbox.to(address), caused[0] | caused[1]).order_by(Mail.id.desc())
    found = last.first()
    return found is not None and found.state == "failed"


def is_repeatable(mail: Mail) -> bool:
    """Whether the mail did not go out, and its address is still the one that it is meant for."""
    registration = mail.registration
    is_theirs = registration is None or mail.recipient.lower() == registration.email.lower()
    return (
        mail.state in ("failed", "retrying")
        and bool(mail.recipient)
        and (is_theirs or mail.kind in ELSEWHERE)
    )


def is_correctable(mail: Mail) -> bool:
    """Whether the mail did not go out, and it is the delegate's present address that is to blame."""
    registration = mail.registration
    return (
        mail.state in ("failed", "retrying")
        and mail.kind != "address"
        and registration is not None
        and registration.state != "erased"
        and mail.recipient.lower() == registration.email.lower()
    )


def redirect(registration: Registration, old: str, *, desk: Desk) -> int:
    """Send to the present address what has not gone out to an old one, with the present link, in the transaction that
    is open; returns how many mails.

    What cannot be read any more stays behind: nobody could send it; and so does what was stopped.
    """
    theirs = Mail.select(*SHOWN).where(
        Mail.registration == registration,
        outbox.to(old),
        Mail.kind.not_in(ELSEWHERE),
        Mail.state.in_(("queued", "retrying", "failed")),
        outbox.is_wanted(),
    )
    sent = 0
    for mail in list(theirs):
        try:
            message = message_of(mail)
        except MessageGone:
            continue
        sent += 1
        message.replace_header("To", Address(addr_spec=registration.email))
        renew_links(message, desk.link(registration, mail.language))
        text = message.as_bytes().decode("ascii")
        Mail.update(recipient=registration.email, message=text, **outbox.afresh()).where(
            Mail.id == mail.id, Mail.state == mail.state
        ).execute()
    db.after_commit(outbox.wake.set)
    return sent


def renew_links(message: EmailMessage, link: str) -> None:
    """Put a private link in the place of earlier ones, which differ from it in their last part."""
    earlier = re.compile(re.escape(link.rpartition("/")[0] + "/") + LAST_PART)
    for part in message.walk():
        if part.get_content_type() in ("text/plain", "text/html"):
            before = part.get_content()
            after = earlier.sub(lambda found: link, before)
            if after != before:
                part.set_content(after, subtype=part.get_content_subtype())


def follow(mail: Mail, *, desk: Desk) -> None:
    """Redirect a mail that has come back unsent, if its delegate's address changed while it was in hand."""
    if mail.kind in ELSEWHERE:
        return
    theirs = Mail.select(Mail.registration).where(Mail.id == mail.id)
    with write():
        # Held: whoever is changing the address has either seen that the mail is back, or is waited for here.
        found = held(Registration.select(*LISTED).where(Registration.id.in_(theirs))).first()
        if found is not None and found.email.lower() != mail.recipient.lower():
            redirect(found, mail.recipient, desk=desk)


def has_reached(registration: Registration, address: str) -> bool:
    """Whether any mail to this delegate was accepted at an address, or may be: somebody there may hold the link."""
    return (
        Mail.select()
        .where(
            Mail.registration == registration,
            outbox.to(address),
            Mail.state.in_(("accepted", "sending")),
        )
        .exists()
    )

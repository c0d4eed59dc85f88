"""Composing mails: subject, text, HTML and calendar file, in the language of the delegate."""

import hashlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache, partial
from typing import Any

from babel import Locale
from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from pydantic import NameEmail

from config import ROOT
from domain import clock
from domain.dates import day, moment, span
from domain.desk import Desk
from models import Registration

POLICY = SMTP.clone(cte_type="7bit")
WITH_CALENDAR = {"confirmation", "repeat", "cancelled", "restored"}


def compose(
    kind: str, registration: Registration, *, once: str, desk: Desk, to: str | None = None, **more: Any
) -> EmailMessage:
    """The mail of a kind to one delegate, at their own address unless `to` is another."""
    lang = registration.language
    calendar = None
    if kind in WITH_CALENDAR:
        is_cancelled = registration.state == "cancelled"
        calendar = desk.conference.calendar(
            lang, url=desk.home(lang), sequence=registration.sequence, is_cancelled=is_cancelled
        )
    first = confirmation(registration)
    return write_mail(
        kind,
        to=to or registration.email,
        lang=lang,
        once=once,
        desk=desk,
        calendar=calendar,
        answering=None if once == first else first,
        registration=registration,
        link=desk.link(registration, lang),
        interpretation=Locale(lang).languages.get(registration.interpretation),
        **more,
    )


def confirmation(registration: Registration) -> str:
    """The occasion of the first mail to a delegate, which all later ones answer: mail programs keep them together."""
    return f"confirmation:{registration.public_id}"


def write_mail(
    kind: str,
    *,
    to: str,
    lang: str,
    once: str,
    desk: Desk,
    calendar: bytes | None = None,
    answering: str | None = None,
    **more: Any,
) -> EmailMessage:
    """The mail of a kind, in a language, with whatever its templates speak of.

    `once` names the occasion: the Message-ID derives from it, so that repeats collapse in the mailbox; `answering` is
    the occasion of the mail that this one follows (RFC 5322, section 3.6.4). What delegates typed stands in the bodies
    only, never in a header.
    """
    home = desk.home(lang)
    facts = {"lang": lang, "conference": desk.conference, "home": home, "privacy": f"{home}privacy"} | more
    message = EmailMessage(policy=POLICY)
    message["From"] = as_address(desk.sender)
    if desk.reply_to:
        message["Reply-To"] = as_address(desk.reply_to)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = " ".join(words(kind, "subject.txt", facts).split())
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = message_id(once, desk.sender)
    if answering:
        message["In-Reply-To"] = message["References"] = message_id(answering, desk.sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(words(kind, "body.txt", facts))
    message.add_alternative(words(kind, "body.html", facts), subtype="html")
    if calendar:
        attach_calendar(message, calendar)
    message["Content-Language"] = lang  # last: whatever sets a content drops the Content- headers
    return message


def words(kind: str, name: str, facts: dict[str, Any]) -> str:
    return templates(facts["lang"]).get_template(f"{kind}/{name}").render(facts)


@cache
def templates(lang: str) -> Environment:
    """The mail templates with the words of one language. They know nothing of Flask, so that a worker can use them."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates" / "mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    catalogue = Translations.load(ROOT / "translations", [lang])
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "day": partial(day, lang=lang),
        "span": partial(span, lang=lang),
        "moment": partial(moment, lang=lang),
    }
    return environment


def mailbox(named: NameEmail) -> str:
    """A mailbox as it stands in a header; a name with a comma or brackets is quoted (RFC 5322, section 3.4)."""
    return str(Address(display_name=named.name, addr_spec=named.email))


def as_address(mailbox: str) -> Address:
    name, address = parseaddr(mailbox)
    return Address(display_name=name, addr_spec=address)


def message_id(once: str, sender: str) -> str:
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{hashlib.sha256(once.encode()).hexdigest()[:32]}@{domain}>"


def attach_calendar(message: EmailMessage, calendar: bytes) -> None:
    """Add the calendar file. PUBLISH, because with REQUEST people take "Decline" for cancelling their registration."""
    parameters = {"method": "PUBLISH", "charset": "utf-8"}
    message.add_attachment(
        calendar, maintype="text", subtype="calendar", filename="conference.ics", params=parameters
    )

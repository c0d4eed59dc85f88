"""Composing mails: subject, text, HTML and calendar file, in the language of the delegate."""

import hashlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any

from babel.dates import format_date, format_datetime as format_moment, format_interval
from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from config import ROOT
from domain import clock
from domain.conference import LANGUAGE_NAMES
from domain.desk import Desk
from models import Registration

POLICY = SMTP.clone(cte_type="7bit", max_line_length=78)


@cache
def templates(lang: str) -> Environment:
    """The mail templates with the words of one language; they know nothing of Flask, so a worker can use them."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates" / "mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(Translations.load(ROOT / "translations", [lang]), newstyle=True)
    environment.filters |= {
        "day": lambda value: format_date(value, "long", locale=lang),
        "moment": lambda value: format_moment(value, "d MMMM y, HH:mm 'UTC'", tzinfo=None, locale=lang),
        "span": lambda days: format_interval(*days, skeleton="yMMMMd", locale=lang),
    }
    return environment


def compose(kind: str, registration: Registration, *, once: str, desk: Desk) -> EmailMessage:
    """The mail of a kind to one delegate. `once` names the occasion: the Message-ID derives from it, so repeats collapse.

    User text stands in the bodies only, never in a header.
    """
    lang = registration.language
    facts = {
        "lang": lang,
        "registration": registration,
        "conference": desk.conference,
        "link": desk.link(registration, lang),
        "home": desk.home(lang),
        "privacy": f"{desk.home(lang)}privacy",
        "interpretation": LANGUAGE_NAMES.get(registration.interpretation, "–"),
    }
    message = EmailMessage(policy=POLICY)
    message["From"] = desk.sender
    if desk.reply_to:
        message["Reply-To"] = desk.reply_to
    message["To"] = Address(addr_spec=registration.email)
    message["Subject"] = " ".join(template(kind, "subject.txt", lang).render(facts).split())
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = message_id(once, desk.sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(template(kind, "body.txt", lang).render(facts))
    message.add_alternative(template(kind, "body.html", lang).render(facts), subtype="html")
    attach_calendar(message, desk.conference.calendar(lang, url=facts["home"], sequence=registration.sequence))
    message["Content-Language"] = lang  # last: what sets a content drops the Content- headers
    return message


def templates(lang: str) -> Environment:
    """The mail templates with the words of one language; they know nothing of Flask, so a worker can use them."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates" / "mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(Translations.load(ROOT / "translations", [lang]), newstyle=True)
    environment.filters |= {
        "day": lambda value: format_date(value, "long", locale=lang),
        "moment": lambda value: format_moment(value, "d MMMM y, HH:mm 'UTC'", tzinfo=None, locale=lang),
        "span": lambda days: format_interval(*days, skeleton="yMMMMd", locale=lang),
    }
    return environment


def compose(kind: str, registration: Registration, *, once: str, desk: Desk) -> EmailMessage:
    """The mail of a kind to one delegate. `once` names the occasion: the Message-ID derives from it, so repeats collapse.

    User text stands in the bodies only, never in a header.
    """
    lang = registration.language
    facts = {
        "lang": lang,
        "registration": registration,
        "conference": desk.conference,
        "link": desk.link(registration, lang),
        "home": desk.home(lang),
        "privacy": f"{desk.home(lang)}privacy",
        "interpretation": LANGUAGE_NAMES.get(registration.interpretation, "–"),
    }
    message = EmailMessage(policy=POLICY)
    message["From"] = desk.sender
    if desk.reply_to:
        message["Reply-To"] = desk.reply_to
    message["To"] = Address(addr_spec=registration.email)
    message["Subject"] = " ".join(template(kind, "subject.txt", lang).render(facts).split())
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = message_id(once, desk.sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(template(kind, "body.txt", lang).render(facts))
    message.add_alternative(template(kind, "body.html", lang).render(facts), subtype="html")
    attach_calendar(message, desk.conference.calendar(lang, url=facts["home"], sequence=registration.sequence))
    message["Content-Language"] = lang  # last: what sets a content drops the Content- headers
    return message


def interpretation(registration: Registration) -> str:
    return {"fr": "Français", "en": "English", "es": "Español"}.get(registration.interpretation, "–")


def template(kind: str, name: str, lang: str) -> Template:
    return templates(lang).get_template(f"{kind}/{name}")


def message_id(once: str, sender: str) -> str:
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{hashlib.sha256(once.encode()).hexdigest()[:32]}@{domain}>"


def attach_calendar(message: EmailMessage, calendar: bytes) -> None:
    """Add the calendar file. PUBLISH, because with REQUEST people take "Decline" for cancelling their registration."""
    parameters = {"method": "PUBLISH", "charset": "utf-8"}
    message.add_attachment(calendar, maintype="text", subtype="calendar", filename="conference.ics", params=parameters)

"""Answers that may well be right and are often not: found to be asked about, never to be refused."""

import re
from datetime import date, timedelta
from difflib import get_close_matches

# Where most private mailboxes are; a domain that resembles one of these and is none of them is likely a slip.
MAILBOXES = (
    "aol.com", "free.fr", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "hotmail.es", "hotmail.fr",
    "icloud.com", "laposte.net", "libero.it", "live.com", "live.fr", "mail.com", "mail.ru", "me.com", "msn.com",
    "orange.fr", "outlook.com", "outlook.es", "outlook.fr", "posteo.de", "proton.me", "protonmail.com", "qq.com",
    "sfr.fr", "tutanota.com", "wanadoo.fr", "web.de", "yahoo.co.in", "yahoo.co.uk", "yahoo.com", "yahoo.com.ar",
    "yahoo.com.br", "yahoo.com.mx", "yahoo.es", "yahoo.fr", "yandex.com", "yandex.ru", "ymail.com",
)  # fmt: skip
# Real domains that resemble one of those.
OTHERS = {"email.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.fr", "hotmail.be", "hotmail.de", "hotmail.it", "live.be",
          "live.de", "live.it", "live.nl", "mac.com", "mail.de", "mail.fr", "outlook.at", "outlook.be", "outlook.de",
          "outlook.it", "yahoo.ca", "yahoo.cl", "yahoo.com.au", "yahoo.de", "yahoo.in", "yahoo.it"}  # fmt: skip
SLIP = 0.85  # how alike two domains are, of 1: one letter wrong, missing or too many in some ten
FLIGHT = re.compile(r"(?=[A-Z\d]*[A-Z])[A-Z\d]{2,3} ?\d{1,4}[A-Z]?", re.ASCII)
SIX_MONTHS = timedelta(days=184)  # the longest six months there are
FAR_FROM_IT = timedelta(days=30)


def likely_address(address: str) -> str | None:
    """The address that was probably meant: ada@gmial.com → ada@gmail.com."""
    name, _, domain = address.rpartition("@")
    domain = domain.casefold()
    if not name or domain in MAILBOXES or domain in OTHERS:
        return None
    alike = get_close_matches(domain, MAILBOXES, n=1, cutoff=SLIP)
    return f"{name}@{alike[0]}" if alike else None


def is_usual_flight(number: str) -> bool:
    """Whether it reads like an airline's code of two or three signs (IATA, ICAO) and a number: OM 302."""
    return FLIGHT.fullmatch(number) is not None


def expires_soon(expiry: date, ends_on: date) -> bool:
    """Whether a passport is valid for less than the six months after the conference that many consulates want."""
    return expiry < ends_on + SIX_MONTHS


def is_far_from(on: date, starts_on: date, ends_on: date) -> bool:
    """Whether a day lies so far from the conference that it is probably the wrong month or year."""
    return not starts_on - FAR_FROM_IT <= on <= ends_on + FAR_FROM_IT

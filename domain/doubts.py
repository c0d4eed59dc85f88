"""Answers that may well be right and are often not: found to be asked about, never to be refused."""

import re
from datetime import date, timedelta
from difflib import get_close_matches

# Where most private mailboxes are, by name and ending. Only a name that resembles one of these and is none of them, or
# an ending that resembles .com, is taken for a slip: with another country's ending it may well be a real provider.
MAILBOXES = {
    "gmail": ("com",), "googlemail": ("com",), "hotmail": ("com", "es", "fr", "it", "de", "co.uk"),
    "outlook": ("com", "es", "fr", "de", "it"), "icloud": ("com",), "yandex": ("com", "ru"),
    "yahoo": ("com", "es", "fr", "de", "it", "co.uk", "co.in", "com.ar", "com.br", "com.mx"),
    "laposte": ("net",), "orange": ("fr",), "wanadoo": ("fr",), "libero": ("it",), "posteo": ("de",),
    "proton": ("me",), "protonmail": ("com",), "tutanota": ("com",),
}  # fmt: skip
OTHERS = {"email", "fmail", "mail", "ymail", "yahoo", "gmx"}  # real names that resemble one of those
NEARLY_COM = {"cm", "cmo", "co", "coom", "com.com", "comm", "comn", "con", "cpm", "om", "vom", "xom"}
ALIKE = 0.8  # of 1: one letter wrong, missing or too many in some five
FLIGHT = re.compile(r"(?=[A-Z\d]*[A-Z])[A-Z\d]{2,3} ?\d{1,4}[A-Z]?", re.ASCII)
SIX_MONTHS = timedelta(days=184)  # the longest six months there are
FAR_FROM_IT = timedelta(days=30)


def likely_address(address: str) -> str | None:
    """The address that was probably meant: ada@gmial.com → ada@gmail.com."""
    person, _, domain = address.rpartition("@")
    name, _, ending = domain.casefold().partition(".")
    likely_ending = "com" if ending in NEARLY_COM else ending
    names = get_close_matches(name, set(MAILBOXES) | OTHERS, n=1, cutoff=ALIKE)
    if not person or not names or likely_ending not in MAILBOXES.get(names[0], ()):
        return None
    likely = f"{names[0]}.{likely_ending}"
    return f"{person}@{likely}" if likely != domain.casefold() else None


def is_usual_flight(number: str) -> bool:
    """Whether it reads like an airline's code of two or three signs (IATA, ICAO) and a number: OM 302."""
    return FLIGHT.fullmatch(number) is not None


def expires_soon(expiry: date, ends_on: date) -> bool:
    """Whether a passport is valid for less than the six months after the conference that many consulates want."""
    return expiry < ends_on + SIX_MONTHS


def is_far_from(on: date, starts_on: date, ends_on: date, *, by: timedelta = FAR_FROM_IT) -> bool:
    """Whether a day lies so far from the conference that it is probably the wrong month or year."""
    return not starts_on - by <= on <= ends_on + by


def is_apart(night: date, flight: date) -> bool:
    """Whether a day at the hotel and the day of the flight are further apart than a flight at night explains."""
    return abs(night - flight) > timedelta(days=1)

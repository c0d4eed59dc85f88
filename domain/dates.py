"""Days and moments in the words of a language, for pages and mails alike."""

import re
from datetime import UTC, date, datetime

from babel.dates import format_date, format_skeleton

LOCALES = {"fr": "fr", "en": "en_GB", "es": "es"}  # 8 May, not May 8
ALONE = re.compile(r"\b1\b")


def day(value: date, style: str = "long", *, lang: str) -> str:
    """A date in words: 8 mai 2017; with style "full" with its weekday. A style may be a pattern of CLDR too."""
    return with_ordinal(format_date(value, style, locale=LOCALES[lang]), lang)


def span(days: tuple[date, date], *, lang: str) -> str:
    """A range of days: 25–26 mai 2017, 30 septembre – 2 octobre 2018.

    What CLDR has for ranges shortens the month in some languages.
    """
    first, last = days
    until = day(last, lang=lang)
    if first == last:
        return until
    if (first.year, first.month) == (last.year, last.month):
        return f"{day(first, 'd', lang=lang)}–{until}"
    if first.year == last.year:
        return with_ordinal(format_skeleton("MMMMd", first, locale=LOCALES[lang]), lang) + f" – {until}"
    return f"{day(first, lang=lang)} – {until}"


def with_ordinal(words: str, lang: str) -> str:
    """The first of a month as French writes it, which CLDR does not know: 1er mai 2017."""
    return ALONE.sub("1er", words) if lang == "fr" else words


def moment(value: datetime, *, lang: str) -> str:
    """A moment with its hour, in Universal Time and saying so."""
    universal = value.astimezone(UTC)
    return f"{day(universal, lang=lang)}, {universal:%H:%M} UTC"

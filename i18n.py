"""Languages: the prefix of the URL, the choice of a locale, country names, dates, and the message catalogues."""

import os
import tempfile
import unicodedata
from datetime import date, datetime
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, current_app, request, session, url_for
from flask_babel import Babel, get_locale, gettext
from markupsafe import Markup

from config import ROOT
from domain import clock, dates
from domain.conference import LANGUAGE_NAMES, LANGUAGES

CATALOGUES = ROOT / "translations"
DEFAULT_LANGUAGE = LANGUAGES[0]
PREFIX = f"/<any({','.join(LANGUAGES)}):lang>"
# Territories that CLDR names but ISO 3166-1 does not.
NOT_ISO = {"ZZ", "EU", "EZ", "UN", "XA", "XB", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA", "XK"}


def init_app(app: Flask) -> None:
    compile_catalogues()
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(CATALOGUES)
    Babel(app, locale_selector=select_language, default_locale="en")
    app.url_value_preprocessor(take_language)
    app.url_defaults(give_language)
    app.jinja_env.filters |= {"day": day, "span": span, "moment": moment}
    app.jinja_env.globals |= {
        "address_in": address_in,
        "address_of_choice": lambda: current_app.config["ORIGIN"] + url_for("pages.choose_language"),
        "country_options": country_options,
        "current_language": current_language,
        "in_language": in_language,
        "language_names": LANGUAGE_NAMES,
        "today": clock.today,
        "country_name": lambda code: country_names(current_language()).get(code, code),
    }


def take_language(endpoint: str | None, values: dict | None) -> None:
    """The views need no language as an argument: it is the request's, see select_language."""
    (values or {}).pop("lang", None)


def give_language(endpoint: str, values: dict) -> None:
    if endpoint.startswith(("pages.", "registration.", "own.")) and endpoint != "pages.choose_language":
        values.setdefault("lang", current_language())


def select_language() -> str:
    """The language of the path; for organisers, who have none there, the one they chose; else the browser's."""
    of_path = request.path.split("/", 2)[1]
    if of_path in LANGUAGES:
        return of_path
    if request.args.get("lang") in LANGUAGES and of_path == "organiser":
        session["lang"] = request.args["lang"]
    chosen = session.get("lang") if of_path == "organiser" else None
    return chosen or preferred_language()


def preferred_language() -> str:
    return request.accept_languages.best_match(LANGUAGES, DEFAULT_LANGUAGE)


def current_language() -> str:
    locale = get_locale()
    return locale.language if locale else DEFAULT_LANGUAGE


def in_language(lang: str) -> str:
    """This page in another language, or the invitation where there is no such page."""
    endpoint = request.endpoint if request.endpoint in current_app.view_functions else None
    if endpoint is None or endpoint in ("pages.choose_language", "registration.field", "static"):
        return url_for("pages.invitation", lang=lang)
    part = endpoint.partition(".")[0]
    shown_at = f"{part}.{'show' if request.view_args else 'listing'}"
    is_button = "GET" not in ((request.url_rule and request.url_rule.methods) or ())
    if is_button and shown_at in current_app.view_functions:
        endpoint = shown_at
    elif is_button and f"{part}.show" in current_app.view_functions:
        endpoint = f"{part}.show"  # the own page's, whose link comes along by itself
    query = fit_for_address(request.args.to_dict(flat=False)) if request.path.startswith("/organiser") else {}
    return url_for(endpoint, **query | (request.view_args or {}) | {"lang": lang})


def fit_for_address(query: dict[str, list[str]]) -> dict[str, list[str]]:
    """A visitor's query without the names that url_for takes for its own: `endpoint`, `_scheme` and the like."""
    return {name: values for name, values in query.items() if name != "endpoint" and name[:1] != "_"}


def address_in(lang: str) -> str:
    """The public address of this page in a language."""
    return f"{current_app.config['ORIGIN']}{in_language(lang)}"


@cache
def country_option_list(lang: str, empty: str) -> str:
    """The options of a list of countries: drawn once for each language, because 249 of them cost more than the page."""
    options = (
        Markup('<option value="{}">{}</option>').format(code, name)
        for code, name in country_names(lang).items()
    )
    return str(Markup('<option value="">{}</option>').format(empty) + Markup("").join(options))


def country_options(chosen: str | None) -> Markup:
    options = country_option_list(current_language(), gettext("Choose a country or territory"))
    if chosen in country_names("en"):
        options = options.replace(f'value="{chosen}"', f'value="{chosen}" selected', 1)
    return Markup(options)  # noqa: S704 - names and codes were escaped when the options were drawn


def compile_catalogues() -> None:
    """Bring each messages.mo up to date with its messages.po; several processes may do so at once."""
    for source in CATALOGUES.glob("*/LC_MESSAGES/messages.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file, source.open("rb") as text:
            write_mo(file, read_po(text))
        os.chmod(file.name, 0o644)
        Path(file.name).replace(target)


@cache
def country_names(lang: str) -> dict[str, str]:
    """The 249 codes of ISO 3166-1 with their CLDR names, sorted as the language sorts."""
    territories = Locale(lang).territories
    names = {
        code: name
        for code, name in territories.items()
        if code.isalpha() and len(code) == 2 and code not in NOT_ISO
    }
    return dict(sorted(names.items(), key=lambda item: sort_key(item[1])))


def sort_key(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return plain.casefold().replace("’", "").replace("'", "")


def day(value: date, style: str = "long") -> str:
    """A date in the language of the page, see domain/dates.py."""
    return dates.day(value, style, lang=current_language())


def span(days: tuple[date, date]) -> str:
    return dates.span(days, lang=current_language())


def moment(value: datetime) -> str:
    return dates.moment(value, lang=current_language())

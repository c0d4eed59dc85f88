"""The organisers' page of the log, and the words for everything that is recorded there."""

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from flask import Blueprint, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug import Response

from domain import audit
from domain.roster import Query
from forms import RegistrationForm
from htmx import render
from models import AuditEntry
from views.batches import TITLES
from views.connections import hold_connection
from views.desk import conference
from views.filters import VALUES, chips
from views.sheets import TITLES as SHEETS

ACTIONS = {
    "registration.received": _l("Registration received"),
    "registration.repeated": _l("Tried to register again"),
    "registration.blocked": _l("Form from an address that wants no mails"),
    "registration.confirmed": _l("Address confirmed"),
    "registration.changed": _l("Changed by the delegate"),
    "registration.address_kept": _l("New address dropped"),
    "registration.address_changed": _l("New address confirmed"),
    "registration.cancelled": _l("Cancelled by the delegate"),
    "registration.restored": _l("Cancellation taken back"),
    "registration.consent_withdrawn": _l("Consent withdrawn"),
    "registration.address_corrected": _l("Address corrected by the secretariat"),
    "registration.link_renewed": _l("New personal link"),
    "registration.link_requested": _l("Personal link sent again"),
    "registration.downloaded": _l("Data downloaded by the delegate"),
    "registration.erased": _l("Data erased"),
    "registration.visa_marked": _l("Visa letter marked"),
    "registration.hotel_marked": _l("Hotel marked"),
    "registration.travel_marked": _l("Flights marked"),
    "registration.confirmed_for": _l("State changed by the secretariat"),
    "registration.reminded": _l("Reminded by the secretariat"),
    "registration.note_added": _l("Note added"),
    "registration.note_removed": _l("Note removed"),
    "registration.viewed": _l("Viewed"),
    "registration.revealed": _l("Sensitive answers shown"),
    "registrations.exported": _l("Registrations exported"),
    "registrations.exported_whole": _l("Registrations exported with their sensitive answers"),
    "sheet.opened": _l("Sheet opened"),
    "sheet.exported": _l("Sheet taken as a file"),
    "late_link.made": _l("Late link made"),
    "mail.viewed": _l("Mail viewed"),
    "mails.retried": _l("Mails sent again"),
    "announcement.written": _l("Announcement written"),
    "announcement.changed": _l("Announcement changed"),
    "announcement.sent": _l("Announcement sent"),
    "announcement.stopped": _l("Announcement stopped"),
    "batch.done": _l("Bulk action"),
    "batch.undone": _l("Bulk action undone"),
    "organiser.added": _l("Access given"),
    "organiser.enrolled": _l("Enrolled"),
    "organiser.reset": _l("Access reset, to enrol anew"),
    "organiser.removed": _l("Access taken away"),
    "organiser.signed_in": _l("Signed in"),
    "organiser.signed_out": _l("Signed out"),
    "organiser.proved": _l("Password and code given once more"),
    "organiser.proof_refused": _l("Password or code refused"),
    "organiser.recovery_code_used": _l("Recovery code used"),
    "organiser.codes_made": _l("New recovery codes made"),
    "organiser.password_changed": _l("Password changed"),
}

# The filters of the list whose values are the words of a mark, or of a state, before and after.
WORDS_OF = {
    "registration.visa_marked": "visa",
    "registration.hotel_marked": "booked",
    "registration.travel_marked": "checked",
    "registration.confirmed_for": "state",
}
BLOCKS = {"visa": _l("Passport"), "logistics": _l("Travel, stay, diet and accessibility")}

bp = Blueprint("log", __name__, url_prefix="/organiser/log")
hold_connection(bp)


@bp.app_context_processor
def for_every_page() -> dict[str, Any]:
    return {"actions": ACTIONS, "log_in_address": in_address}


@bp.get("")
def listing() -> Response:
    """Show the log, newest first, or to htmx the entries."""
    query = asked()
    page = audit.page(query)
    return render(
        "log/listing.html",
        "log/_listing.html",
        title=_("Log"),
        query=query,
        page=page,
        told=[(entry, *told) for entry, told in zip(page.rows, in_words(page.rows), strict=True)],
        organisers=audit.organisers(),
    )


def asked() -> audit.Query:
    """The query in the address; what makes no sense there counts for nothing."""
    given = {name: value.replace("\0", "")[:200] for name, value in request.args.items()}
    action = given.get("action", "")
    return audit.Query(
        who=number(given.get("who", "")),
        action=action if action in ACTIONS else "",
        reference="".join(given.get("reference", "").upper().split()).replace("-", ""),
        since=day(given.get("since", "")),
        until=day(given.get("until", "")),
        before=number(given.get("before", "")) or 0,
    )


def number(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def in_address(query: audit.Query, **changes: Any) -> dict[str, Any]:
    """A query as it stands in an address: only what is not as usual."""
    usual = asdict(audit.Query())
    return {name: value for name, value in asdict(replace(query, **changes)).items() if value != usual[name]}


def in_words(entries: list[AuditEntry]) -> Iterator[tuple[str, str]]:
    """Who did it, and what there is to tell of it, for each entry."""
    form = RegistrationForm(conference(), formdata=None)
    for entry in entries:
        yield who(entry), "; ".join([*change(entry), *details(entry.details, form)])


def who(entry: AuditEntry) -> str:
    if entry.organiser:
        return str(entry.organiser.email)
    return _("Delegate") if entry.action.startswith("registration.") else _("Command line")


def change(entry: AuditEntry) -> Iterator[str]:
    """From what to what a mark was set."""
    if entry.action in WORDS_OF:
        words, given = VALUES[WORDS_OF[entry.action]], entry.details
        yield _("%(before)s → %(after)s", before=words[given["before"]], after=words[given["after"]])


def details(given: dict[str, Any], form: RegistrationForm) -> Iterator[str]:
    """What an entry says beside its action, in words: of answers their titles, of everything else how many."""
    if "answers" in given:
        yield ", ".join(form.titles(given["answers"]))
    if "kind" in given:
        yield str(form[f"consent_{given['kind']}"].label.text)
    if "former_organiser" in given:
        yield _("Organiser no. %(number)s", number=given["former_organiser"])
    if "late_link" in given:
        yield _("Link no. %(number)s", number=given["late_link"])
    if "mail" in given:
        yield _("Mail no. %(number)s", number=given["mail"])
    if "announcement" in given:
        yield _("Announcement no. %(number)s", number=given["announcement"])
    if "readers" in given:
        yield ngettext("%(num)d recipient", "%(num)d recipients", given["readers"])
    if "blocks" in given:
        yield ", ".join(str(BLOCKS[block]) for block in given["blocks"])
    if "note" in given:
        yield _("Note no. %(number)s", number=given["note"])
    if "bulk" in given:
        yield str(TITLES[given["bulk"]])
    if "mails" in given:
        yield ngettext("%(num)d mail", "%(num)d mails", given["mails"])
    if "sign_ins" in given:
        yield ngettext("%(num)d browser", "%(num)d browsers", given["sign_ins"])
    if "codes" in given:
        yield ngettext("%(num)d recovery code left", "%(num)d recovery codes left", given["codes"])
    if "sheet" in given:
        yield str(SHEETS.get(given["sheet"], given["sheet"]))
    if "format" in given:
        yield str(given["format"]).upper()
    if "columns" in given:
        yield ngettext("%(num)d column", "%(num)d columns", len(given["columns"]))
    if "lines" in given:
        yield ngettext("%(num)d line", "%(num)d lines", given["lines"])
    if "rows" in given:
        yield ngettext("%(num)d registration", "%(num)d registrations", given["rows"])
    if "filters" in given:
        query = Query(filters=given["filters"], negated=tuple(given["negated"]))
        yield from (chip.words for chip in chips(query))
    if given.get("has_search"):
        yield _("Found by a search")

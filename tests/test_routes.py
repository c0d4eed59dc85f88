"""The table of routes, and what each view owes its readers."""

import re

import pytest
from support.journey import ON_SQLITE

from config import ROOT

PREFIX = "/<any(fr,en,es):lang>"
MAIL = "/organiser/mails/<int(max=2147483647):number>"
OWN = f"{PREFIX}/r/<token>"
ANNOUNCEMENT = "/organiser/announcements/<int(max=2147483647):number>"
ONE = "/organiser/registrations/<reference>"
BATCH = "/organiser/batches/<int(max=2147483647):number>"
ROUTES = {
    ("GET", "/", "pages.choose_language"),
    ("GET", f"{PREFIX}/", "pages.invitation"),
    ("GET", f"{PREFIX}/programme", "pages.programme"),
    ("GET", f"{PREFIX}/practical", "pages.practical"),
    ("GET", f"{PREFIX}/privacy", "pages.privacy"),
    ("GET", f"{PREFIX}/accessibility", "pages.accessibility"),
    ("GET", f"{PREFIX}/conference.ics", "pages.calendar"),
    ("GET POST", f"{PREFIX}/registration", "registration.new"),
    ("POST", f"{PREFIX}/registration/fields/<name>", "registration.field"),
    ("GET", f"{PREFIX}/registration/received/<receipt>", "registration.received"),
    ("GET POST", f"{PREFIX}/registration/link", "registration.link"),
    ("GET", f"{PREFIX}/registration/link/sent", "registration.link_sent"),
    ("GET", f"{PREFIX}/registration/link/renewed", "registration.link_renewed"),
    ("GET", f"{PREFIX}/registration/erased", "registration.erased"),
    ("GET POST", f"{PREFIX}/registration/address/<token>", "registration.address"),
    ("GET", OWN, "own.show"),
    ("GET POST", f"{OWN}/edit", "own.edit"),
    ("POST", f"{OWN}/confirmation", "own.confirmation"),
    ("POST", f"{OWN}/address/withdrawal", "own.address_withdrawal"),
    ("POST", f"{OWN}/cancellation", "own.cancellation"),
    ("POST", f"{OWN}/restoration", "own.restoration"),
    ("POST", f"{OWN}/consents", "own.consents"),
    ("POST", f"{OWN}/link", "own.link"),
    ("POST", f"{OWN}/erasure", "own.erasure"),
    ("GET POST", f"{OWN}/data.json", "own.data"),
    ("GET", f"{OWN}/data.html", "own.readable"),
    ("GET", f"{OWN}/calendar.ics", "own.calendar"),
    ("GET", "/organiser/", "organiser.desk"),
    ("GET POST", "/organiser/session", "organiser.session"),
    ("POST", "/organiser/session/end", "organiser.session_end"),
    ("GET POST", "/organiser/enrolment/<token>", "access.enrolment"),
    ("GET", "/organiser/session/warning", "access.warning"),
    ("POST", "/organiser/session/extension", "access.extension"),
    ("GET POST", "/organiser/session/proof", "access.proof"),
    ("GET", "/organiser/account", "access.account"),
    ("POST", "/organiser/account/end", "access.end"),
    ("GET POST", "/organiser/account/codes", "access.recovery_codes"),
    ("GET POST", "/organiser/account/password", "access.password"),
    ("GET", "/organiser/account/everybody", "access.everybody"),
    ("GET", "/organiser/registrations", "organiser.registrations"),
    ("GET POST", ONE, "dossier.show"),
    ("POST", f"{ONE}/marks", "dossier.marks"),
    ("POST", f"{ONE}/notes", "dossier.add_note"),
    ("POST", f"{ONE}/notes/<int(max=2147483647):number>/removal", "dossier.note_removal"),
    ("GET POST", "/organiser/batches/new", "batches.new"),
    ("GET", BATCH, "batches.show"),
    ("POST", f"{BATCH}/undo", "batches.undo"),
    ("GET", "/organiser/registrations.csv", "organiser.registrations_csv"),
    ("GET", "/organiser/registrations.xlsx", "organiser.registrations_xlsx"),
    ("GET", "/organiser/registrations.json", "organiser.registrations_json"),
    ("GET POST", "/organiser/late-links", "organiser.late_links"),
    ("GET", "/organiser/mails", "mails.listing"),
    ("GET", MAIL, "mails.show"),
    ("GET", f"{MAIL}/body", "mails.body"),
    ("POST", "/organiser/mails/retries", "mails.retries"),
    ("POST", f"{MAIL}/retries", "mails.retry"),
    ("POST", f"{MAIL}/address", "mails.address"),
    ("GET", "/organiser/announcements", "announcements.listing"),
    ("GET POST", "/organiser/announcements/new", "announcements.new"),
    ("GET", ANNOUNCEMENT, "announcements.show"),
    ("GET POST", f"{ANNOUNCEMENT}/edit", "announcements.edit"),
    ("GET", f"{ANNOUNCEMENT}/preview/<any(fr,en,es):language>", "announcements.preview"),
    ("POST", f"{ANNOUNCEMENT}/sending", "announcements.sending"),
    ("POST", f"{ANNOUNCEMENT}/stop", "announcements.stop"),
    ("GET", "/organiser/log", "log.listing"),
    ("GET", "/organiser/sheets", "sheets.listing"),
    ("GET", "/organiser/sheets/<name>", "sheets.show"),
    ("GET", "/organiser/sheets/<name>.xlsx", "sheets.show_xlsx"),
    ("GET", "/organiser/statistics", "statistics.show"),
    ("GET", "/organiser/statistics/<name>.svg", "statistics.plot"),
    ("GET", "/healthz", "observability.healthz"),
    ("GET", "/readyz", "observability.readyz"),
    ("GET", "/style.css", "style"),
    ("GET", "/static/<path:filename>", "static"),
}
ENDPOINTS = sorted(endpoint for _, _, endpoint in ROUTES)
WITH_A_PAGE = {  # the others lead elsewhere, or answer with a file or a field
    "pages": {"invitation", "programme", "practical", "privacy", "accessibility"},
    "registration": {"new", "received", "link", "link_sent", "link_renewed", "erased", "address"},
    "own": {"show", "edit", "readable"},
    "organiser": {"session", "registrations", "late_links"},
    "dossier": {"show"},
    "batches": {"new", "show"},
    "access": {"enrolment", "proof", "account", "recovery_codes", "password", "everybody"},
    "mails": {"listing", "show"},
    "announcements": {"listing", "new", "show", "edit"},
    "log": {"listing"},
    "sheets": {"listing", "show"},
    "statistics": {"show"},
}
WITH_A_FRAGMENT = {
    "pages": set(),
    "registration": {"field", "link"},
    "own": {"edit"},
    "organiser": {"session", "registrations"},
    "access": {"warning"},
    "dossier": set(),
    "batches": set(),
    "mails": {"listing"},
    "announcements": set(),
    "log": {"listing"},
    "sheets": set(),
    "statistics": {"show"},
}


def of_blueprint(*names: str) -> list[str]:
    return [endpoint for endpoint in ENDPOINTS if endpoint.partition(".")[0] in names]


@ON_SQLITE
def test_table_of_routes_is_complete(app):
    routes = {
        (" ".join(sorted(rule.methods - {"HEAD", "OPTIONS"})), str(rule), rule.endpoint)
        for rule in app.url_map.iter_rules()
    }

    assert routes == ROUTES


@ON_SQLITE
@pytest.mark.parametrize("endpoint", [name for name in ENDPOINTS if name != "static"])
def test_view_says_in_one_sentence_what_the_visitor_gets(app, endpoint):
    assert re.fullmatch(r"[A-Z](?!.*[.!?] )[^\n]*\.", app.view_functions[endpoint].__doc__ or "")


@pytest.mark.parametrize("endpoint", of_blueprint(*WITH_A_PAGE))
def test_view_has_the_templates_that_its_name_promises(endpoint):
    folder, _, name = endpoint.partition(".")

    templates = {path.stem for path in (ROOT / "templates" / folder).iterdir()}

    assert (name in templates) == (name in WITH_A_PAGE[folder])
    assert (f"_{name}" in templates) == (name in WITH_A_FRAGMENT[folder])


@pytest.mark.parametrize(
    "endpoint",
    sorted({*of_blueprint(*WITH_A_PAGE.keys() - {"pages"})} - {"organiser.desk"}),
)
def test_view_has_tests_of_its_own(endpoint):
    assert (ROOT / "tests" / "views" / f"test_{endpoint.replace('.', '_')}.py").exists()

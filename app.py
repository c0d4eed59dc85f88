"""create_app(): wires the parts in order. No routes and no logic here."""

import os

from flask import Flask

import assets
import cli
import i18n
import observability
import security
from config import Settings, load
from db import db, open_database, upgrade
from domain import clock
from domain.conference import load as load_conference
from domain.desk import Desk
from domain.mail import mailbox
from models import EncryptedField
from views import (
    access,
    announcements,
    batches,
    dossier,
    errors,
    log,
    mails,
    organiser,
    own,
    pages,
    registration,
    sheets,
    statistics,
)
from views.desk import anywhere


def create_app(settings: Settings | None = None) -> Flask:
    """The service, ready to answer, its database upgraded. Raises SettingsError or ConferenceError with every fault."""
    settings = settings or load()
    os.umask(0o077)  # what the service writes is for its own account
    app = Flask(__name__)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.globals["settings"] = app.extensions["settings"] = settings
    app.jinja_env.globals["conference"] = conference = load_conference(settings.conference)
    app.extensions["desk"] = Desk(
        conference=conference,
        sender=mailbox(settings.mail_from),
        reply_to=mailbox(settings.mail_reply_to) if settings.mail_reply_to else None,
        link=anywhere(app, registration.private_link),
        new_address=anywhere(app, registration.new_address_link),
        late_link=anywhere(app, registration.late_link),
        home=anywhere(app, pages.home),
        list_page=anywhere(app, organiser.list_page),
    )

    clock.rehearse(settings.rehearsal_date)
    EncryptedField.use(settings.field_keys)
    db.initialize(open_database(settings.database_url, threads=settings.threads))
    upgrade()

    observability.init_app(app)
    security.init_app(app, settings)
    i18n.init_app(app)
    assets.init_app(app)
    errors.init_app(app)
    parts = (pages, registration, own, organiser, access, dossier, batches, mails, announcements, log, sheets)
    for part in (*parts, statistics):
        app.register_blueprint(part.bp)
    cli.init_app(app)
    pages.render_all(app)
    return app

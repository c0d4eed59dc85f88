"""The front desk of this application, for the views that call a verb of the domain."""

from flask import current_app

from domain.conference import Conference
from domain.desk import Desk


def front_desk() -> Desk:
    desk: Desk = current_app.extensions["desk"]
    return desk


def conference() -> Conference:
    return front_desk().conference

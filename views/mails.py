"""The organisers' mail page: what is on its way, what went out, what failed and why, and sending again."""

from flask_babel import lazy_gettext as _l

MAIL_KINDS = {
    "confirmation": _l("Confirmation"),
    "repeat": _l("Registered already: link sent again"),
    "link": _l("Personal link"),
    "new_link": _l("New personal link"),
    "changed": _l("Registration changed"),
    "address": _l("New address to be confirmed"),
    "moved": _l("Address changed, to the old address"),
    "cancelled": _l("Registration cancelled"),
    "restored": _l("Cancellation taken back"),
    "erased": _l("Data erased"),
    "late": _l("Late link"),
    "reminder": _l("Reminder: flights are missing"),
    "announcement": _l("Announcement to delegates"),
    "digest": _l("Daily digest to organisers"),
}

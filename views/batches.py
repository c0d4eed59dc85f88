"""Bulk actions: how many registrations one would change, doing it, and taking it back."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from werkzeug import Response

from domain import batches, roster
from domain.announcements import NumberChanged
from domain.batches import KINDS
from forms import BatchForm, UndoForm
from htmx import go
from models import Batch
from security import demand, may
from views.connections import hold_connection
from views.desk import front_desk, refuse_old_page
from views.filters import asked, choices, in_address
from views.mails import ONE

TITLES = {
    "letter_in_preparation": _l("Mark letters as in preparation"),
    "letter_sent": _l("Mark letters as sent"),
    "hotel_booked": _l("Mark hotel rooms as booked"),
    "travel_checked": _l("Mark flights as checked"),
    "reminder": _l("Send a reminder of missing flights"),
    "confirmation": _l("Confirm registrations"),
}
WILL: dict[str, Callable[[int], str]] = {
    "letter_in_preparation": lambda number: ngettext(
        "%(num)d letter will be marked as in preparation.",
        "%(num)d letters will be marked as in preparation.",
        number,
    ),
    "letter_sent": lambda number: ngettext(
        "%(num)d letter will be marked as sent.", "%(num)d letters will be marked as sent.", number
    ),
    "hotel_booked": lambda number: ngettext(
        "%(num)d hotel room will be marked as booked.",
        "%(num)d hotel rooms will be marked as booked.",
        number,
    ),
    "travel_checked": lambda number: ngettext(
        "The flights of %(num)d delegate will be marked as checked.",
        "The flights of %(num)d delegates will be marked as checked.",
        number,
    ),
    "reminder": lambda number: ngettext(
        "%(num)d delegate will get a reminder by mail.",
        "%(num)d delegates will get a reminder by mail.",
        number,
    ),
    "confirmation": lambda number: ngettext(
        "%(num)d registration will be confirmed.", "%(num)d registrations will be confirmed.", number
    ),
}
WAS: dict[str, Callable[[int], str]] = {
    "letter_in_preparation": lambda number: ngettext(
        "%(num)d letter was marked as in preparation.",
        "%(num)d letters were marked as in preparation.",
        number,
    ),
    "letter_sent": lambda number: ngettext(
        "%(num)d letter was marked as sent.", "%(num)d letters were marked as sent.", number
    ),
    "hotel_booked": lambda number: ngettext(
        "%(num)d hotel room was marked as booked.", "%(num)d hotel rooms were marked as booked.", number
    ),
    "travel_checked": lambda number: ngettext(
        "The flights of %(num)d delegate were marked as checked.",
        "The flights of %(num)d delegates were marked as checked.",
        number,
    ),
    "reminder": lambda number: ngettext(
        "A reminder to %(num)d delegate was written.",
        "Reminders to %(num)d delegates were written.",
        number,
    ),
    "confirmation": lambda number: ngettext(
        "%(num)d registration was confirmed.", "%(num)d registrations were confirmed.", number
    ),
}
LEFT_OUT = {
    "letter_in_preparation": _l("cancelled, no letter requested, or in preparation or sent already"),
    "letter_sent": _l("cancelled, no letter requested, or sent already"),
    "hotel_booked": _l("cancelled, no room to be reserved, or booked already"),
    "travel_checked": _l("cancelled, flights not known, or checked already"),
    "reminder": _l("cancelled, flights known or not needed, or reminded today already"),
    "confirmation": _l("cancelled, or confirmed already"),
}
TICK = "chosen-"

bp = Blueprint("batches", __name__, url_prefix="/organiser/batches")
hold_connection(bp)


@bp.app_context_processor
def for_every_page() -> dict[str, Any]:
    return {"batch_titles": TITLES}


def batch_kinds() -> list[str]:
    """The bulk actions that the roles of the organiser allow, as far as this conference asks for what they act on."""
    offered = choices()
    return [name for name, kind in KINDS.items() if may(kind.right) and set(kind.filters) <= offered.keys()]


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int]:
    """Say how many registrations a bulk action would change, and do it to exactly as many."""
    kind, query, form = request.args.get("kind", ""), asked(), BatchForm()
    if kind not in KINDS:
        abort(400)
    demand(KINDS[kind].right)
    if kind not in batch_kinds():
        abort(400)
    among = batches.chosen(query, None if request.args.get("scope") == "all" else ticked())
    is_another = False
    if form.validate_on_submit():
        try:
            batch = batches.perform(
                kind, among, number=form.agreed, organiser=current_user.organiser, desk=front_desk()
            )
            return go(address(batch))
        except NumberChanged as changed:
            done = None if changed.actual else first_of_two_clicks(kind, form)
            if done:
                return go(address(done))
            is_another = True
    status = 422 if is_another or form.has_run_out else 200
    return preview_page(kind, query, among, is_another=is_another, has_run_out=form.has_run_out), status


def first_of_two_clicks(kind: str, form: BatchForm) -> Batch | None:
    """What this form has done already: a browser shows the answer to the second click alone."""
    if form.since is None:
        return None
    return batches.done_since(form.since, kind, number=form.agreed, organiser=current_user.organiser)


def ticked() -> list[str]:
    """The references that were ticked. Each has a name of its own: a browser that goes back ticks by names, and must
    not tick another row where somebody new has come in between."""
    return [name.removeprefix(TICK) for name in request.args if name.startswith(TICK)]


def preview_page(kind: str, query: roster.Query, among: Any, *, is_another: bool, has_run_out: bool) -> str:
    ahead = batches.preview(kind, among, front_desk())
    return render_template(
        "batches/new.html",
        title=_("Error: %(title)s", title=TITLES[kind]) if is_another or has_run_out else TITLES[kind],
        heading=TITLES[kind],
        preview=ahead,
        will=WILL[kind](ahead.number),
        reasons=LEFT_OUT[kind],
        is_undoable=KINDS[kind].is_undoable,
        most=batches.MOST_MAILS,
        query=query,
        form=BatchForm(formdata=None),
        newest=batches.newest(),
        here=request.full_path,
        is_another=is_another,
        has_run_out=has_run_out,
    )


@bp.get(ONE)
def show(number: int) -> str:
    """Show what a bulk action did, and let it be undone."""
    batch = find(number)
    return render_template(
        "batches/show.html",
        title=TITLES[batch.kind],
        batch=batch,
        was=WAS[batch.kind](batches.number_of(batch)),
        left=batches.number_of(batch) - batch.put_back,
        is_undoable=batches.is_undoable(batch),
        may_undo=may(KINDS[batch.kind].right),
        has_undo=KINDS[batch.kind].is_undoable,
        query=asked(),
        form=UndoForm(formdata=None),
    )


@bp.post(f"{ONE}/undo")
def undo(number: int) -> Response:
    """Take a bulk action back where nothing has changed since."""
    batch = find(number)
    demand(KINDS[batch.kind].right)
    if not UndoForm().validate():
        refuse_old_page()
    with suppress(batches.TooLate):  # the second of two clicks; the page says why
        batches.undo(batch, organiser=current_user.organiser)
    return go(address(batch))


def address(batch: Batch) -> str:
    """Where its page is, from which the way back leads to the list as it was."""
    query: dict[str, Any] = dict(in_address(asked()))
    return url_for("batches.show", number=batch.id, **query)


def find(number: int) -> Batch:
    batch = batches.find(number)
    if batch is None:
        abort(404, _("There is no bulk action with this number."))
    return batch

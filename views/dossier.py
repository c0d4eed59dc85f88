"""One registration on the organisers' desk: what it says, as far as a role may see it; its marks, notes and history."""

from collections.abc import Collection
from typing import Any, NamedTuple

from flask import Blueprint, abort, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug import Response

from domain import audit, notes, outbox, roster
from domain import marks as verbs
from domain.answers import answers_of
from domain.registration import ChangedMeanwhile, find_by_reference
from forms import MarkForm, NoteForm, RegistrationForm, RemovalForm, RevealForm
from htmx import go, render, wants_fragment
from models import Registration
from security import demand, may
from views.connections import hold_connection
from views.desk import conference
from views.filters import TITLES, VALUES
from views.log import in_words
from views.mails import ONE

MARK_TITLES = {"visa": TITLES["visa"], "booked": TITLES["hotel"], "checked": TITLES["travel"]}
DONE = {
    "mark": _l("The mark is stored."),
    "note": _l("The note is stored."),
    "removal": _l("The note is removed."),
}

bp = Blueprint("dossier", __name__, url_prefix="/organiser/registrations/<reference>")
hold_connection(bp)


@bp.route("", methods=["GET", "POST"])
def show(reference: str) -> Response:
    """Show one registration; its sensitive answers only when asked for, and each look is in the log."""
    row, form = found(reference), RevealForm()
    blocks = may_see(as_form(row)) if form.validate_on_submit() else []
    audit.record(
        "registration.revealed" if blocks else "registration.viewed",
        organiser=current_user.organiser,
        registration=row,
        **({"blocks": blocks} if blocks else {}),
    )
    return page(row, blocks=blocks, status=422 if form.has_run_out else 200)


@bp.post("/marks")
def marks(reference: str) -> Response:
    """Set a mark of a registration, such as that its visa letter was sent."""
    row, form = found(reference), MarkForm()
    name, value = form.mark.data or "", form.value.data or ""
    if name not in verbs.MARKS or value not in verbs.MARKS[name].values:
        abort(400)
    demand(verbs.MARKS[name].right)
    if not form.validate():
        return page(row, sent=name, sent_mark=form, status=422)
    try:
        former = form.former.data or ""
        verbs.put(row, name, value, former=former, sequence=form.seen, organiser=current_user.organiser)
    except ChangedMeanwhile:
        return page(found(reference), sent=name, status=409)
    return done(reference, "mark", sent=name)


@bp.post("/notes")
def add_note(reference: str) -> Response:
    """Add a note to a registration."""
    row, form = found(reference), NoteForm()
    if not form.validate():
        form.note.render_kw = form.note.render_kw | {"autofocus": True}
        return page(row, note_form=form, sent="note", status=422)
    notes.add(row, form.note.data, organiser=current_user.organiser)
    return done(reference, "note", sent="note")


@bp.post(f"/notes{ONE}/removal")
def note_removal(reference: str, number: int) -> Response:
    """Remove a note, which its author and the admins may do."""
    row, form = found(reference), RemovalForm()
    note = notes.find(row, number, written=form.written.data or "")
    if note and note.organiser != current_user.organiser:
        demand("admin")
    if not form.validate():
        return page(row, sent="removal", status=422)
    if note:
        notes.remove(note, organiser=current_user.organiser)
    return done(reference, "removal", sent="removal")


def found(reference: str) -> Registration:
    row = find_by_reference(reference)
    if row is None:
        abort(404, _("There is no registration with this reference."))
    return row


def done(reference: str, what: str, *, sent: str) -> Response:
    """Show it as it is now: to htmx what may have changed of the page, to everybody else the page anew."""
    if wants_fragment():
        return page(found(reference), what=what, sent=sent)
    left = request.args.get("list") or None
    return go(url_for("dossier.show", reference=reference, done=what, list=left, _anchor="handling"))


def as_form(row: Registration) -> RegistrationForm:
    return RegistrationForm.showing(answers_of(row), conference())


def may_see(answers: RegistrationForm) -> list[str]:
    """The blocks of sensitive answers in which there are any that the roles of the organiser let them see."""
    return [block for block in answers.blocks() if may(block)]


def page(
    row: Registration,
    *,
    blocks: Collection[str] = (),
    note_form: NoteForm | None = None,
    sent_mark: MarkForm | None = None,
    what: str = "",
    sent: str = "",
    status: int = 200,
) -> Response:
    answers = as_form(row)
    history = audit.history(row)
    return render(
        "dossier/show.html",
        "dossier/_handling.html",
        title=row.name,
        status=status,
        list_left=list_left(),
        is_overtaken=status == 409,
        has_run_out=status == 422 and not (note_form and note_form.note.errors),
        sent=sent,
        done=DONE.get(what or request.args.get("done", "")),
        registration=row,
        form=answers,
        hidden=hidden(answers, blocks),
        revealable=set(may_see(answers)) - set(blocks),
        twins=roster.twins_of(row),
        marks=marks_of(row, sent_mark),
        mark_titles=MARK_TITLES,
        mark_values=VALUES,
        notes=notes.of(row),
        note_form=note_form or NoteForm(formdata=None),
        token=RevealForm(formdata=None).csrf_token.current_token,
        mails=outbox.mails_of(row),
        has_older=audit.count(row) > len(history),
        history=list(zip(history, in_words(history), strict=True)),
    )


class ShownMark(NamedTuple):
    """A mark with its value, and what its form holds: what is chosen there, instead of what, seen when."""

    name: str
    mark: verbs.Mark
    value: str
    chosen: str
    former: str
    sequence: str | int


def marks_of(row: Registration, sent: MarkForm | None) -> list[ShownMark]:
    """The marks to be set; a form that comes back to be sent once more holds what it held."""
    shown = []
    for name, value in verbs.called_for(row).items():
        held: Any = value, value, row.sequence
        if sent and sent.mark.data == name:
            held = sent.value.data, sent.former.data, sent.sequence.data
        shown.append(ShownMark(name, verbs.MARKS[name], value, *held))
    return shown


def list_left() -> str:
    """The query of the list as it was left for this page, if the browser tells; what this page leads to tells it on."""
    left, _mark, query = (request.referrer or "").partition("?")
    is_list = left.endswith(url_for("organiser.registrations"))
    return query if is_list else request.args.get("list", "")


def hidden(answers: RegistrationForm, blocks: Collection[str]) -> dict[str, Any]:
    """What stands in the place of the sensitive answers, except for those of some blocks."""
    shown = {name for block in blocks for name in answers.BLOCKS[block]}
    return {name: mask for name, mask in answers.masks().items() if name not in shown}

"""Announcements: writing one, seeing it as a delegate does, sending it to those whom a search finds, stopping it."""

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug import Response

from domain import announcements, roster
from domain.announcements import NoDraft, NumberChanged
from domain.conference import LANGUAGES
from domain.registration import ChangedMeanwhile
from forms import AnnouncementForm, DraftForm, SendForm, StopForm
from htmx import go, render
from i18n import current_language
from models import Announcement
from views.connections import hold_connection
from views.desk import front_desk, refuse_old_page
from views.filters import asked, is_sensitive
from views.frames import framed, with_frames
from views.mails import ONE

LANGUAGE = f"<any({','.join(LANGUAGES)}):language>"

bp = Blueprint("announcements", __name__, url_prefix="/organiser/announcements")
hold_connection(bp)


@bp.get("")
def listing() -> str:
    """List what has been written, newest first."""
    return render_template(
        "announcements/listing.html",
        title=_("Announcements"),
        announcements=announcements.newest(),
        language_among=announcements.language_among,
    )


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int]:
    """Let an organiser write to the delegates whom a search of the list finds."""
    form, query = AnnouncementForm(), asked()
    search = roster.in_words(query)
    if is_sensitive(query) or len(search) > Announcement.search.max_length:
        abort(400)
    if form.validate_on_submit():
        written = announcements.draft(
            form.written("subject"), form.written("text"), search=search, organiser=current_user.organiser
        )
        return go(url_for("announcements.show", number=written.id))
    return form_page("announcements/new.html", _("Write an announcement"), form, search)


@bp.route(f"{ONE}/edit", methods=["GET", "POST"])
def edit(number: int) -> Response | tuple[str, int]:
    """Let an organiser put other words into a draft."""
    announcement = find(number)
    if announcement.state != "draft":
        return too_late(number)
    form = DraftForm(data=as_data(announcement))
    if form.validate_on_submit():
        try:
            announcements.amend(
                announcement,
                form.written("subject"),
                form.written("text"),
                version=form.version.data or "",
                organiser=current_user.organiser,
            )
        except NoDraft:
            return too_late(number)
        except ChangedMeanwhile:
            return overtaken(find(number), form)
        return go(url_for("announcements.show", number=number))
    return form_page("announcements/edit.html", _("Change the draft"), form, announcement.search)


def overtaken(announcement: Announcement, form: DraftForm) -> tuple[str, int]:
    """The form as it was typed, beside what has been stored meanwhile: sent once more, it counts."""
    stored = as_data(announcement)
    form.version.data = stored["version"]
    heading, differing = _("Change the draft"), form.differing(stored)
    return form_page(
        "announcements/edit.html", heading, form, announcement.search, status=409, differing=differing
    )


def find(number: int) -> Announcement:
    announcement = announcements.find(number)
    if announcement is None:
        abort(404, _("There is no announcement with this number."))
    return announcement


def too_late(number: int) -> Response:
    return go(url_for("announcements.show", number=number, late=1))


def as_data(announcement: Announcement) -> dict[str, str]:
    """Subject and text by language, and the version, as the values of the form's fields."""
    version = {"version": announcements.version_of(announcement)}
    subject = {f"subject_{lang}": words for lang, words in announcement.subject.items()}
    return version | subject | {f"text_{lang}": words for lang, words in announcement.text.items()}


def form_page(
    page: str, heading: str, form: AnnouncementForm, search: str, *, status: int = 200, **notices: object
) -> tuple[str, int]:
    text = render_template(
        page,
        title=_("Error: %(title)s", title=heading) if form.errors else heading,
        heading=heading,
        form=form,
        search=search,
        recipients=announcements.count(search),
        is_overtaken=status == 409,
        **notices,
    )
    return text, 422 if form.errors else status


@bp.get(ONE)
def show(number: int) -> Response:
    """Show an announcement as delegates see it, and how far it is."""
    return announcement_page(find(number), SendForm(formdata=None))


def announcement_page(announcement: Announcement, form: SendForm, status: int = 200) -> Response:
    lang = announcements.language_among(announcements.languages_of(announcement), current_language())
    response = render(
        "announcements/show.html",
        "announcements/_progress.html",
        title=announcement.subject[lang],
        status=status,
        announcement=announcement,
        written_in=lang,
        progress=announcements.progress(announcement),
        recipients=announcements.count(announcement.search) if announcement.state == "draft" else 0,
        previews=((one, announcements.preview(announcement, one, desk=front_desk())) for one in LANGUAGES),
        form=form,
        stop_form=StopForm(formdata=None),
        version=announcements.version_of(announcement),
        is_late="late" in request.args,
        is_overtaken=status == 409,
    )
    return with_frames(response)


@bp.get(f"{ONE}/preview/{LANGUAGE}")
def preview(number: int, language: str) -> Response:
    """Give an announcement as the HTML of its mail, for the frame on its page."""
    mail = announcements.preview(find(number), language, desk=front_desk())
    body = mail.get_body(("html",))
    return framed(body.get_content() if body else "")


@bp.post(f"{ONE}/sending")
def sending(number: int) -> Response:
    """Send an announcement as it was shown to everybody whom its search finds now, if that is as many as agreed to."""
    announcement, form = find(number), SendForm()
    if not form.validate():
        return announcement_page(announcement, form, 422)
    try:
        announcements.send(
            announcement,
            number=form.agreed,
            version=form.version.data or "",
            organiser=current_user.organiser,
        )
    except ChangedMeanwhile:
        return announcement_page(find(number), SendForm(formdata=None), 409)
    except NumberChanged as changed:
        form.number.errors = [reason(form, changed.actual)]
        return announcement_page(announcement, form, 422)
    except NoDraft:  # the second of two clicks
        pass
    return go(url_for("announcements.show", number=number))


def reason(form: SendForm, actual: int) -> str:
    """Why nothing was sent: another number was typed than the page said, or it has changed since."""
    if form.number.data == form.shown.data:
        return _("There are now %(number)s recipients. Enter this number if that is right", number=actual)
    return _("Enter the number of recipients, %(number)s, to send the announcement", number=actual)


@bp.post(f"{ONE}/stop")
def stop(number: int) -> Response:
    """Stop sending an announcement."""
    if not StopForm().validate():
        refuse_old_page()
    announcements.stop(find(number), organiser=current_user.organiser)
    return go(url_for("announcements.show", number=number))

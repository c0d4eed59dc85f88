"""Organisers and their sign-ins. The database holds hashes only: scrypt of passwords, SHA-256 of tokens."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from peewee import IntegrityError, ModelSelect, fn
from werkzeug.security import check_password_hash, generate_password_hash

from db import held, is_outage, write
from domain import audit, clock, codes
from domain.codes import digest
from models import AuditEntry, Authenticator, Organiser, SignIn

# What each role may do. `write` acts for delegates and shows what the other rights of the role cover.
RIGHTS = {
    "reader": {"read"},
    "logistics": {"read", "write", "logistics"},
    "visa": {"read", "write", "visa"},
    "admin": {"read", "write", "logistics", "visa", "admin"},
}
LIFETIME = timedelta(hours=8)
IDLE = timedelta(minutes=30)
NOTED_EVERY = timedelta(minutes=1)  # reading pages stays cheap
ONE_WISH = timedelta(minutes=1)  # who asks for the same again within this time has clicked twice
ENROLMENT_LIFETIME = timedelta(hours=24)
REMOVED = "removed"  # in the place of a password hash: no password has it
INVITED = "invited"  # the same for somebody who has not enrolled
NOBODY = generate_password_hash(secrets.token_urlsafe())  # for unknown addresses, so that they take as long


class OrganiserExists(Exception):
    """The address belongs to an organiser already."""


class OrganiserUnknown(Exception):
    """The address belongs to no organiser."""


class EnrolmentUnknown(Exception):
    """No such link was made, or a later one has taken its place."""


class EnrolmentOver(Exception):
    """The link was used, or its day is over."""


class WrongCode(Exception):
    """It is not what the app shows now."""


def new_password() -> str:
    return secrets.token_urlsafe(15)


def rights_of(organiser: Organiser) -> set[str]:
    """What an organiser may do by all of their roles."""
    return {right for role in organiser.roles.split() for right in RIGHTS[role]}


def add(email: str, password: str, *, roles: Iterable[str] = ("reader",)) -> Organiser:
    """Let somebody sign in with a password alone, as in a rehearsal. Raises OrganiserExists."""
    return _put(email, roles, password_hash=generate_password_hash(password))


def invite(email: str, *, roles: Iterable[str]) -> str:
    """Let somebody enrol within a day; returns the token of their link. Raises OrganiserExists."""
    token, invitation = _invitation()
    _put(email, roles, **invitation)
    return token


def _put(email: str, roles: Iterable[str], **given: Any) -> Organiser:
    """Somebody new, or who was removed."""
    email = email.lower()
    given |= {"roles": " ".join(dict.fromkeys(roles)), "created_at": clock.now()}
    try:
        with write():
            was_removed = (Organiser.email == email) & (Organiser.password_hash == REMOVED)
            if not Organiser.update(**given).where(was_removed).execute():
                Organiser.create(email=email, **given)
            organiser = find(email)
            audit.record("organiser.added", organiser=organiser)
    except IntegrityError:
        raise OrganiserExists from None
    return organiser


def _invitation() -> tuple[str, dict[str, Any]]:
    """A token, and the columns of whoever is to enrol with it."""
    token = secrets.token_urlsafe(32)
    expires_at = clock.real_now() + ENROLMENT_LIFETIME
    return token, {
        "password_hash": INVITED,
        "enrolment_hash": digest(token),
        "enrolment_expires_at": expires_at,
    }


def reset(email: str) -> str:
    """Take an organiser's password, app, recovery codes and sign-ins away, and let them enrol anew.

    Returns the token of their link. Raises OrganiserUnknown.
    """
    organiser = find(email)
    token, invitation = _invitation()
    with write():
        _take_away(organiser, **invitation)
        audit.record("organiser.reset", organiser=organiser)
    return token


def remove(email: str) -> None:
    """Take an organiser's access away, at once and everywhere. Raises OrganiserUnknown.

    The row stays, without a password: the log goes on saying who it was.
    """
    organiser = find(email)
    with write():
        _take_away(organiser, password_hash=REMOVED, enrolment_hash="")
        audit.record("organiser.removed", organiser=organiser)


def _take_away(organiser: Organiser, **columns: Any) -> None:
    Organiser.update(**columns).where(Organiser.id == organiser.id).execute()
    SignIn.delete().where(SignIn.organiser == organiser).execute()
    codes.forget(organiser)


def invited(token: str) -> Organiser:
    """Who may still enrol with a link. Raises EnrolmentUnknown or EnrolmentOver."""
    organiser = of_link(token)
    if organiser.password_hash != INVITED or organiser.enrolment_expires_at <= clock.real_now():
        raise EnrolmentOver
    return organiser


def of_link(token: str) -> Organiser:
    """Whom a link was made for, whether it still works or not. Raises EnrolmentUnknown."""
    organiser = current().where(Organiser.enrolment_hash == digest(token)).first()
    if organiser is None:
        raise EnrolmentUnknown
    return organiser


def enrol(token: str, *, secret: str, password: str, code: str) -> tuple[Organiser, list[str]]:
    """Store the password and the app of whoever a link was made for; returns the organiser and ten recovery codes.

    The same once more, as a second click sends it, returns the same while its code is shown. Raises EnrolmentUnknown,
    EnrolmentOver, WrongCode.
    """
    organiser = of_link(token)
    step = codes.step_of(secret, code)
    if step is None:
        raise WrongCode
    recovery, password_hash = codes.recovery_codes(f"{token} {secret}"), generate_password_hash(password)
    is_open = (Organiser.enrolment_hash == digest(token)) & (Organiser.password_hash == INVITED)
    is_open &= Organiser.enrolment_expires_at > clock.real_now()
    with write():
        is_first = Organiser.update(password_hash=password_hash).where(is_open).execute() == 1
        if is_first:
            codes.forget(organiser)
            Authenticator.create(organiser=organiser, secret=secret, step=step)
            codes.store(organiser, recovery)
            audit.record("organiser.enrolled", organiser=organiser)
    if not is_first and not _has_enrolled_with(token, secret, password, step):
        raise EnrolmentOver
    return organiser, recovery


def _has_enrolled_with(token: str, secret: str, password: str, step: int) -> bool:
    organiser = of_link(token)
    try:
        app = Authenticator.select().where(Authenticator.organiser == organiser).first()
    except InvalidToken:
        return False
    is_same = app is not None and (app.secret, app.step) == (secret, step)
    return is_same and check_password_hash(organiser.password_hash, password)


def current() -> "ModelSelect[Organiser]":
    """The organisers who have not been removed."""
    return Organiser.select().where(Organiser.password_hash != REMOVED)


def take_turns(organiser: Organiser | None) -> datetime:
    """Let the clicks of one organiser take turns until the transaction that is open has ended; returns the moment since
    when the same again is the second of two clicks."""
    held(Organiser.select(Organiser.id).where(Organiser.id == (organiser and organiser.id))).first()
    return clock.now() - ONE_WISH


def enrolled() -> "ModelSelect[Organiser]":
    """The organisers who have chosen a password: an address that was only invited may be a slip of the pen."""
    return current().where(Organiser.password_hash != INVITED)


def has_enrolled(organiser: Organiser) -> bool:
    return organiser.password_hash != INVITED


def last_sign_ins() -> dict[int, datetime]:
    """When each organiser signed in last, by the organiser's number."""
    found: Any = AuditEntry.select(AuditEntry.organiser, fn.MAX(AuditEntry.at))
    found = found.where(AuditEntry.action == "organiser.signed_in").group_by(AuditEntry.organiser)
    return dict(found.tuples())


def find(email: str) -> Organiser:
    organiser = current().where(Organiser.email == email.lower()).first()
    if organiser is None:
        raise OrganiserUnknown
    return organiser


def authenticate(email: str, password: str, code: str = "", *, needs_code: bool = True) -> Organiser | None:
    """The organiser with this address, password and code, or None, after the same time whichever of them is wrong.

    Where no code is needed, an organiser with an app gives one all the same. A code counts once, and a wrong password
    does not use it up.
    """
    organiser = current().where(Organiser.email == email.lower()).first()
    found = codes.find(organiser, code)
    is_known = organiser is not None and has_enrolled(organiser)
    is_right = check_password_hash(organiser.password_hash if is_known else NOBODY, password)
    if not (is_known and is_right):
        return None
    if not needs_code and not codes.has_app(organiser):
        return organiser
    with write():
        return organiser if found and codes.use(organiser, found) else None


def sign_in(organiser: Organiser, browser: str = "") -> str:
    """Start a sign-in of eight hours and return its token."""
    token = secrets.token_urlsafe(32)
    now = clock.real_now()
    with write():
        SignIn.delete().where((SignIn.expires_at <= now) | (SignIn.seen_at <= now - IDLE)).execute()
        SignIn.create(
            organiser=organiser,
            token_hash=digest(token),
            browser=browser,
            created_at=now,
            seen_at=now,
            proved_at=now,
            expires_at=now + LIFETIME,
        )
        audit.record("organiser.signed_in", organiser=organiser)
    return token


def _is_running(now: datetime) -> Any:
    return (SignIn.expires_at > now) & (SignIn.seen_at > now - IDLE)


def note_language(organiser: Organiser, lang: str) -> None:
    """Write to an organiser in this language from now on."""
    with write():
        Organiser.update(language=lang).where(Organiser.id == organiser.id).execute()


def signed_in(token: str) -> SignIn | None:
    """The sign-in that a token belongs to, with its organiser, while it lasts."""
    return (
        SignIn.select(SignIn, Organiser)
        .join(Organiser)
        .where(SignIn.token_hash == digest(token), _is_running(clock.real_now()))
        .where(Organiser.password_hash.not_in((REMOVED, INVITED)))
        .first()
    )


def sign_ins_of(organiser: Organiser) -> list[SignIn]:
    """The browsers in which an organiser is signed in, the latest first."""
    theirs = SignIn.select().where(SignIn.organiser == organiser, _is_running(clock.real_now()))
    return list(theirs.order_by(SignIn.created_at.desc(), SignIn.id.desc()))


def ends_at(sign_in: SignIn) -> datetime:
    """When a sign-in ends, if nothing more is done with it."""
    return min(sign_in.seen_at + IDLE, sign_in.expires_at)


def note_activity(sign_in: SignIn, *, at_once: bool = False) -> None:
    """Let a sign-in go on for another half hour. What the database cannot take now, the next page will tell it."""
    now = clock.real_now()
    if not at_once and now - sign_in.seen_at < NOTED_EVERY:
        return
    try:
        with write():
            SignIn.update(seen_at=now).where(SignIn.id == sign_in.id).execute()
    except Exception as error:
        if not is_outage(error):
            raise
    sign_in.seen_at = now


def prove(sign_in: SignIn, password: str, code: str = "", *, needs_code: bool = True) -> bool:
    """Check once more that it is still the organiser who sits there, and enter the outcome in the log."""
    organiser = authenticate(sign_in.organiser.email, password, code, needs_code=needs_code)
    with write():
        if organiser:
            SignIn.update(proved_at=clock.real_now()).where(SignIn.id == sign_in.id).execute()
        audit.record(
            "organiser.proved" if organiser else "organiser.proof_refused", organiser=sign_in.organiser
        )
    return organiser is not None


def change_password(sign_in: SignIn, password: str) -> None:
    """Give an organiser the password that they chose, and end their other sign-ins.

    Not if it has changed meanwhile: somebody who has just been reset is to enrol.
    """
    organiser, password_hash = sign_in.organiser, generate_password_hash(password)
    is_unchanged = (Organiser.id == organiser.id) & (Organiser.password_hash == organiser.password_hash)
    with write():
        if not Organiser.update(password_hash=password_hash).where(is_unchanged).execute():
            return
        SignIn.delete().where(_others(sign_in)).execute()
        audit.record("organiser.password_changed", organiser=organiser)


def make_codes(organiser: Organiser, key: str) -> list[str]:
    """Ten new recovery codes in the place of the earlier ones. A repeat with the same key returns the same."""
    fresh = codes.recovery_codes(f"{organiser.id} {key}")
    with write():
        held(Organiser.select(Organiser.id).where(Organiser.id == organiser.id)).first()
        codes.store(organiser, fresh)
        audit.record("organiser.codes_made", organiser=organiser)
    return fresh


def sign_out(token: str, organiser: Organiser) -> None:
    with write():
        SignIn.delete().where(SignIn.token_hash == digest(token)).execute()
        audit.record("organiser.signed_out", organiser=organiser)


def sign_out_elsewhere(sign_in: SignIn, *, here_too: bool = False) -> None:
    """End all other sign-ins of an organiser, or really all."""
    which = SignIn.organiser == sign_in.organiser if here_too else _others(sign_in)
    with write():
        ended = SignIn.delete().where(which).execute()
        audit.record("organiser.signed_out", organiser=sign_in.organiser, sign_ins=ended)


def _others(sign_in: SignIn) -> Any:
    return (SignIn.organiser == sign_in.organiser) & (SignIn.id != sign_in.id)

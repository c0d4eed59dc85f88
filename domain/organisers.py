"""Organisers and their sign-ins. The database holds hashes only: scrypt of passwords, SHA-256 of tokens."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from peewee import IntegrityError, ModelSelect
from werkzeug.security import check_password_hash, generate_password_hash

from db import write
from domain import audit, clock
from models import Organiser, SignIn

# What each role may do. `write` acts for delegates and shows what the other rights of the role cover.
RIGHTS = {
    "reader": {"read"},
    "logistics": {"read", "write", "logistics"},
    "visa": {"read", "write", "visa"},
    "admin": {"read", "write", "logistics", "visa", "admin"},
}
LIFETIME = timedelta(hours=8)
REMOVED = "removed"  # in the place of a password hash: no password has it
NOBODY = generate_password_hash(
    secrets.token_urlsafe()
)  # checked for unknown addresses, so that they take as long


class OrganiserExists(Exception):
    """The address belongs to an organiser already."""


class OrganiserUnknown(Exception):
    """The address belongs to no organiser."""


def new_password() -> str:
    return secrets.token_urlsafe(15)


def rights_of(organiser: Organiser) -> set[str]:
    """What an organiser may do by all of their roles."""
    return {right for role in organiser.roles.split() for right in RIGHTS[role]}


def add(email: str, password: str, *, roles: Iterable[str] = ("reader",)) -> Organiser:
    """Let somebody sign in, once more if they were removed. Raises OrganiserExists."""
    email = email.casefold()
    given = {
        "password_hash": generate_password_hash(password),
        "roles": " ".join(dict.fromkeys(roles)),
        "created_at": clock.now(),
    }
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


def reset(email: str, password: str) -> None:
    """Give an organiser a new password and end all their sign-ins. Raises OrganiserUnknown."""
    organiser = find(email)
    with write():
        Organiser.update(password_hash=generate_password_hash(password)).where(
            Organiser.id == organiser.id
        ).execute()
        SignIn.delete().where(SignIn.organiser == organiser).execute()
        audit.record("organiser.reset", organiser=organiser)


def remove(email: str) -> None:
    """Take an organiser's access away, at once and everywhere. Raises OrganiserUnknown.

    The row stays, without a password: the log goes on saying who it was.
    """
    organiser = find(email)
    with write():
        SignIn.delete().where(SignIn.organiser == organiser).execute()
        Organiser.update(password_hash=REMOVED).where(Organiser.id == organiser.id).execute()
        audit.record("organiser.removed", organiser=organiser)


def current() -> "ModelSelect[Organiser]":
    """The organisers who have not been removed."""
    return Organiser.select().where(Organiser.password_hash != REMOVED)


def addresses() -> list[str]:
    """Everybody who may sign in."""
    return [organiser.email for organiser in current().order_by(Organiser.email)]


def find(email: str) -> Organiser:
    organiser = current().where(Organiser.email == email.casefold()).first()
    if organiser is None:
        raise OrganiserUnknown
    return organiser


def authenticate(email: str, password: str) -> Organiser | None:
    """The organiser with this address and password, or None, after the same time whichever of them is wrong."""
    organiser = current().where(Organiser.email == email.casefold()).first()
    is_right = check_password_hash(organiser.password_hash if organiser else NOBODY, password)
    return organiser if organiser and is_right else None


def sign_in(organiser: Organiser) -> str:
    """Start a sign-in of eight hours and return its token."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with write():
        SignIn.delete().where(SignIn.expires_at <= now).execute()
        SignIn.create(
            organiser=organiser, token_hash=digest(token), created_at=now, expires_at=now + LIFETIME
        )
        audit.record("organiser.signed_in", organiser=organiser)
    return token


def note_language(organiser: Organiser, lang: str) -> None:
    """Write to an organiser in this language from now on."""
    with write():
        Organiser.update(language=lang).where(Organiser.id == organiser.id).execute()


def signed_in(token: str) -> Organiser | None:
    """Whose sign-in a token is, while it lasts."""
    row = (
        SignIn.select(SignIn, Organiser)
        .join(Organiser)
        .where(SignIn.token_hash == digest(token), SignIn.expires_at > clock.now())
        .where(Organiser.password_hash != REMOVED)
        .first()
    )
    return row.organiser if row else None


def sign_out(token: str, organiser: Organiser) -> None:
    with write():
        SignIn.delete().where(SignIn.token_hash == digest(token)).execute()
        audit.record("organiser.signed_out", organiser=organiser)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

"""Late links: leave to register after the deadline, for one address, made by an organiser."""

import secrets
from datetime import timedelta

from db import write
from domain import audit, clock, outbox
from domain.answers import address_key, ascii_address
from domain.blocked import is_blocked
from domain.desk import Desk
from domain.mail import write_mail
from models import LateLink, Organiser, Registration

LIFETIME = timedelta(hours=72)


class Unwanted(Exception):
    """The owner of this address asked that the service never write to it again."""


def make(email: str, *, lang: str, organiser: Organiser, desk: Desk) -> LateLink:
    """Make a link for one address, valid for 72 hours, and mail it there in a language. Raises Unwanted."""
    if is_blocked(address_key(email)):
        raise Unwanted
    now = clock.now()
    link = LateLink(
        public_id=secrets.token_hex(16),
        email=ascii_address(email),
        language=lang,
        organiser=organiser,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    once = f"late:{link.public_id}"
    message = write_mail(
        "late",
        to=link.email,
        lang=lang,
        once=once,
        desk=desk,
        link=desk.late_link(link),
        until=link.expires_at,
    )
    with write():
        link.save(force_insert=True)
        outbox.enqueue(message, kind="late", registration=None, once=once)
        audit.record("late_link.made", organiser=organiser, late_link=link.id)
    return link


def find(public_id: str) -> LateLink | None:
    """A link that may still be used."""
    return LateLink.get_or_none(
        LateLink.public_id == public_id,
        LateLink.expires_at > clock.now(),
        LateLink.registration.is_null(),
    )


def valid(public_id: str | None, *, address: str) -> LateLink | None:
    """The link, if it may still be used, and for this address."""
    link = find(public_id) if public_id else None
    return link if link and address_key(link.email) == address_key(address) else None


def use(link: LateLink, registration: Registration) -> None:
    LateLink.update(registration=registration).where(LateLink.id == link.id).execute()


def forget(registration: Registration) -> None:
    """Take the address out of the link through which a registration came."""
    LateLink.update(email="").where(LateLink.registration == registration).execute()


def newest() -> list[LateLink]:
    """The newest hundred links, newest first, each with its organiser and the registration it led to."""
    links = LateLink.select(LateLink, Organiser, Registration)
    links = links.left_outer_join(Organiser).switch(LateLink).left_outer_join(Registration)
    return list(links.order_by(LateLink.id.desc()).limit(100))

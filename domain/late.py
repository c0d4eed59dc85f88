"""Late links: leave to register after the deadline, for one address, made by an organiser."""

import secrets
from datetime import timedelta

from db import write
from domain import audit, clock, outbox
from domain.answers import address_key, ascii_address
from domain.blocked import Unwanted, is_blocked
from domain.desk import Desk
from domain.mail import write_mail
from domain.organisers import take_turns
from models import ACTIVE, LateLink, Mail, Organiser, Registration

LIFETIME = timedelta(hours=72)


class Registered(Exception):
    """Somebody is registered with this address already."""


def make(email: str, *, lang: str, organiser: Organiser, desk: Desk) -> LateLink:
    """Make a link for one address, valid for 72 hours, and mail it there in a language. Raises Unwanted, Registered.

    The second of two clicks gets the link that the first one made.
    """
    key = address_key(email)
    if is_blocked(key):
        raise Unwanted
    if Registration.select().where(Registration.address_key == key, Registration.state.in_(ACTIVE)).exists():
        raise Registered
    now = clock.now()
    link = LateLink(
        public_id=secrets.token_hex(16),
        email=ascii_address(email),
        language=lang,
        organiser=organiser,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    once = occasion(link)
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
        if made := just_made(link):
            return made
        link.save(force_insert=True)
        outbox.enqueue(message, kind="late", registration=None, once=once)
        audit.record("late_link.made", organiser=organiser, late_link=link.id)
    return link


def just_made(link: LateLink) -> LateLink | None:
    """The unused link like this one that its organiser has just made."""
    since = take_turns(link.organiser)
    alike = LateLink.select().where(
        LateLink.organiser == link.organiser,
        LateLink.language == link.language,
        LateLink.created_at > since,
        LateLink.expires_at > link.created_at,
        LateLink.registration.is_null(),
        LateLink.email != "",
    )
    key = address_key(link.email)
    return next((made for made in alike if address_key(made.email) == key), None)


def occasion(link: LateLink) -> str:
    """What its mail is written for, once."""
    return f"late:{link.public_id}"


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


def forget(registration: Registration, address: str) -> None:
    """End the links for an address and take it out of them, and out of the mails that brought them."""
    links = [
        link
        for link in LateLink.select().where(LateLink.email != "")
        if address_key(link.email) == address or link.registration_id == registration.id  # type: ignore[attr-defined]
    ]
    theirs = LateLink.id.in_([link.id for link in links])
    LateLink.update(email="").where(theirs).execute()
    LateLink.update(expires_at=clock.now()).where(theirs, LateLink.registration.is_null()).execute()
    outbox.forget(Mail.once.in_([occasion(link) for link in links]))


def newest() -> list[LateLink]:
    """The newest hundred links, newest first, each with its organiser and the registration it led to."""
    links = LateLink.select(LateLink, Organiser, Registration)
    links = links.left_outer_join(Organiser).switch(LateLink).left_outer_join(Registration)
    return list(links.order_by(LateLink.id.desc()).limit(100))

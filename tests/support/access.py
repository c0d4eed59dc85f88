"""Organisers with an app: what it shows, and how their time passes."""

from datetime import timedelta

import pyotp
from conftest import PASSWORD

from db import connection
from domain import clock, organisers
from models import SignIn

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WARNING = "/organiser/session/warning"


def shown(secret: str = SECRET, *, ahead: int = 0) -> str:
    """What an app shows now, or so many seconds later."""
    return str(pyotp.TOTP(secret).at(clock.real_now() + timedelta(seconds=ahead)))


def enrolled(email: str = "cem@example.org", *, roles: tuple[str, ...] = ("admin",)) -> list[str]:
    """Let somebody enrol with PASSWORD and SECRET; returns the recovery codes."""
    with connection():
        token = organisers.invite(email, roles=roles)
        return organisers.enrol(token, secret=SECRET, password=PASSWORD, code=shown())[1]


def idle_for(duration: timedelta) -> None:
    """Let every sign-in have done nothing for so long."""
    with connection():
        SignIn.update(seen_at=clock.real_now() - duration).execute()


def proved_before(duration: timedelta) -> None:
    with connection():
        SignIn.update(proved_at=clock.real_now() - duration).execute()

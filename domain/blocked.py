"""Addresses to which the service never writes again, kept as slow hashes: a stolen table is no list of people."""

import hashlib

from domain import clock
from models import Blocked


class Unwanted(Exception):
    """The owner of this address asked that the service never write to it again."""


def block(address_key: str) -> None:
    Blocked.insert(address_hash=slow_hash(address_key), created_at=clock.now()).on_conflict_ignore().execute()


def is_blocked(address_key: str) -> bool:
    return Blocked.select().where(Blocked.address_hash == slow_hash(address_key)).exists()


def slow_hash(address_key: str) -> str:
    """Some ten milliseconds for each guess (scrypt, RFC 7914). Without a salt of its own, or it could not be found."""
    return hashlib.scrypt(
        address_key.encode(), salt=b"convoke: blocked address", n=2**12, r=8, p=1, dklen=32
    ).hex()

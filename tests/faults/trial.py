"""One trial: delegates register, parts of the service are ended one by one, and every mail is accounted for."""

import random
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from browser.server import wait_for
from faults.delegates import registering
from faults.post_office import PostOffice
from support.postgresql import postgresql_server
from support.smtp import HOST, PASSWORD, USER, Authority, MailServer
from support.victim import OutboxWorker, Victim

WEB_SERVERS = {"SQLite": 1, "PostgreSQL": 2}
CUT = {"SIGKILL": 0.05, "SIGTERM": 0.0}  # of the mails
LEASE = {"SIGKILL": 2, "SIGTERM": 180}  # seconds; what ends in peace leaves no mail to wait for
LONGEST_DRAIN = 60  # seconds until every mail has to be accepted when nothing is ended any more


@dataclass
class Account:
    """What came of a trial. Mails go by their recipients, who get one each.

    `lost` are registrations that were acknowledged, and are not stored once or had no confirmation. `strange` are mails
    that this service did not mean to send, or that differ from copy to copy.
    """

    database: str
    signal: str
    ended: int
    acknowledged: int
    mails: int
    lost: list[str]
    strange: list[str]
    duplicates: int
    cuts: int
    refusals: int
    failed: list[str]
    seconds: float


def hold(database: str, signal: str, *, ended: int, folder: Path, free_port: Callable[[], int]) -> Account:
    """End a random part of the service so many times while delegates register; then wait for their mails and count."""
    began = time.monotonic()
    authority, port = Authority(folder), free_port()
    office = PostOffice(cut=CUT[signal])
    with (
        MailServer.with_sign_in(port, authority.context(), mailbox=office),
        address_of(database, folder) as address,
    ):
        settings = {
            "CONVOKE_DATABASE_URL": address,
            "CONVOKE_MAIL_URL": f"smtp+starttls://{USER}:{quote(PASSWORD, safe='')}@{HOST}:{port}?ca={authority.path}",
            "CONVOKE_MAILS_PER_HOUR": "1000000",
            "CONVOKE_PUBLIC_URL": "http://127.0.0.1:8000",
            "LEASE": str(LEASE[signal]),
        }
        web_servers = [Victim(folder, free_port(), **settings) for _ in range(WEB_SERVERS[database])]
        parts = [*web_servers, OutboxWorker(folder, free_port(), **settings)]
        with running(parts):
            with registering([server.url for server in web_servers]) as told:
                for _ in range(ended):
                    end_one(parts, signal, office)
            drain(address)
        found = compare(told, office, address)
    return Account(database, signal, ended, **found, seconds=time.monotonic() - began)


@contextmanager
def address_of(database: str, folder: Path) -> Iterator[str]:
    if database == "SQLite":
        yield f"sqlite:///{folder / 'convoke.db'}"
        return
    with postgresql_server() as address:
        yield address


@contextmanager
def running(parts: list[Victim]) -> Iterator[None]:
    """Parts of the service that work for as long. In the end those that are up go in peace."""
    try:
        for part in parts:
            part.start()
        wait_for(parts[0].is_up)
        yield
        for part in parts:
            if part.is_up():
                part.stop()
    finally:
        for part in parts:
            if part.process.poll() is None:
                part.kill()


def end_one(parts: list[Victim], signal: str, office: PostOffice) -> None:
    """End one of those that are up, after a moment, every other time while a mail is in hand, and start it again."""
    part = random.choice(wait_for(lambda: [part for part in parts if part.is_up()]))
    time.sleep(random.uniform(0.15, 1.2))
    if random.random() < 0.5:
        office.in_hand.wait(1)
    part.kill() if signal == "SIGKILL" else part.stop()
    part.start()


def drain(address: str) -> None:
    """Wait until every mail is accepted, but not for ever: what is left then, the account tells."""
    end = time.monotonic() + LONGEST_DRAIN
    while time.monotonic() < end and rows(address, "SELECT id FROM mail WHERE state != 'accepted' LIMIT 1"):
        time.sleep(0.1)


def rows(address: str, query: str) -> list[tuple[Any, ...]]:
    if address.startswith("postgresql"):
        with psycopg.connect(address) as session:
            return session.execute(query).fetchall()
    with closing(sqlite3.connect(f"file:{address.removeprefix('sqlite:///')}?mode=ro", uri=True)) as session:
        return session.execute(query).fetchall()


def compare(told: list[str], office: PostOffice, address: str) -> dict[str, Any]:
    """What the delegates were told against what is stored, and what is stored against what the mail server has."""
    stored = Counter(email for (email,) in rows(address, "SELECT email FROM registration"))
    mails = rows(address, "SELECT recipient, message_id, kind, state FROM mail")
    meant = {(recipient, message_id) for recipient, message_id, kind, _ in mails if kind == "confirmation"}
    copies = defaultdict(list)
    for one in office.received:
        copies[one.recipients[0], message_from_bytes(one.content)["Message-ID"]].append(one.content)
    reached = {recipient for recipient, _ in meant & set(copies)}
    return {
        "acknowledged": len(told),
        "mails": len(mails),
        "lost": [email for email in told if stored[email] != 1 or email not in reached],
        "strange": [to for to, name in copies if (to, name) not in meant or len(set(copies[to, name])) != 1],
        "duplicates": len(office.received) - len(copies),
        "cuts": office.cuts,
        "refusals": office.refusals,
        "failed": [recipient for recipient, *_, state in mails if state != "accepted"],
    }

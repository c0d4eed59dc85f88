"""The worker: a thread that sends what is due in the outbox, and writes the mails that are nobody's answer."""

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from math import ceil

from config import Settings
from db import DatabaseOut, connection, relaxed
from domain import announcements, clock, daily, mailroom, outbox
from domain.desk import Desk
from domain.transport import Deferred, Refused, Transport, Unreachable, open_transport
from models import Mail

POLL = 2.0  # seconds; a commit in this process wakes the worker at once
BURST = 100  # mails between two looks at the hour's share
SHARERS = 10  # parts of what is left of it, of which a worker takes one: others take theirs meanwhile
SHORT_PAUSE = 0.5  # seconds between two tries to write what became of a mail
LONGEST_JITTER = 1.2
LONGEST_PAUSE = 60.0  # seconds between two looks at a mail server that is out
# What writes mails of its own accord: each writes some, and says whether it has. Done when nothing is due, so that
# no answer to a delegate waits behind them.
CHORES: tuple[Callable[[Desk], bool], ...] = (daily.write_due, announcements.prepare_some)

log = logging.getLogger("convoke.outbox")


class Worker(threading.Thread):
    """Sends one mail after the other until it is told to stop; then it finishes the mail in hand.

    Several may work on one outbox, in threads, processes and on machines whose clocks agree within a minute.
    """

    def __init__(self, settings: Settings, desk: Desk) -> None:
        super().__init__(name="outbox", daemon=True)
        self.desk = desk
        self.sender = settings.mail_from.email
        self.most_an_hour = settings.mails_per_hour
        self.transport: Transport = open_transport(settings.mail_url)
        self.owner = secrets.token_hex(16)
        self.stopping = threading.Event()
        self.pause = 0.0
        self.unwritten: tuple[Mail, Callable[[], None]] | None = None

    def run(self) -> None:
        self.attempt(outbox.resume)
        while True:
            outbox.wake.clear()
            if self.stopping.is_set():  # looked at after the clearing: a stop in between is not slept through
                break
            self.attempt(self.send_all)
            self.write_unwritten()
            self.transport.close()
            if self.pause:
                self.stopping.wait(self.pause * random.uniform(0.8, LONGEST_JITTER))  # noqa: S311 - jitter
            else:
                outbox.wake.wait(POLL * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        self.transport.close()

    def attempt(self, work: Callable[[], None]) -> None:
        """Do some work with a connection of its own; an outage of the database only means waiting."""
        try:
            with connection(), relaxed():
                work()
        except DatabaseOut as error:
            log.warning("outbox.waits_for_database", exc_info=error)
        except Exception as error:  # the thread must outlive whatever one mail does to it
            log.error("outbox.interrupted", exc_info=error)
            self.unwritten = None  # no repeat will help

    def send_all(self) -> None:
        """Send what is due, until there is none, the hour's share is used up, or the mail server is in trouble."""
        try:
            while not self.stopping.is_set():
                share = self.most_an_hour - outbox.sent_within_an_hour()
                if share <= 0:
                    outbox.say_why(outbox.HOURLY_LIMIT)
                if share <= 0 or not self.send_some(min(ceil(share / SHARERS), BURST)):
                    break
        except Unreachable as error:
            self.pause = self.next_pause()
            outbox.say_why(str(error))
            log.warning("outbox.waits_for_server", extra={"reason": type(error).__name__})

    def settle(self, mail: Mail, write: Callable[[], None]) -> None:
        """Write what became of a mail; it stays in hand while the database is out."""
        self.unwritten = mail, write
        write()
        self.unwritten = None

    def write_unwritten(self) -> None:
        """Write what the database did not take until it does, or the mail is somebody else's; while stopping too.

        Nobody else knows what became of it, and would send it again.
        """
        while self.unwritten:
            mail, write = self.unwritten
            if clock.now() >= mail.due_at:
                log.error("mail.outcome_lost", extra={"mail": mail.id})
                self.unwritten = None
                return
            time.sleep(SHORT_PAUSE)
            self.attempt(partial(self.settle, mail, write))

    def next_pause(self) -> float:
        return min(self.pause * 2 or POLL, LONGEST_PAUSE)

    def send_some(self, most: int) -> bool:
        """Send what is due, or write what is to be sent next; whether there may be more. Raises Unreachable."""
        if not outbox.is_any_due():
            return any(chore(self.desk) for chore in CHORES)
        for _ in range(most):
            if self.stopping.is_set():
                break
            self.transport.open()
            if not self.send_next():
                break
            self.pause = 0.0
        return True

    def send_next(self) -> bool:
        """Send the next mail; False when there is none. Raises Unreachable."""
        mail = outbox.claim(self.owner)
        if mail is None:
            return False
        if outbox.hold_back(mail):
            mailroom.follow(mail, desk=self.desk)
            return True
        try:
            name = f"{mail.kind}-{mail.id}"
            message = outbox.opened(mail.message)
            self.transport.send(message, sender=self.sender, recipient=mail.recipient, name=name)
        except Unreachable as error:
            pause = self.next_pause() * LONGEST_JITTER
            self.settle(
                mail, partial(self.come_back, mail, partial(outbox.put_back, mail, error, pause=pause))
            )
            raise
        except (Refused, Deferred) as error:
            self.fail(mail, error)
        except Exception as error:  # whatever it is, it must not keep the other mails waiting
            log.error("mail.interrupted", extra={"mail": mail.id}, exc_info=error)
            self.fail(mail, Deferred(type(error).__name__))
        else:
            self.settle(mail, partial(outbox.accepted, mail))
        return True

    def fail(self, mail: Mail, error: Exception) -> None:
        self.settle(mail, partial(self.come_back, mail, partial(outbox.failed, mail, error)))

    def come_back(self, mail: Mail, write: Callable[[], None]) -> None:
        """Write that a mail has not gone out; it follows a delegate who has another address by now."""
        write()
        mailroom.follow(mail, desk=self.desk)

    def stop(self, timeout: float = 55) -> None:
        """Finish the mail in hand and end. Waits at most `timeout` seconds."""
        self.stopping.set()
        outbox.wake.set()
        if self.is_alive():
            self.join(timeout)

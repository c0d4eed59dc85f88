"""A mail server as they are: slow at times, out of sorts at times, and at times it hangs up after taking a mail."""

import asyncio
import random
import threading
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, Envelope, Session
from support.smtp import Mailbox

SLOWEST = 0.02  # seconds
REFUSED = 0.05  # of the recipients, and again of the messages
LATER = "451 4.3.0 Try again later"


@dataclass
class PostOffice(Mailbox):
    """A mailbox that cuts off some of the mails that it takes, right before or right after it says so.

    While it has a mail `in_hand`, whoever sends it waits for the answer.
    """

    cut: float = 0.05
    cuts: int = 0
    refusals: int = 0
    in_hand: threading.Event = field(default_factory=threading.Event)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if random.random() < REFUSED:
            self.refusals += 1
            return LATER
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        self.in_hand.set()
        await asyncio.sleep(random.uniform(0, SLOWEST))
        self.in_hand.clear()
        if random.random() < REFUSED:
            self.refusals += 1
            return LATER
        answer = await super().handle_DATA(server, session, envelope)
        if random.random() < self.cut:
            self.cuts += 1
            if random.random() < 0.5:
                await server.push(answer)
            server.transport.abort()
        return answer

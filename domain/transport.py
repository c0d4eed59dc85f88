"""Handing one message to the mail server, or in a rehearsal to a folder. Says what kind of trouble there was."""

import io
import math
import re
import smtplib
import ssl
import time
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from domain import clock

TIMEOUT = 20  # seconds for each step of an SMTP dialogue but the last
LAST_TIMEOUT = 600  # seconds for the answer to the message itself (RFC 5321, section 4.5.3.2.6)
LONGEST = 100  # seconds until the server asks for the message, however it spreads its answers
LONGEST_EXCHANGE = 720  # seconds for everything about one message: each timeout is for one read only
SHUTTING_DOWN = 421  # RFC 5321, section 3.8: to be answered to any command
NOT_SIGNED_IN = 530  # RFC 4954, section 6: the same
GO_AHEAD = 354  # RFC 5321, section 4.1.1.4
TOO_LARGE = 552  # RFC 1870, section 6.1
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class Refused(Exception):
    """The server refuses this message for good (5xx)."""


class Deferred(Exception):
    """The server, or the way to it, is in trouble; the message may be tried again."""


class Unreachable(Deferred):
    """The server was not reached, or lets nobody in, or not our sender: no message is to blame."""


class Transport(Protocol):
    def open(self) -> None:
        """Be ready to hand over a message, before anything is at stake. Raises Unreachable."""

    def send(self, message: bytes, *, sender: str, recipient: str, name: str) -> None:
        """Hand over a message; `name` tells it apart in a folder. Raises Refused, Deferred or Unreachable."""

    def close(self) -> None: ...


def open_transport(url: str) -> Transport:
    """A transport for `smtp+starttls://`, `smtps://`, `smtp://` or `file://`."""
    if url.startswith("file:"):
        return FolderTransport(Path(unquote(urlsplit(url).path)))
    return SmtpTransport(url)


class FolderTransport:
    """Keeps each message as an .eml file, which any mail program opens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unreachable(str(error)) from error

    def send(self, message: bytes, *, sender: str, recipient: str, name: str) -> None:
        path = self.folder / f"{clock.now():%Y%m%dT%H%M%S}-{name}.eml"
        unfinished = path.with_suffix(".part")
        try:
            unfinished.write_bytes(message)
            unfinished.replace(path)
        except OSError as error:
            raise Unreachable(str(error)) from error

    def close(self) -> None:
        pass


class SmtpTransport:
    """One connection, opened when it is needed and kept for a burst of messages. TLS certificates are verified."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.scheme = parts.scheme
        self.host = parts.hostname or "localhost"
        self.port = parts.port or PORTS[parts.scheme]
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        authority = dict(parse_qsl(parts.query)).get("ca")
        self.tls = ssl.create_default_context(cafile=authority)
        self.server: smtplib.SMTP | None = None

    def open(self) -> None:
        """Have a connection that answers: the old one, or a new one where the server has closed it."""
        if self.server is not None:
            try:
                if self.server.noop()[0] == 250:
                    return
            except (smtplib.SMTPException, OSError):
                pass
            self.close()
        self.connect()

    def send(self, message: bytes, *, sender: str, recipient: str, name: str) -> None:
        server = self.server or self.connect()
        self.answers.until = time.monotonic() + LONGEST_EXCHANGE
        try:
            self.exchange(server, message, sender, recipient)
        finally:
            self.answers.until = math.inf

    def exchange(self, server: smtplib.SMTP, message: bytes, sender: str, recipient: str) -> None:
        begun = time.monotonic()
        try:
            self.announce(server, sender, recipient, len(message))
            code, text = server.docmd("data")
            if code != GO_AHEAD:
                raise verdict(code, text)
            if time.monotonic() - begun > LONGEST:
                raise Unreachable("TimeoutError: timed out")
        except (Refused, Deferred) as error:
            self.reset_or_close(server, error)
            raise
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        try:
            code, text = self.hand_over(server, message)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Deferred(f"{type(error).__name__}: {error}") from error
        if code != 250:
            self.close()
            raise verdict(code, text)

    def hand_over(self, server: Any, message: bytes) -> tuple[int, bytes]:
        """Send the message itself. From here on only the server's answer tells whether it has it."""
        self.answers.patience = LAST_TIMEOUT
        self.answers.bound()
        try:
            end = b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n"
            server.send(re.sub(rb"(?m)^\.", b"..", message) + end)  # RFC 5321, section 4.5.2
            return server.getreply()
        finally:
            self.answers.patience = TIMEOUT

    def announce(self, server: smtplib.SMTP, sender: str, recipient: str, size: int) -> None:
        """Say from whom and to whom: nothing is at stake until this has gone well. Raises as `send`."""
        server.ehlo_or_helo_if_needed()
        code, text = server.mail(sender, [f"size={size}"] if server.has_extn("size") else [])
        if code != 250:
            raise verdict_on_sender(code, text)
        code, text = server.rcpt(recipient)
        if code == SHUTTING_DOWN:  # some servers say so of one recipient: it counts against this mail
            self.close()
            raise Deferred(in_words(code, text))
        if code not in (250, 251, 252):
            raise verdict(code, text)

    def reset_or_close(self, server: smtplib.SMTP, error: Exception) -> None:
        """After a refusal the connection serves the next message, where the server is not the trouble."""
        if isinstance(error, Unreachable):
            self.close()
        if self.server is None:
            return
        try:
            server.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    def rehearse(self, sender: str, recipient: str) -> None:
        """Go as far as one can without sending anything. Raises Refused, Deferred or Unreachable."""
        server = self.server or self.connect()
        try:
            self.announce(server, sender, recipient, 0)
            server.rset()
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    def connect(self) -> smtplib.SMTP:
        """Connect and sign in. Raises Unreachable."""
        try:
            if self.scheme == "smtps":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    self.host, self.port, timeout=TIMEOUT, context=self.tls
                )
            else:
                server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
            self.server = self.signed_in(server)
        except UnicodeError:  # its words would tell a letter of the password
            raise Unreachable(
                "a letter in the server's name, the user or the password is not ASCII"
            ) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:  # no base64 is a ValueError
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return self.server

    def signed_in(self, server: smtplib.SMTP) -> smtplib.SMTP:
        try:
            if self.scheme == "smtp+starttls":
                server.starttls(context=self.tls)
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        self.answers = Answers(server.sock)
        server.file = io.BufferedReader(self.answers)
        return server

    def close(self) -> None:
        if self.server is None:
            return
        try:
            self.server.quit()
        except (smtplib.SMTPException, OSError):
            self.server.close()
        self.server = None


class Answers(io.RawIOBase):
    """What a server says, until a moment: a timeout by itself is for one read only, and a server may drip.

    `patience` is for one read, in seconds.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.source = connection.makefile("rb", buffering=0)
        self.until, self.patience = math.inf, TIMEOUT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self.bound()
        return self.source.readinto(buffer)

    def bound(self) -> None:
        """Let what comes next on the connection take no longer than is left. Raises TimeoutError when nothing is."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.connection.settimeout(min(self.patience, left))

    def close(self) -> None:
        self.source.close()
        super().close()


def verdict(code: int, text: bytes | str) -> Exception:
    """What an answer means for the message: 4xx to try again, 5xx for good (RFC 5321, section 4.2.1)."""
    if code in (SHUTTING_DOWN, NOT_SIGNED_IN):
        return Unreachable(in_words(code, text))
    return (Refused if code >= 500 else Deferred)(in_words(code, text))


def verdict_on_sender(code: int, text: bytes | str) -> Exception:
    """MAIL FROM is the same with every message, unless it is the size of this one that the server minds."""
    kind = Refused if code == TOO_LARGE else Unreachable
    return kind(in_words(code, text))


def in_words(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"

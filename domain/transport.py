"""Handing one message to the mail server, or in a rehearsal to a folder. Says what kind of trouble there was."""

import smtplib
import ssl
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from domain import clock

TIMEOUT = 20  # seconds for each step of an SMTP dialogue
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
        try:
            server.sendmail(sender, [recipient], message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise verdict(code, text) from error
        except smtplib.SMTPSenderRefused as error:
            self.close()
            raise verdict_on_sender(error) from error
        except smtplib.SMTPResponseException as error:
            self.close()
            raise verdict(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Deferred(str(error) or type(error).__name__) from error

    def rehearse(self, sender: str, recipient: str) -> None:
        """Go as far as one can without sending anything. Raises Refused, Deferred or Unreachable."""
        server = self.server or self.connect()
        try:
            server.ehlo_or_helo_if_needed()
            for step, address in ((server.mail, sender), (server.rcpt, recipient)):
                code, text = step(address)
                if code not in (250, 251):
                    raise verdict(code, text)
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
        except (smtplib.SMTPException, OSError) as error:
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
        return server

    def close(self) -> None:
        if self.server is None:
            return
        try:
            self.server.quit()
        except (smtplib.SMTPException, OSError):
            self.server.close()
        self.server = None


def verdict(code: int, text: bytes | str) -> Exception:
    """What an answer means for the message: 4xx to try again, 5xx for good (RFC 5321, section 4.2.1)."""
    return (Refused if code >= 500 else Deferred)(in_words(code, text))


def verdict_on_sender(error: smtplib.SMTPSenderRefused) -> Exception:
    """MAIL FROM is the same with every message, unless it is the size of this one that the server minds."""
    kind = Refused if error.smtp_code == TOO_LARGE else Unreachable
    return kind(in_words(error.smtp_code, error.smtp_error))


def in_words(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"

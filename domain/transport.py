"""Handing one message to the mail server, or in a rehearsal to a folder. Says what kind of trouble there was."""

import smtplib
import ssl
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from domain import clock

TIMEOUT = 20  # seconds for each step of an SMTP dialogue
AUTHENTICATION_REQUIRED = (
    530  # RFC 4954, section 6: it is this service that is not set up, whatever the message
)
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class Refused(Exception):
    """The server refuses this message for good (5xx)."""


class Deferred(Exception):
    """The server, or the way to it, is in trouble; the message may be tried again."""


class Unreachable(Deferred):
    """The server was not reached or let nobody in: no message is to blame."""


class Transport(Protocol):
    def send(self, message: bytes, *, sender: str, recipient: str, name: str) -> None:
        """Hand over a message; `name` tells it apart in a folder. Raises Refused or Deferred."""

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

    def send(self, message: bytes, *, sender: str, recipient: str, name: str) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{clock.now():%Y%m%dT%H%M%S}-{name}.eml"
            path.write_bytes(message)
        except OSError as error:
            raise Deferred(str(error)) from error

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

    def send(self, message: bytes, *, sender: str, recipient: str, name: str) -> None:
        server = self.connected()
        try:
            server.sendmail(sender, [recipient], message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise verdict(code, text) from error
        except smtplib.SMTPResponseException as error:
            self.close()
            raise verdict(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Deferred(str(error) or type(error).__name__) from error

    def connected(self) -> smtplib.SMTP:
        """The open connection, or a new one where the server has closed it: found out before anything is at stake."""
        if self.server is not None:
            try:
                if self.server.noop()[0] == 250:
                    return self.server
            except (smtplib.SMTPException, OSError):
                pass
            self.close()
        self.server = self.connect()
        return self.server

    def connect(self) -> smtplib.SMTP:
        """Connect and sign in. Raises Unreachable."""
        try:
            if self.scheme == "smtps":
                return self.signed_in(
                    smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=self.tls)
                )
            return self.signed_in(smtplib.SMTP(self.host, self.port, timeout=TIMEOUT))
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

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
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if code == AUTHENTICATION_REQUIRED:
        return Unreachable(f"{code} {words}")
    return (Refused if code >= 500 else Deferred)(f"{code} {words}")

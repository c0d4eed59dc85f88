"""A real mail server on loopback that answers as a test tells it, and an authority that certifies it."""

import asyncio
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
USER, PASSWORD = "convoke", "a pass/word: of the test"


@dataclass
class Received:
    sender: str
    recipients: list[str]
    content: bytes
    is_encrypted: bool
    is_signed_in: bool


@dataclass
class Mailbox:
    """What came in, and what to answer: `answers` by recipient, otherwise 250. None cuts the connection.

    `to_sender` is the answer to every sender, and `of_size` to those whose message is as large or larger. Before it
    takes a message the server thinks for some `seconds`.
    """

    received: list[Received] = field(default_factory=list)
    answers: dict[str, str | None] = field(default_factory=dict)
    to_sender: str = "250 OK"
    of_size: int = 0
    seconds: float = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        sizes = [int(option.partition("=")[2]) for option in options if option.lower().startswith("size=")]
        answer = self.to_sender if max(sizes, default=0) >= self.of_size else "250 OK"
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer is None:
            server.transport.abort()
            return "421 gone"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        await asyncio.sleep(self.seconds)
        self.received.append(
            Received(
                sender=envelope.mail_from,
                recipients=envelope.rcpt_tos,
                content=envelope.original_content,
                is_encrypted=session.ssl is not None
                or server.transport.get_extra_info("ssl_object") is not None,
                is_signed_in=bool(session.authenticated),
            )
        )
        return "250 taken"


class MailServer(Controller):
    """A mail server in a thread; `connections` counts who came."""

    def __init__(self, port: int, mailbox: Mailbox | None = None, **given: Any) -> None:
        self.mailbox = mailbox or Mailbox()
        self.connections: list[SMTP] = []
        super().__init__(self.mailbox, hostname=HOST, port=port, **given)

    @classmethod
    def with_starttls(cls, port: int, context: ssl.SSLContext, **given: Any) -> "MailServer":
        return cls(port, tls_context=context, require_starttls=True, **given)

    @classmethod
    def with_sign_in(cls, port: int, context: ssl.SSLContext, **given: Any) -> "MailServer":
        return cls.with_starttls(port, context, authenticator=check_password, auth_required=True, **given)

    @classmethod
    def with_tls(cls, port: int, context: ssl.SSLContext) -> "MailServer":
        return cls(port, ssl_context=context)

    def __enter__(self) -> "MailServer":
        self.start()
        self.connections.clear()  # the controller tries the port itself
        return self

    def __exit__(self, *error: object) -> None:
        self.hang_up()
        self.stop()

    def factory(self) -> SMTP:
        connection = super().factory()
        self.connections.append(connection)
        return connection

    @property
    def still_connected(self) -> list[SMTP]:
        return [one for one in self.connections if one.transport and not one.transport.is_closing()]

    def hang_up(self) -> None:
        """Close every connection, as a server does that restarts or has had enough."""

        async def close() -> None:
            for connection in self.still_connected:
                connection.transport.abort()
            await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(close(), self.loop).result(5)


@contextmanager
def server_that_says(*answers: str, pause: float = 0.01) -> Iterator[str]:
    """Host and port of a server that gives one caller these answers, each to the next line, and then hangs up.

    An answer that goes on (`354-wait`) is followed by the next after a pause, in seconds.
    """

    def serve() -> None:
        caller, _ = listening.accept()
        with caller, caller.makefile("rb") as lines, suppress(OSError):
            for answer in answers:
                caller.sendall(f"{answer}\r\n".encode())
                if answer[3] == "-":
                    time.sleep(pause)
                else:
                    lines.readline()

    with socket.create_server((HOST, 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"{HOST}:{listening.getsockname()[1]}"
        thread.join(5)


def check_password(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, credentials: Any
) -> AuthResult:
    right = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=credentials == right, handled=False)


class Authority:
    """A certificate authority for one run of the tests; `path` is its certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority of the tests")])
        self.certificate = self.sign(self.name, self.key, x509.BasicConstraints(ca=True, path_length=0))
        self.path = self.write("authority.pem", self.certificate.public_bytes(serialization.Encoding.PEM))

    def sign(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    def context(self, host: str = HOST) -> ssl.SSLContext:
        """What a server needs that is who it says: `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        known_as = x509.SubjectAlternativeName([alternative(host)])
        certificate = self.sign(name, key, known_as)
        pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.write(f"{host}.pem", pem))
        return context

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


def alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)

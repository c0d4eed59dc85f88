"""How fast does the worker send, against a bare smtplib loop? The same messages to the same server, in one run.

The worker asks the server whether it is there (NOOP), claims a mail, reads its message from the row, sends it and
settles it, on a SQLite file. The loop sends the bytes that it has in memory over one connection. They take turns. The
server is aiosmtpd in a process of its own, once in clear and once with STARTTLS, as a server elsewhere must have it.
"""

import ipaddress
import multiprocessing
import smtplib
import socket
import ssl
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from app import create_app
from benchmarks.known_address import send, settings
from config import Settings
from db import connection
from domain import clock, outbox
from domain.worker import Worker
from models import Mail
from security import limiter

HOST = "127.0.0.1"
ROUNDS = 10
MAILS = 100


class Sink:
    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        return "250 taken"


def serve(port: int, certificate: Path | None, ready) -> None:
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    Controller(Sink(), hostname=HOST, port=port, tls_context=tls, require_starttls=bool(tls)).start()
    ready.set()
    time.sleep(3600)


def make_certificate(path: Path) -> Path:
    """A key and a certificate for this machine, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    known_as = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.add_extension(known_as, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, *plain))
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def loop(port: int, certificate: Path | None, mails: list[tuple[str, bytes]]) -> float:
    began = time.perf_counter()
    with smtplib.SMTP(HOST, port) as server:
        if certificate:
            server.starttls(context=ssl.create_default_context(cafile=certificate))
        for recipient, message in mails:
            server.sendmail("organiser@example.org", [recipient], message)
    return time.perf_counter() - began


def work(worker: Worker) -> float:
    began = time.perf_counter()
    worker.attempt(worker.send_all)
    worker.transport.close()
    return time.perf_counter() - began


def compare(app: Flask, chosen: Settings, port: int, certificate: Path | None) -> tuple[float, float]:
    """Mails a second: the bare loop's and the worker's, as medians of the turns."""
    with connection():
        mails = [(mail.recipient, mail.message.encode()) for mail in Mail.select()]
    worker = Worker(chosen, app.extensions["desk"])
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        with connection():
            Mail.update(state="queued", due_at=clock.now(), accepted_at=None).execute()
        times[0].append(loop(port, certificate, mails))
        times[1].append(work(worker))
        with connection():
            assert outbox.backlog() == {"accepted": MAILS}
    bare, ours = (MAILS / statistics.median(taken) for taken in times)
    return bare, ours


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder) / "certificate.pem")
        kept = settings(Path(folder))
        app = create_app(kept)
        limiter.enabled = False
        clock.rehearse(kept.rehearsal_date)
        for number in range(MAILS):
            send(app.test_client(), f"delegate{number}@example.org")
        print(f"{MAILS} mails, {ROUNDS} turns   bare loop      worker   ratio")
        for name, pem in (("in clear", None), ("STARTTLS", certificate)):
            port, ready = free_port(), multiprocessing.Event()
            server = multiprocessing.Process(target=serve, args=(port, pem, ready), daemon=True)
            server.start()
            ready.wait(10)
            url = f"smtp+starttls://{HOST}:{port}?ca={pem}" if pem else f"smtp://{HOST}:{port}"
            chosen = settings(Path(folder), mail_url=url, mails_per_hour=10**6)
            bare, ours = compare(app, chosen, port, pem)
            print(f"{name:20}{bare:10.0f}/s{ours:10.0f}/s{ours / bare:8.2f}")
            server.terminate()


if __name__ == "__main__":
    main()

"""How fast does the worker send, against a bare smtplib loop? The same messages to the same server, in one run.

The worker reads each message from its row, claims it, asks the server whether it is there (NOOP), sends, and settles
it, on a SQLite file. The loop sends the bytes that it has in memory over one connection. They take turns. The server
is aiosmtpd in a process of its own.
"""

import multiprocessing
import smtplib
import socket
import statistics
import tempfile
import time
from pathlib import Path

from aiosmtpd.controller import Controller

from app import create_app
from benchmarks.known_address import send, settings
from db import connection
from domain import clock, outbox
from domain.worker import Worker
from models import Mail
from security import limiter

ROUNDS = 10
MAILS = 100


class Sink:
    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        return "250 taken"


def serve(port: int, ready) -> None:
    Controller(Sink(), hostname="127.0.0.1", port=port).start()
    ready.set()
    time.sleep(3600)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def loop(port: int, mails: list[tuple[str, bytes]]) -> float:
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for recipient, message in mails:
            server.sendmail("organiser@example.org", [recipient], message)
    return time.perf_counter() - began


def work(worker: Worker) -> float:
    began = time.perf_counter()
    worker.attempt(worker.send_all)
    worker.transport.close()
    return time.perf_counter() - began


def main() -> None:
    port, ready = free_port(), multiprocessing.Event()
    server = multiprocessing.Process(target=serve, args=(port, ready), daemon=True)
    server.start()
    ready.wait(10)
    with tempfile.TemporaryDirectory() as folder:
        chosen = settings(Path(folder), mail_url=f"smtp://127.0.0.1:{port}", mails_per_hour=10**6)
        app = create_app(chosen)
        limiter.enabled = False
        clock.rehearse(chosen.rehearsal_date)
        client = app.test_client()
        for number in range(MAILS):
            send(client, f"delegate{number}@example.org")
        with connection():
            mails = [(mail.recipient, mail.message.encode()) for mail in Mail.select()]
        worker = Worker(chosen, app.extensions["desk"])
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            times[0].append(loop(port, mails))
            times[1].append(work(worker))
            with connection():
                assert outbox.backlog() == {"accepted": MAILS}
                Mail.update(state="queued", due_at=clock.now(), accepted_at=None).execute()
    server.terminate()
    bare, ours = (statistics.median(taken) for taken in times)
    print(f"{MAILS} mails, medians of {ROUNDS} turns")
    print(f"  bare smtplib loop {MAILS / bare:6.0f} a second")
    print(f"  worker            {MAILS / ours:6.0f} a second, {bare / ours:.0%} of it")


if __name__ == "__main__":
    main()

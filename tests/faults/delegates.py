"""Delegates who register while the service falls over and comes back."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from typing import Any

from factories import next_address
from support.visitor import Answer, ask, register

AT_ONCE = 8
PATIENCE = 20  # seconds for one step


class GaveUp(Exception):
    """A delegate has waited long enough, and was told nothing."""


@contextmanager
def registering(doors: list[str]) -> Iterator[list[str]]:
    """Delegates keep coming for as long; the addresses of those who were told "received", complete at the end."""
    told: list[str] = []
    closing = threading.Event()

    def come() -> None:
        while not closing.wait(random.uniform(0, 0.1)):
            email = next_address()
            if is_told(doors, email):
                told.append(email)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        queues = [pool.submit(come) for _ in range(AT_ONCE)]
        try:
            yield told
        finally:
            closing.set()
    for queue in queues:
        queue.result()


def is_told(doors: list[str], email: str) -> bool:
    """Register somebody from a network of their own; whether the answer was "received"."""
    network = f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    try:
        answer = register(partial(insist, doors, network=network), email=email)
    except GaveUp:
        return False
    assert answer.status == 303, answer
    assert "/registration/received/" in str(answer.location)
    return True


def insist(doors: list[str], method: str, path: str, fields: Any = None, *, network: str) -> Answer:
    """Ask at one door or the other until somebody answers. What is sent again carries the same form key."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            answer = ask(random.choice(doors), method, path, fields, network=network)
            if answer.status < 500:
                return answer
        except (OSError, HTTPException):
            pass
        time.sleep(0.05)
    raise GaveUp

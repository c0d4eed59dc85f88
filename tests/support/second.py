"""A second application for one test: with settings that must hold from the start."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from app import create_app
from config import Settings
from db import db
from security import limiter


@contextmanager
def second_service(settings: Settings) -> Iterator[Flask]:
    """Another application for a while. What all applications of a process share is put back at the end."""
    database, limits = db.obj, vars(limiter).copy()
    try:
        yield create_app(settings)
    finally:
        db.obj.close_all()
        db.initialize(database)
        vars(limiter).update(limits)

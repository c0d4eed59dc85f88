"""A desk for the tests of the views: quick to open, and in English."""

import pytest
from flask import Flask
from support.page import PageClient

from db import connection
from domain import clock, organisers
from models import Organiser


@pytest.fixture
def desk_client(app: Flask, client: PageClient) -> PageClient:
    """A browser in which cem, who reads English, has signed in; without a password, for scrypt is slow on purpose."""
    with connection():
        cem = Organiser.create(email="cem@example.org", password_hash="", created_at=clock.now())
        token = organisers.sign_in(cem)
    with client.client.session_transaction() as session:
        session.update(_user_id=token, _fresh=True, lang="en")
    return client

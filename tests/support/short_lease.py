"""gunicorn.conf.py of the service, with leases that a test can wait for."""

from datetime import timedelta

from config import ROOT
from domain import outbox

outbox.LEASE = timedelta(seconds=4)

exec((ROOT / "gunicorn.conf.py").read_text())

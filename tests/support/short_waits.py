"""The service with waits that a test can sit out: a configuration of gunicorn, and as a program `outbox work`."""

import os
from datetime import timedelta

from flask.cli import cli

from config import ROOT
from domain import outbox

outbox.LEASE = timedelta(seconds=float(os.environ.get("LEASE", "4")))
outbox.FIRST_WAIT = timedelta(seconds=0.2)

if __name__ == "__main__":
    cli(["--app", "app", "outbox", "work"])
else:
    exec((ROOT / "gunicorn.conf.py").read_text())

"""How gunicorn serves the application: one process with many threads, and in each process an outbox worker."""

import signal
import sys

from config import Faults, load
from domain.conference import load as load_conference
from observability import init_logging

try:
    settings = load()
    load_conference(settings.conference)
except Faults as error:
    sys.exit(f"Convoke does not start; {error.message}")

init_logging(settings.log_level)

wsgi_app = "app:create_app()"
bind = f"127.0.0.1:{settings.port}"
worker_class = "gthread"
workers = settings.processes
threads = settings.threads
limit_request_line = 8190  # bytes: a list filtered by many countries, with many ticks, has a long address
keepalive = 15
timeout = 60
graceful_timeout = 60  # for the mail in hand, at a slow mail server
control_socket_disable = True
forwarded_allow_ips = "127.0.0.1"
proc_name = "convoke"
loglevel = "error"  # its warnings name network addresses
umask = 0o077


def post_worker_init(worker):
    from domain.worker import Worker

    if settings.outbox_thread:
        worker.outbox = Worker(settings, worker.wsgi.extensions["desk"])
        worker.outbox.start()
        let_outbox_end_first(worker)


def let_outbox_end_first(worker):
    """Stop the outbox when SIGTERM comes: requests that hang may use up the time until gunicorn kills what is left.

    Only once: systemd and gunicorn both send it, and the outbox cannot be told while it is being told.
    """

    def end(*given):
        if worker.alive:
            worker.handle_exit(*given)
            worker.outbox.stop(timeout=0)

    signal.signal(signal.SIGTERM, end)
    signal.siginterrupt(signal.SIGTERM, False)


def worker_exit(server, worker):
    if hasattr(worker, "outbox"):
        worker.outbox.stop()

"""Parts of the service that can be killed like a machine that loses power: nobody gets to finish anything."""

import os
import signal
from pathlib import Path

from browser.server import Server, wait_for

from config import ROOT


class Victim(Server):
    """The web server."""

    configuration = ROOT / "tests" / "support" / "short_waits.py"

    def start_and_wait(self) -> None:
        self.start()
        wait_for(self.is_up)

    def is_up(self) -> bool:
        try:
            return super().is_up()
        except (ConnectionError, TimeoutError):  # the last breath of the one that was killed
            return False

    def kill(self) -> None:
        master = self.process.pid
        workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for process in (master, *map(int, workers)):
            os.kill(process, signal.SIGKILL)
        self.process.wait(10)


class OutboxWorker(Victim):
    """`outbox work`; it is up when it has a mail to tell of."""

    command = ("support.short_waits",)

    def is_up(self) -> bool:
        assert self.process.poll() is None, f"the outbox did not start:\n{self.log.read_text()}"
        return self.log.stat().st_size > 0

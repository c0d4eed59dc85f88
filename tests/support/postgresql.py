"""A PostgreSQL server of our own, on a socket in a short folder."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The address of an empty database on a server that runs for as long."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert programs, "PostgreSQL is missing: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    run: dict[str, Any] = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
    data = folder / "data"
    subprocess.run(
        [programs[-1] / "initdb", "-N", "-D", data, "-U", "convoke", "-A", "trust", "-E", "UTF8"],
        check=True,
        **run,
    )
    options = f"-c listen_addresses= -k {folder} -c fsync=off -c timezone=Asia/Tokyo"
    server = subprocess.Popen(
        [programs[-1] / "postgres", "-D", data, *options.split()], stderr=subprocess.DEVNULL, **run
    )
    try:
        address = f"host={folder} user=convoke dbname=postgres"
        for _ in range(200):
            try:
                with psycopg.connect(address, autocommit=True) as session:
                    session.execute("CREATE DATABASE convoke")
                break
            except psycopg.OperationalError:
                time.sleep(0.05)
        yield f"postgresql:///convoke?host={folder}&user=convoke"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)

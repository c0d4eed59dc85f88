"""Postfix as the distribution ships it, with a folder, a port and a certificate of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from mailbox import Maildir
from pathlib import Path

from browser.server import wait_for
from support.smtp import HOST

PROGRAMS = Path("/usr/lib/postfix/sbin")
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mail.example.org
mydestination =
local_recipient_maps =
alias_maps =
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}
virtual_mailbox_maps = static:mailbox/
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{user}
"""
MASTER = """
{host}:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
NOBODY = 65534
OF_POSTFIX = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "private",
              "public", "saved", "trace")  # fmt: skip


@contextmanager
def postfix(port: int, certificate: Path) -> Iterator[Maildir]:
    """A server that takes mail to anybody at example.org; what it delivered is in one folder."""
    assert PROGRAMS.is_dir(), "Postfix is missing: apt-get install postfix"
    assert os.geteuid() == 0, "Postfix has to be started by root"
    folder = Path(tempfile.mkdtemp(prefix="postfix"))
    try:
        lay_out(folder, port, shutil.copy(certificate, folder))
        program = subprocess.Popen([PROGRAMS / "master", "-c", folder, "-d"], start_new_session=True)
        try:
            wait_for(lambda: "daemon started" in read(folder / "log"))
            yield Maildir(folder / "mailbox")
        finally:
            program.terminate()
            program.wait(10)
    finally:
        shutil.rmtree(folder)


def lay_out(folder: Path, port: int, certificate: str) -> None:
    """The folders and files that a server expects, each with its owner."""
    folder.chmod(0o755)
    given = {"folder": folder, "port": port, "host": HOST, "certificate": certificate, "user": NOBODY}
    (folder / "main.cf").write_text(MAIN.format(**given))
    (folder / "master.cf").write_text(MASTER.format(**given))
    (folder / "queue" / "pid").mkdir(parents=True)
    for path in (folder / "data", *(folder / "queue" / name for name in OF_POSTFIX)):
        path.mkdir(mode=0o700)
        shutil.chown(path, "postfix", "postdrop")
    Maildir(folder / "mailbox")
    for path in (folder / "mailbox", *(folder / "mailbox").iterdir()):
        shutil.chown(path, NOBODY, NOBODY)


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""

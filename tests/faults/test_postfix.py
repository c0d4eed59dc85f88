"""What a real mail server of another make delivers."""

import email
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from functools import partial
from mailbox import Maildir
from pathlib import Path

from browser.server import Server, wait_for
from faults.postfix import postfix
from support.smtp import HOST, Authority
from support.visitor import ask, register

RISKY = 'עדה "בת" <b>Ada</b>, O’Hara & أصدقاء'
LONG = RISKY + "ל" * (100 - len(RISKY))
PEOPLE = {"ada@example.org": LONG} | {f"bo{number}@example.org": f"Bo {number}" for number in range(9)}


def test_postfix_delivers_every_mail_once_and_as_it_was_written(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    authority, port = Authority(tmp_path), free_port()
    authority.context()
    settings = {"CONVOKE_MAIL_URL": f"smtp+starttls://{HOST}:{port}?ca={authority.path}"}
    server = Server(tmp_path, free_port(), **settings)

    with postfix(port, tmp_path / f"{HOST}.pem") as mailbox:
        server.start()
        try:
            wait_for(server.is_up)
            for address, name in PEOPLE.items():
                answer = register(partial(ask, server.url), email=address, given_names=name, family_name="")
                assert answer.status == 303
            wait_for(lambda: len(mailbox) >= len(PEOPLE))
        finally:
            server.stop()
        delivered = read(mailbox)

    rows = server.rows("SELECT email, reference, message_id FROM registration JOIN mail ON recipient = email")
    assert len(rows) == len(delivered) == len(PEOPLE)
    for row in rows:
        (mail,) = [mail for mail in delivered if mail["To"] == row["email"]]
        assert mail["Message-ID"] == row["message_id"]
        assert row["reference"] in mail["Subject"]
        assert "with ESMTPS" in mail["Received"]
        text = mail.get_body(("plain",)).get_content()
        assert text.splitlines()[0] == f"Dear {PEOPLE[row['email']]},"


def read(mailbox: Maildir) -> list[EmailMessage]:
    """The mails as a mail program reads them."""
    return [
        email.message_from_bytes(mailbox.get_bytes(key), policy=policy.default) for key in mailbox.iterkeys()
    ]

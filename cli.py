"""The flask commands. Each calls one verb of the domain. Exit codes: 0 done, 1 with the reason said, 2 wrong usage."""

import os
import signal
from contextlib import suppress
from datetime import UTC
from pathlib import Path

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app, url_for
from flask.cli import AppGroup

from config import Settings
from db import connection, migrations, upgrade
from domain import daily, demo, export, organisers, outbox
from domain.conference import load
from domain.reasons import reason_of
from domain.roster import Query
from domain.transport import LAST_TIMEOUT, Deferred, Refused, SmtpTransport
from domain.worker import Worker
from models import MAIL_STATES, Mail, Organiser
from observability import init_logging

DEMO_ORGANISER = "organiser@example.org"

conference = AppGroup("conference", help="The conference's facts and pages.")
database = AppGroup("db", help="The database's tables.")
organiser = AppGroup("organiser", help="Who may see the registrations.")
mails = AppGroup("outbox", help="The mails: sending, what waits, what failed.")
registrations = AppGroup("registrations", help="The registrations as a file.")
reminders = AppGroup("reminders", help="The mails that ask for flights that are missing.")
demonstration = AppGroup("demo", help="Registrations that nobody sent, for a rehearsal.")
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def init_app(app: Flask) -> None:
    for group in (conference, database, organiser, mails, registrations, reminders, demonstration):
        app.cli.add_command(group)


def settings() -> Settings:
    return current_app.extensions["settings"]


@conference.command("check")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
def conference_check(folder: Path | None) -> None:
    """Check a conference folder (by default the one in use) and name every fault with its file and place."""
    folder = folder or settings().conference
    found = load(folder)
    click.echo(f"{folder}: no faults; {len(found.pages)} pages, {len(found.sessions)} sessions.")


@database.command("upgrade")
def db_upgrade() -> None:
    """Apply the migrations that are missing. The service does the same when it starts."""
    for name in upgrade():
        click.echo(name)
    click.echo("The database is up to date.")


@database.command("status")
def db_status() -> None:
    """List the migrations with whether each has been applied."""
    for name, is_applied in migrations():
        click.echo(f"{'applied' if is_applied else 'missing'}  {name}")


@organiser.command("add")
@click.argument("email")
@click.option(
    "--role", "roles", type=click.Choice(list(organisers.RIGHTS)), multiple=True, required=True,
    help="What EMAIL may do; may be given several times.",
)  # fmt: skip
def organiser_add(email: str, roles: tuple[str, ...]) -> None:
    """Let EMAIL enrol, and print the link for it, which works once and for a day.

    A reader sees the list, but no sensitive answers. Logistics sees and keeps journeys, rooms, diets and access needs,
    visa sees passports and keeps the letters, both act for delegates. An admin may do everything.
    """
    try:
        validate_email(email, check_deliverability=False, allow_smtputf8=False)
        with connection():
            token = organisers.invite(email, roles=roles)
    except EmailNotValidError as error:
        raise click.ClickException(f"{email} is no e-mail address: {error}") from None
    except organisers.OrganiserExists:
        raise click.ClickException(
            f"{email} is an organiser already; see: flask organiser reset {email}"
        ) from None
    print_link(email, token)


def print_link(email: str, token: str) -> None:
    with current_app.test_request_context():
        path = url_for("access.enrolment", token=token)
    click.echo(f"{email} enrols here, once and within 24 hours:\n{current_app.config['ORIGIN']}{path}")


@organiser.command("reset")
@click.argument("email")
def organiser_reset(email: str) -> None:
    """Take EMAIL's password, codes and sign-ins away at once, and print a link to enrol anew."""
    try:
        with connection():
            token = organisers.reset(email)
    except organisers.OrganiserUnknown:
        raise click.ClickException(f"{email} is no organiser") from None
    print_link(email, token)


@organiser.command("remove")
@click.argument("email")
def organiser_remove(email: str) -> None:
    """Take EMAIL's access away, at once and everywhere."""
    try:
        with connection():
            organisers.remove(email)
    except organisers.OrganiserUnknown:
        raise click.ClickException(f"{email} is no organiser") from None
    click.echo(f"{email} has no access any more.")


@organiser.command("list")
def organiser_list() -> None:
    """List the addresses that may sign in, with their roles, and say who has not enrolled yet."""
    with connection():
        for one in organisers.current().order_by(Organiser.email):
            click.echo(f"{one.email}  {one.roles}{'' if organisers.has_enrolled(one) else '  not enrolled'}")


@organiser.command("demo")
def organiser_demo() -> None:
    """Make the demo organiser of a rehearsal, or give it a new password, and print how to sign in."""
    if not settings().is_rehearsal:
        raise click.ClickException("only in a rehearsal (CONVOKE_MODE=rehearsal)")
    password = settings().rehearsal_password or organisers.new_password()
    with connection():
        with suppress(organisers.OrganiserUnknown):
            organisers.remove(DEMO_ORGANISER)
        organisers.add(DEMO_ORGANISER, password, roles=["admin"])
    mails = f"kept: {settings().mail_url}" if settings().keeps_mails else "sent"
    click.echo(f"Rehearsal on {settings().rehearsal_date}. Mails are {mails}")
    click.echo(f"  Delegates    {settings().public_url}/")
    click.echo(f"  Organisers   {settings().public_url}/organiser/")
    click.echo(f"  Sign in as   {DEMO_ORGANISER}  with  {password}")


@mails.command("work")
def outbox_work() -> None:
    """Send mails until SIGTERM or Ctrl-C; then finish the mail in hand.

    For CONVOKE_OUTBOX_THREAD=false, or beside the web processes. Several may run, on several machines.
    """
    init_logging(settings().log_level)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # the thread inherits it, and is not disturbed
    worker = Worker(settings(), current_app.extensions["desk"])
    worker.start()
    signal.sigwait(STOP_SIGNALS)
    worker.stop(timeout=LAST_TIMEOUT)


@mails.command("status")
def outbox_status() -> None:
    """Say how many mails there are in each state, and since when and why the oldest waits."""
    with connection():
        counts, waiting = outbox.backlog(), outbox.waiting()
    for state in MAIL_STATES:
        click.echo(f"{state:9} {counts.get(state, 0)}")
    if waiting:
        since, error = waiting
        click.echo(f"The oldest has been due since {since:%Y-%m-%d %H:%M} UTC.{in_plain_words(error)}")


@mails.command("retry")
@click.argument("numbers", type=click.IntRange(1, 2**31 - 1), nargs=-1)
def outbox_retry(numbers: tuple[int, ...]) -> None:
    """Send again at once what failed or waits for its next attempt: all, or the mails with these NUMBERS."""
    with connection():
        count = outbox.retry(Mail.id.in_(numbers) if numbers else None)
    click.echo(f"{count} {'mail' if count == 1 else 'mails'} to be sent again.")


@mails.command("check")
def outbox_check() -> None:
    """Connect to the mail server, sign in, and ask whether it takes our mail, without sending any."""
    sender = settings().mail_from.email
    recipient = (settings().mail_reply_to or settings().mail_from).email
    if settings().keeps_mails:
        click.echo(f"Mails are kept in a folder, {settings().mail_url}; none is sent.")
        return
    transport = SmtpTransport(settings().mail_url)
    click.echo(f"Mail server {transport.host}, port {transport.port} ({transport.scheme})")
    try:
        transport.open()
        click.echo(f"  connected{' and signed in' if transport.user else ''}")
        transport.rehearse(sender, recipient)
    except (Refused, Deferred) as error:
        raise click.ClickException(f"it does not take our mail.{in_plain_words(str(error))}") from None
    finally:
        transport.close()
    click.echo(f"  takes mail from {sender} to {recipient}")
    domain = sender.rpartition("@")[2]
    click.echo(
        "Not looked at: the records in the DNS by which other servers judge our mail. Please see for yourself:\n"
        f"  SPF    dig TXT {domain}                       names the servers that may send for {domain}\n"
        f"  DKIM   dig TXT SELECTOR._domainkey.{domain}   the key; your mail server knows the selector\n"
        f"  DMARC  dig TXT _dmarc.{domain}                what to do with mail that fits neither"
    )


@registrations.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--format", "kind", type=click.Choice(list(export.FORMATS)), default="csv", show_default=True)
@click.option("--q", default="", help="Only what this search of the list finds.")
@click.option("--early", is_flag=True, help="Before the deadline too, when everything may still change.")
def registrations_export(file: Path, kind: str, q: str, early: bool) -> None:
    """Write the registrations into FILE, which only its owner may read, and enter that in the log.

    JSON holds passports, diets and telephone numbers too. Before the deadline nothing is written without --early.
    """
    conference, query = current_app.extensions["desk"].conference, Query(q=q)
    if conference.is_open and not early:
        closes_at = conference.closes_at.astimezone(UTC)
        raise click.ClickException(
            f"registration is open until {closes_at:%Y-%m-%d %H:%M} UTC; --early exports all the same"
        )
    rows, chunks = export.FORMATS[kind]
    try:
        with connection(), open(file, "wb", opener=for_its_owner) as target:
            total = export.record(query, conference, kind=kind)
            with click.progressbar(rows(query), length=total, label=str(file)) as watched:
                target.writelines(chunks(watched, conference))
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"{total} {'registration' if total == 1 else 'registrations'} in {file}.")


def for_its_owner(path: str, flags: int) -> int:
    """Open a file that nobody else may read, even if it was there before."""
    opened = os.open(path, flags, 0o600)
    os.fchmod(opened, 0o600)
    return opened


@reminders.command("send")
@click.option("--dry-run", is_flag=True, help="Write nothing; list who would be reminded.")
def reminders_send(dry_run: bool) -> None:
    """Write the reminders of today, or of the latest day that had some, without waiting for the hour."""
    desk = current_app.extensions["desk"]
    day = daily.reminder_due(desk.conference, at_any_hour=True)
    count = 0
    with connection():
        if day and dry_run:
            owed = list(daily.owed_reminders(day, desk.conference))
            for registration in owed:
                click.echo(f"{registration.reference}  {registration.email}")
            count = len(owed)
        elif day:
            count = sum(iter(lambda: daily.write_reminders(day, desk), 0))
    if not count:
        click.echo("No reminder is owed.")
        return
    click.echo(
        f"{count} {'reminder' if count == 1 else 'reminders'} of {day}{', not written' if dry_run else ''}."
    )


@demonstration.command("seed")
@click.argument("number", type=click.IntRange(min=1))
def demo_seed(number: int) -> None:
    """Put NUMBER registrations on the list, of all states, with names of many scripts; no mail is sent."""
    if not settings().is_rehearsal:
        raise click.ClickException("only in a rehearsal (CONVOKE_MODE=rehearsal)")
    with connection(), click.progressbar(length=number, label="Registrations") as bar:
        for stored in demo.seed(number, current_app.extensions["desk"]):
            bar.update(stored)


def in_plain_words(error: str) -> str:
    return f" {reason_of(error)}\n  {error}" if error else ""

"""Announcements, the organisers' languages, and indexes that keep the outbox quick however much has gone out."""

from peewee import (
    SQL,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    fn,
)

STATES = "'draft', 'sending', 'stopped', 'sent'"


class Table(Model):
    class Meta:
        legacy_table_names = False


class Organiser(Table):
    pass


class Announcement(Table):
    subject = JSONField()
    text = JSONField()
    search = CharField(200)
    state = CharField(16)
    readers = JSONField()
    total = IntegerField()
    prepared = IntegerField()
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    created_at = DateTimeField()
    sent_at = DateTimeField(null=True)

    class Meta:
        constraints = [SQL(f"CHECK (state IN ({STATES}))")]


class Mail(Table):
    announcement = ForeignKeyField(Announcement, null=True)
    recipient = CharField(254)
    state = CharField(16)
    due_at = DateTimeField()
    accepted_at = DateTimeField(null=True)


def up(migrator, db):
    unfinished = SQL("state IN ('queued', 'sending', 'retrying')")
    db.execute_sql("ALTER TABLE organiser ADD COLUMN language VARCHAR(2) NOT NULL DEFAULT 'fr'")
    with db.bind_ctx((Organiser, Announcement, Mail)):
        db.create_tables((Announcement,))
        db.execute_sql("ALTER TABLE mail ADD COLUMN announcement_id INTEGER REFERENCES announcement (id)")
        db.execute_sql("DROP INDEX mail_state_due_at")
        for index in (
            Mail.index(Mail.announcement),
            Mail.index(Mail.accepted_at),
            Mail.index(Mail.state, Mail.id),
            Mail.index(Mail.due_at, Mail.id, where=unfinished, name="mail_unfinished"),
            Mail.index(fn.LOWER(Mail.recipient), Mail.accepted_at, name="mail_recipient"),
        ):
            db.execute(index)

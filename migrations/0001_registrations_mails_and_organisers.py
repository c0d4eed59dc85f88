"""The first tables: registrations with their consents, the outbox, organisers and the audit log."""

from peewee import (
    SQL,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    PostgresqlDatabase,
    TextField,
)


class Table(Model):
    class Meta:
        legacy_table_names = False


class Registration(Table):
    public_id = CharField(32, unique=True)
    reference = CharField(16, unique=True)
    form_key = CharField(64, unique=True)
    state = CharField(16)
    language = CharField(2)
    given_names = CharField(100)
    family_name = CharField(100)
    email = CharField(254)
    address_key = CharField(254)
    organisation = CharField(200)
    country = CharField(2)
    function = CharField(120)
    category = CharField(32)
    days = JSONField()
    sessions = JSONField()
    interpretation = CharField(4)
    visa_state = CharField(16)
    needs = TextField(null=True)
    passport = TextField(null=True)
    mobile = TextField(null=True)
    name_key = CharField(201)
    organisation_key = CharField(200)
    search = TextField()
    created_at = DateTimeField()
    updated_at = DateTimeField()
    confirmed_at = DateTimeField(null=True)
    cancelled_at = DateTimeField(null=True)
    link_version = IntegerField()
    sequence = IntegerField()

    class Meta:
        constraints = [
            SQL("CHECK (state IN ('received', 'confirmed', 'cancelled', 'erased'))"),
            SQL("CHECK (visa_state IN ('none', 'requested', 'in_preparation', 'sent'))"),
        ]


Registration.add_index(
    Registration.index(
        Registration.address_key,
        unique=True,
        where=SQL("state IN ('received', 'confirmed')"),
        name="registration_active_address",
    )
)
for column in (Registration.name_key, Registration.organisation_key, Registration.created_at):
    Registration.add_index(
        Registration.index(column, Registration.id, name=f"registration_{column.column_name}_id")
    )


class Repeat(Table):
    registration = ForeignKeyField(Registration)
    reference = CharField(16, unique=True)
    form_key = CharField(64, unique=True)
    created_at = DateTimeField()


class Consent(Table):
    registration = ForeignKeyField(Registration)
    kind = CharField(16)
    version = CharField(16)
    language = CharField(2)
    given_at = DateTimeField()
    withdrawn_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("registration", "kind", "version"), True),)


class Mail(Table):
    registration = ForeignKeyField(Registration, null=True)
    kind = CharField(32)
    language = CharField(2)
    recipient = CharField(254)
    message = TextField()
    message_id = CharField(200, unique=True)
    once = CharField(100, unique=True)
    state = CharField(16)
    attempts = IntegerField()
    due_at = DateTimeField()
    owner = CharField(32, null=True)
    error = TextField()
    created_at = DateTimeField()
    accepted_at = DateTimeField(null=True)

    class Meta:
        constraints = [SQL("CHECK (state IN ('queued', 'sending', 'accepted', 'retrying', 'failed'))")]
        indexes = ((("state", "due_at"), False),)


class Organiser(Table):
    email = CharField(254, unique=True)
    password_hash = CharField(200)
    created_at = DateTimeField()


class SignIn(Table):
    organiser = ForeignKeyField(Organiser, on_delete="CASCADE")
    token_hash = CharField(64, unique=True)
    created_at = DateTimeField()
    expires_at = DateTimeField()


class AuditEntry(Table):
    at = DateTimeField(index=True)
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    action = CharField(48)
    registration = ForeignKeyField(Registration, null=True)
    details = JSONField()


TABLES = (Registration, Repeat, Consent, Mail, Organiser, SignIn, AuditEntry)


def up(migrator, db):
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
    if isinstance(db, PostgresqlDatabase):
        # SQLite sorts text by bytes; with this collation PostgreSQL puts the pages of the list in the same order.
        for column, size in (("name_key", 201), ("organisation_key", 200)):
            db.execute_sql(f'ALTER TABLE registration ALTER COLUMN {column} TYPE varchar({size}) COLLATE "C"')

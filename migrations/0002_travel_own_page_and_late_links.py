"""Travel and stay, own questions, what the delegate's own page changes, late links, blocked addresses."""

from peewee import SQL, CharField, DateTimeField, ForeignKeyField, Model, PostgresqlDatabase

COLUMNS = (
    "travel VARCHAR(8) NOT NULL DEFAULT '' CHECK (travel IN ('', 'known', 'later', 'none'))",
    "journey TEXT",
    "hotel VARCHAR(8) NOT NULL DEFAULT '' CHECK (hotel IN ('', 'reserve', 'own', 'later'))",
    "stay TEXT",
    "extra {json} NOT NULL DEFAULT '{{}}'",
    "cancel_reason TEXT",
    "pending_email TEXT",
    "is_late {boolean} NOT NULL DEFAULT FALSE",
)


class Table(Model):
    class Meta:
        legacy_table_names = False


class Registration(Table):
    pass


class Organiser(Table):
    pass


class Consent(Table):
    registration = ForeignKeyField(Registration)
    kind = CharField(16)


class LateLink(Table):
    public_id = CharField(32, unique=True)
    email = CharField(254)
    language = CharField(2)
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    created_at = DateTimeField()
    expires_at = DateTimeField()
    registration = ForeignKeyField(Registration, null=True)


class Blocked(Table):
    address_hash = CharField(64, unique=True)
    created_at = DateTimeField()


def up(migrator, db):
    on_postgresql = isinstance(db, PostgresqlDatabase)
    json, boolean = ("JSONB", "BOOLEAN") if on_postgresql else ("TEXT", "INTEGER")
    for column in COLUMNS:
        db.execute_sql(f"ALTER TABLE registration ADD COLUMN {column.format(json=json, boolean=boolean)}")
    migrator.migrate(migrator.drop_not_null("repeat", "registration_id"))
    # A consent may be given again after it was withdrawn: only one of a kind holds at a time.
    db.execute_sql("DROP INDEX consent_registration_id_kind_version")
    with db.bind_ctx((Registration, Organiser, Consent, LateLink, Blocked)):
        given = Consent.index(
            Consent.registration,
            Consent.kind,
            unique=True,
            where=SQL("withdrawn_at IS NULL"),
            name="consent_given",
        )
        db.execute(given)
        db.create_tables((LateLink, Blocked))

"""Organisers enrol by a link and sign in with a code; a sign-in knows its browser and when it was last used."""

from peewee import CharField, ForeignKeyField, IntegerField, Model, PostgresqlDatabase, TextField


class Table(Model):
    class Meta:
        legacy_table_names = False


class Organiser(Table):
    pass


class Authenticator(Table):
    organiser = ForeignKeyField(Organiser, unique=True, on_delete="CASCADE")
    secret = TextField()
    step = IntegerField()


class RecoveryCode(Table):
    organiser = ForeignKeyField(Organiser, on_delete="CASCADE")
    code_hash = CharField(64, unique=True)


def up(migrator, db):
    moment = "TIMESTAMP" if isinstance(db, PostgresqlDatabase) else "DATETIME"
    for table, column in (
        ("organiser", "enrolment_hash VARCHAR(64) NOT NULL DEFAULT ''"),
        ("organiser", f"enrolment_expires_at {moment}"),
        ("sign_in", "browser VARCHAR(40) NOT NULL DEFAULT ''"),
        ("sign_in", f"seen_at {moment}"),
        ("sign_in", f"proved_at {moment}"),
    ):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {column}")
    with db.bind_ctx((Organiser, Authenticator, RecoveryCode)):
        db.create_tables((Authenticator, RecoveryCode))

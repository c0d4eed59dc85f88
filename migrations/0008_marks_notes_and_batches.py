"""What organisers mark and note, what they do to many registrations at once, and the words of a name to compare by."""

from peewee import (
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    PostgresqlDatabase,
    TextField,
)

COLUMNS = (
    "is_hotel_booked {boolean} NOT NULL DEFAULT FALSE",
    "is_travel_checked {boolean} NOT NULL DEFAULT FALSE",
    "name_words VARCHAR(201) NOT NULL DEFAULT ''",
)
ROWS_AT_ONCE = 1000


class Table(Model):
    class Meta:
        legacy_table_names = False


class Registration(Table):
    name_key = CharField(201)
    name_words = CharField(201)


class Organiser(Table):
    pass


class Note(Table):
    registration = ForeignKeyField(Registration)
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    text = TextField()
    created_at = DateTimeField()


class Batch(Table):
    kind = CharField(32)
    organiser = ForeignKeyField(Organiser, null=True, on_delete="SET NULL")
    changed = JSONField()
    created_at = DateTimeField()
    undone_at = DateTimeField(null=True)
    put_back = IntegerField()


def up(migrator, db):
    boolean = "BOOLEAN" if isinstance(db, PostgresqlDatabase) else "INTEGER"
    for column in COLUMNS:
        db.execute_sql(f"ALTER TABLE registration ADD COLUMN {column.format(boolean=boolean)}")
    with db.bind_ctx((Registration, Organiser, Note, Batch)):
        fill_name_words()
        db.execute(Registration.index(Registration.name_words))
        db.create_tables((Note, Batch))


def fill_name_words():
    last = 0
    while rows := list(
        Registration.select().where(Registration.id > last).order_by(Registration.id).limit(ROWS_AT_ONCE)
    ):
        for row in rows:
            row.name_words = " ".join(sorted(row.name_key.split()))
        Registration.bulk_update(rows, [Registration.name_words])
        last = rows[-1].id

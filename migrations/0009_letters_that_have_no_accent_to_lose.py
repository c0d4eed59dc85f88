"""Letters with a stroke, ligatures and typographic signs in what is searched and sorted by, as people type them."""

from peewee import CharField, Model, TextField

PLAIN = str.maketrans("łøđðħŧı‘’ʼ‐–", "loddhti'''--") | str.maketrans(  # noqa: RUF001 - meant as they are
    {"þ": "th", "æ": "ae", "œ": "oe"}
)
ROWS_AT_ONCE = 1000


class Registration(Model):
    name_key = CharField(201)
    name_words = CharField(201)
    organisation_key = CharField(200)
    search = TextField()

    class Meta:
        legacy_table_names = False


def up(migrator, db):
    with db.bind_ctx((Registration,)):
        last = 0
        while rows := list(
            Registration.select().where(Registration.id > last).order_by(Registration.id).limit(ROWS_AT_ONCE)
        ):
            changed = [row for row in rows if fold(row)]
            if changed:
                Registration.bulk_update(changed, list(COLUMNS))
            last = rows[-1].id


COLUMNS = {
    Registration.name_key: 201,
    Registration.name_words: 201,
    Registration.organisation_key: 200,
    Registration.search: None,
}


def fold(row):
    """Fold what has been folded without these letters; whether that changes anything."""
    before = dict(row.__data__)
    for column, longest in COLUMNS.items():
        setattr(row, column.name, getattr(row, column.name).translate(PLAIN)[:longest])
    row.name_words = " ".join(sorted(row.name_words.split()))
    return row.__data__ != before

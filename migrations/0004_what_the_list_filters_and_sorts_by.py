"""Marks to find diets by, and an index and one order on every database for each column that the list sorts by.

Where an erased registration holds nothing, it is not in the index: it would come before all others. On SQLite a search
reads an index too, which is a tenth of the table; PostgreSQL's take no text of any length.

The marks of the rows that there are come with their next change: a migration has no keys to read the needs with.
"""

from peewee import PostgresqlDatabase, SqliteDatabase

SIZES = {
    "country": 2, "address_key": 254, "function": 120, "category": 32, "interpretation": 4, "visa_state": 16,
    "travel": 8, "hotel": 8, "state": 16, "reference": 16,
}  # fmt: skip
EMPTIED = (
    "country", "function", "category", "interpretation", "visa_state", "travel", "hotel", "name_key",
    "organisation_key",
)  # fmt: skip


def up(migrator, db):
    db.execute_sql("ALTER TABLE registration ADD COLUMN diet_marks TEXT NOT NULL DEFAULT ''")
    if isinstance(db, PostgresqlDatabase):
        changes = (f'ALTER COLUMN {name} TYPE varchar({size}) COLLATE "C"' for name, size in SIZES.items())
        db.execute_sql(f"ALTER TABLE registration {', '.join(changes)}")
    for name in ("name_key", "organisation_key"):
        db.execute_sql(f"DROP INDEX registration_{name}_id")
    for name in dict.fromkeys((*SIZES, "updated_at", *EMPTIED)):
        rows = " WHERE state != 'erased'" if name in EMPTIED else ""
        db.execute_sql(f"CREATE INDEX registration_{name}_id ON registration ({name}, id){rows}")
    if isinstance(db, SqliteDatabase):
        db.execute_sql("CREATE INDEX registration_search_state ON registration (search, state)")

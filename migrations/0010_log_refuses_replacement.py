"""The log refuses INSERT OR REPLACE too, SQLite's way to change a row for which no trigger for deleting fires."""

from peewee import PostgresqlDatabase


def up(migrator, db):
    if isinstance(db, PostgresqlDatabase):
        return
    db.execute_sql(
        """
        CREATE TRIGGER audit_entry_refuses_replacement BEFORE INSERT ON audit_entry
        WHEN EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END
        """
    )

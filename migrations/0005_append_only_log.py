"""The log refuses to be changed: its entries are only ever added."""

from peewee import PostgresqlDatabase

ON_SQLITE = [
    f"""
    CREATE TRIGGER audit_entry_refuses_{change} BEFORE {change.upper()} ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END
    """
    for change in ("update", "delete")
]
ON_POSTGRESQL = [
    """
    CREATE FUNCTION refuse_change_of_log() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'restrict_violation'; END $$
    """,
    """
    CREATE TRIGGER audit_entry_refuses_change BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_log()
    """,
    """
    CREATE TRIGGER audit_entry_refuses_truncate BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_log()
    """,
]


def up(migrator, db):
    for statement in ON_POSTGRESQL if isinstance(db, PostgresqlDatabase) else ON_SQLITE:
        db.execute_sql(statement)

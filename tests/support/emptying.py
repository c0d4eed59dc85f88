"""Emptying every table between tests: the log too, which refuses that to everybody else."""

from db import db, on_sqlite
from models import TABLES

TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'"


def empty_tables() -> None:
    """Delete every row, with the triggers of the log out of the way for this one transaction."""
    with db.atomic():
        if on_sqlite():
            triggers = db.execute_sql(TRIGGERS).fetchall()
            for name, _ in triggers:
                db.execute_sql(f"DROP TRIGGER {name}")
        else:
            triggers = []
            db.execute_sql("SET LOCAL session_replication_role = replica")
        for table in reversed(TABLES):
            table.delete().execute()
        for _, statement in triggers:
            db.execute_sql(statement)

"""On SQLite too, the number of a mail that was deleted is never another mail's: pages and the log name mails by it."""

from peewee import PostgresqlDatabase


def up(migrator, db):
    if isinstance(db, PostgresqlDatabase):
        return
    stored = "SELECT sql FROM sqlite_master WHERE tbl_name = 'mail' AND type = ? AND sql IS NOT NULL"
    ((table,),) = db.execute_sql(stored, ("table",)).fetchall()
    indexes = [sql for (sql,) in db.execute_sql(stored, ("index",)).fetchall()]
    counting = table.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT", 1)
    db.execute_sql(counting.replace('"mail"', '"counted"', 1))
    for statement in (
        "INSERT INTO counted SELECT * FROM mail",
        "DROP TABLE mail",
        "ALTER TABLE counted RENAME TO mail",
        *indexes,
    ):
        db.execute_sql(statement)

"""What each organiser may do. Those that there are may do everything, as before."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE organiser ADD COLUMN roles VARCHAR(64) NOT NULL DEFAULT 'reader'")
    db.execute_sql("UPDATE organiser SET roles = 'admin'")

"""A database connection for as long as a request lasts, for the blueprints whose every page reads the database."""

from flask import Blueprint, g

from db import DatabaseOut, close_connection, is_outage, open_connection


def hold_connection(bp: Blueprint) -> None:
    """Open a connection before a blueprint's requests and give back what was opened after them."""

    @bp.before_request
    def open_() -> None:
        try:
            g.has_opened = open_connection()
        except Exception as error:
            if is_outage(error):
                raise DatabaseOut from error
            raise

    @bp.teardown_request
    def close(error: BaseException | None) -> None:
        if g.pop("has_opened", False):
            close_connection()

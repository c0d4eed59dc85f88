"""What an operator sees: a JSON line for each request, and whether the service lives and is ready. Nothing personal."""

import json
import logging
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, Response, g, jsonify, request

from db import DatabaseOut, check_writable, connection, is_outage
from security import limiter

STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}

bp = Blueprint("observability", __name__)
limiter.exempt(bp)
log = logging.getLogger("convoke.request")


class JsonLine(logging.Formatter):
    """One event a line: time, level, event, and the fields that were given with it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in STANDARD}
        if record.exc_info and record.exc_info[0]:
            # The type and the place only: an exception's text may quote what somebody typed.
            line |= {"error": record.exc_info[0].__name__, "where": where(record.exc_info[2])}
        return json.dumps(line, default=str, ensure_ascii=False)


def where(traceback: Any) -> list[str]:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-8:]


def init_logging(level: str) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("flask-limiter").setLevel(logging.CRITICAL)  # it names network addresses
    logging.getLogger("peewee").setLevel(logging.WARNING)  # at DEBUG it tells every value that is stored
    logging.getLogger("gunicorn.error").addFilter(without_address)


def without_address(record: logging.LogRecord) -> bool:
    """Let our own line stand in the place of gunicorn's that tells the address of what failed and quotes the error.

    It comes to that when no page can tell any more: while the answer flows, which gunicorn then cuts off.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is None or not str(record.msg).startswith("Error handling request"):
        return True
    report(error)
    return False


def report(error: BaseException) -> bool:
    """Log what went wrong; whether the database is out, which is no fault of ours."""
    if isinstance(error, DatabaseOut) or is_outage(error):
        log.warning("database.out", exc_info=error)
        return True
    log.error("request.failed", exc_info=error)
    return False


def init_app(app: Flask) -> None:
    # Flask's own line for an error page that fails itself would name the path, which may be a private link.
    app.log_exception = lambda info: report(info[1])  # type: ignore[assignment, arg-type]
    app.before_request(begin)
    app.after_request(end)
    app.register_blueprint(bp)


def begin() -> None:
    g.request_id = secrets.token_hex(8)
    g.started = time.perf_counter()


def end(response: Response) -> Response:
    """Log the request by its rule, never by its path: that may hold a private link."""
    response.headers["X-Request-ID"] = g.request_id
    if request.blueprint != "observability" and request.endpoint != "static":
        log.info(
            "request",
            extra={
                "request": g.request_id,
                "method": request.method,
                "rule": str(request.url_rule) if request.url_rule else None,
                "status": response.status_code,
                "ms": round((time.perf_counter() - g.started) * 1000, 1),
            },
        )
    return response


@bp.get("/healthz")
def healthz() -> Response:
    """Say that the process lives."""
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Say whether the service can take a registration: the database answers and may be written to."""
    try:
        with connection():
            check_writable()
    except DatabaseOut as error:
        log.warning("readyz.failed", exc_info=error)
        return jsonify(status="the database cannot be written to"), 503
    return jsonify(status="ok"), 200

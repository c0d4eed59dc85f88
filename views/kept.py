"""What was sent when the sign-in had ended: it travels through the sign-in form, and one button sends it on."""

import json

from flask import request

from security import is_own_page

NEVER = {"csrf_token", "password", "again", "code", "kept"}

Fields = list[tuple[str, str]]


def keep() -> str:
    """What this request sent and where to, as it travels in a hidden field; no token, no password."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in NEVER]
    return json.dumps({"path": request.full_path.rstrip("?"), "fields": fields}, ensure_ascii=False)


def read(text: str | None) -> tuple[str, Fields] | None:
    """The path and the fields of what was kept, or nothing where it is not to be sent to a page of the organisers."""
    try:
        given = json.loads(text or "")
        path, fields = str(given["path"]), [(str(name), str(value)) for name, value in given["fields"]]
    except (ValueError, TypeError, KeyError):
        return None
    return (path, fields) if is_own_page(path, "POST") else None

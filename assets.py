"""Static files under addresses that name their content, so that browsers keep them for a year and never show an old one."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, current_app, request

YEAR = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    app.url_defaults(name_content)
    app.after_request(keep_named_content)


def name_content(endpoint: str, values: dict) -> None:
    if endpoint == "static" and "filename" in values:
        path = Path(current_app.static_folder or "") / values["filename"]
        values.setdefault("v", digest(path, path.stat().st_mtime))


@cache
def digest(path: Path, changed_at: float) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def keep_named_content(response: Response) -> Response:
    if request.endpoint == "static" and request.args.get("v"):
        response.cache_control.public = True
        response.cache_control.max_age = YEAR
        response.cache_control.immutable = True
    return response

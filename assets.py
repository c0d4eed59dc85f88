"""Static files under addresses that name their content: browsers keep them for a year and never show an old one."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

YEAR = 365 * 24 * 3600
LAYERS = ("reset", "tokens", "base", "layout", "components", "pages", "print")


def init_app(app: Flask) -> None:
    app.add_url_rule("/style.css", "style", style)
    app.url_defaults(name_content)
    app.after_request(keep_named_content)
    sheet = stylesheet(Path(app.static_folder or ""))
    version = hashlib.sha256(sheet).hexdigest()[:12]
    app.jinja_env.globals["style_address"] = lambda: url_for("style", v=version)


def style() -> Response:
    """Give the style sheet: all layers in one answer, because each further file costs a slow line a round trip."""
    return Response(stylesheet(Path(current_app.static_folder or "")), mimetype="text/css")


@cache
def stylesheet(folder: Path) -> bytes:
    order = f"@layer {', '.join(LAYERS)};\n".encode()
    return order + b"\n".join((folder / f"{layer}.css").read_bytes() for layer in LAYERS)


def name_content(endpoint: str, values: dict) -> None:
    if endpoint == "static" and "filename" in values:
        values.setdefault("v", digest(Path(current_app.static_folder or "") / values["filename"]))


@cache
def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def keep_named_content(response: Response) -> Response:
    if request.endpoint in ("static", "style") and request.args.get("v"):
        response.cache_control.no_cache = None
        response.cache_control.public = True
        response.cache_control.max_age = YEAR
        response.cache_control.immutable = True
    return response

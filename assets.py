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
    version = version_of_style(static_folder(app))
    app.jinja_env.globals["style_address"] = lambda: url_for("style", v=version)


def static_folder(app: Flask) -> Path:
    return Path(app.static_folder or "")


def style() -> Response:
    """Give the style sheet: all layers in one answer, because each further file costs a slow line a round trip."""
    return Response(stylesheet(static_folder(current_app)), mimetype="text/css")


@cache
def stylesheet(folder: Path) -> bytes:
    order = f"@layer {', '.join(LAYERS)};\n".encode()
    return order + b"\n".join((folder / f"{layer}.css").read_bytes() for layer in LAYERS)


@cache
def version_of_style(folder: Path) -> str:
    return digest(stylesheet(folder))


@cache
def versions(folder: Path) -> dict[str, str]:
    """The digests of all static files, by their names in addresses."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): digest(path.read_bytes()) for path in files}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def name_content(endpoint: str, values: dict) -> None:
    if endpoint == "static" and "filename" in values:
        values.setdefault("v", versions(static_folder(current_app))[values["filename"]])


def keep_named_content(response: Response) -> Response:
    """Let browsers keep what an address names. What it names wrongly may be older or newer, or nothing at all."""
    version = version_asked_for()
    if version and request.args.get("v") == version and response.status_code in (200, 304):
        response.cache_control.no_cache = None
        response.cache_control.public = True
        response.cache_control.max_age = YEAR
        response.cache_control.immutable = True
    return response


def version_asked_for() -> str | None:
    """The digest of what a request is for, if it is a static file or the style sheet."""
    if request.endpoint == "style":
        return version_of_style(static_folder(current_app))
    name = (request.view_args or {}).get("filename") if request.endpoint == "static" else None
    return versions(static_folder(current_app)).get(name) if name else None

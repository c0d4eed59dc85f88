"""Announcements as an organiser makes them in a browser without JavaScript."""

from typing import Any

from support.page import Page, PageClient

ANNOUNCEMENTS = "/organiser/announcements"
WORDS = {
    "subject_fr": "Navettes",
    "text_fr": "Départ à 8 h 30",
    "subject_en": "Shuttles",
    "text_en": "They leave at 8:30",
    "subject_es": "Lanzaderas",
    "text_es": "Salen a las 8:30",
}


def in_languages(*languages: str) -> dict[str, str]:
    return {name: words for name, words in WORDS.items() if name[-2:] in languages}


def token_on(page: Page) -> str:
    return str(page.select("main [name=csrf_token]")[0]["value"])


def hidden_on(page: Page) -> dict[str, str]:
    """What the form on a page sends besides what is typed."""
    return {str(field["name"]): str(field["value"]) for field in page.select("main [type=hidden]")}


def write(client: PageClient, *languages: str, q: str = "", status: int = 303, **words: str) -> Page:
    """Fill in the form for an announcement; in all languages unless some are named."""
    path = f"{ANNOUNCEMENTS}/new{f'?q={q}' if q else ''}"
    given = in_languages(*languages) if languages else WORDS
    return client.post(path, {"csrf_token": token_on(client.get(path))} | given | words, status=status)


def written(client: PageClient, *languages: str, **given: Any) -> str:
    """The path of an announcement that has just been written."""
    return write(client, *languages, **given).headers["Location"]


def amend(client: PageClient, path: str, *, status: int = 303, **fields: str) -> Page:
    """Open a draft for changes, in all languages, and save it."""
    path = f"{path}/edit"
    return client.post(path, hidden_on(client.get(path)) | WORDS | fields, status=status)


def send(client: PageClient, path: str, *, status: int = 303, **fields: str) -> Page:
    """Open an announcement, type the number of its recipients and press the button."""
    page = client.get(path)
    data = hidden_on(page) | {"number": page.value("shown")} | fields
    return client.post(f"{path}/sending", data, status=status)


def sent(client: PageClient, *languages: str, **given: Any) -> str:
    """The path of an announcement that is being sent."""
    path = written(client, *languages, **given)
    send(client, path)
    return path

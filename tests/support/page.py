"""A client that parses every page that any test fetches, and checks what every page owes its readers."""

import re
from typing import Any

import html5lib
from bs4 import BeautifulSoup, Tag
from bs4.builder import HTML5TreeBuilder
from flask import Flask
from werkzeug.test import TestResponse

BINARY = {"application/pdf", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class Builder(HTML5TreeBuilder):
    """Beautiful Soup's own, which also keeps what the parser had to put right."""

    def feed(self, markup: str) -> None:
        parser = html5lib.HTMLParser(tree=self.create_treebuilder)
        self.underlying_builder.parser = parser
        parser.parse(markup)
        self.errors = [error for _, error, _ in parser.errors]


class Page:
    """An answer of the service; HTML is parsed, and what is looked for is looked for with CSS selectors."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        self.data = response.get_data()
        self.text = "" if response.mimetype in BINARY else response.get_data(as_text=True)
        self.soup = BeautifulSoup(self.text, builder=Builder()) if response.mimetype == "text/html" else None

    def select(self, selector: str) -> list[Tag]:
        assert self.soup is not None, f"not HTML: {self.response.mimetype}"
        return self.soup.select(selector)

    def one(self, selector: str) -> Tag:
        found = self.select(selector)
        assert len(found) == 1, f"{selector}: {len(found)} on the page"
        return found[0]

    def texts(self, selector: str) -> list[str]:
        """The words of every element that a selector finds, without the empty ones."""
        return [words for element in self.select(selector) if (words := " ".join(element.get_text().split()))]

    def value(self, name: str) -> str:
        field = self.one(f'[name="{name}"]:not([type=radio]):not([type=checkbox])')
        if field.name == "textarea":
            return field.get_text().removeprefix("\n")
        if field.name == "select":
            chosen = field.select("option[selected]")
            return str(chosen[0]["value"]) if chosen else ""
        return str(field.get("value", ""))

    def checked(self, name: str) -> list[str]:
        return [str(field["value"]) for field in self.select(f'[name="{name}"][checked]')]

    def hidden_fields(self) -> dict[str, list[str]]:
        """What travels with the registration form of a check page."""
        fields: dict[str, list[str]] = {}
        for field in self.select("#registration-form input[type=hidden]"):
            fields.setdefault(str(field["name"]), []).append(str(field.get("value", "")))
        return fields


class PageClient:
    """The test client of Flask, answering with pages; `status` is what the caller expects."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str, *, status: int = 200, **given: Any) -> Page:
        return self.open(path, method="GET", status=status, **given)

    def post(self, path: str, data: Any = None, *, status: int = 200, **given: Any) -> Page:
        return self.open(path, method="POST", data=data, status=status, **given)

    def open(self, path: str, *, status: int, **given: Any) -> Page:
        page = Page(self.client.open(path, **given))
        assert page.status == status, f"{path}: {page.status}, not {status}\n{page.text[:2000]}"
        if page.soup is not None and not 300 <= status < 400:
            is_fragment = "hx-request-type" in {name.lower() for name in given.get("headers", {})}
            check_fragment(page) if is_fragment else check_page(page)
        return page


def check_page(page: Page) -> None:
    """One h1, a title, a language, valid HTML5, no id twice, a label for each control, nothing inline."""
    assert not page.soup.builder.errors, page.soup.builder.errors
    assert page.one("html")["lang"] in ("fr", "en", "es")
    assert len(page.texts("h1")) == 1
    assert page.texts("title")
    assert page.one("main")
    check_fragment(page)


def check_fragment(page: Page) -> None:
    """In one walk over the elements, because most of the tests' time would go into finding them."""
    elements = page.soup.find_all(True)
    ids = [str(element["id"]) for element in elements if element.has_attr("id")]
    assert len(set(ids)) == len(ids), f"twice: {sorted({name for name in ids if ids.count(name) > 1})}"
    labelled = {element.get("for") for element in elements if element.name == "label"}
    for element in elements:
        check_element(element, set(ids), labelled)
    assert not re.search(r"\son[a-z]+=|hx-on|javascript:", page.text)


def check_element(element: Tag, ids: set[str], labelled: set[str]) -> None:
    match element.name:
        case "input" | "select" | "textarea":
            assert element.get("type") == "hidden" or element["id"] in labelled, f"no label: {element}"
        case "form":
            assert {"action", "method"} <= set(element.attrs), f"dead without JavaScript: {element}"
        case "a":
            assert element.get("hx-get") in (None, element.get("href")), (
                f"leads elsewhere with htmx: {element}"
            )
        case "script":
            assert element.has_attr("src"), "inline script"
    assert element.name != "style", "inline style"
    assert not element.has_attr("style"), "inline style"
    named = f"{element.get('aria-describedby', '')} {element.get('aria-labelledby', '')}".split()
    assert ids.issuperset(named), f"describes nothing: {element}"

"""The rules of the house, executable: who may import whom, who reads the environment, who knows htmx."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# From the top to the ground: a module may import from its own layer and from those below.
LAYERS = [
    {"app"},
    {"views", "cli"},
    {"security", "observability", "assets"},
    {"forms", "questions", "fields", "htmx", "i18n"},
    {"domain"},
    {"db", "models"},
    {"config"},
]
HEIGHT = {name: len(LAYERS) - place for place, names in enumerate(LAYERS) for name in names}
WITHOUT_FLASK = {"config", "models", "db", "domain"}
FIELDS_KNOW_NOT = {"models", "db", "peewee"}


def modules() -> dict[str, str]:
    """Every module of the service with its text; a package's modules go by its name."""
    files = [*ROOT.glob("*.py"), *ROOT.glob("domain/*.py"), *ROOT.glob("views/*.py")]
    return {
        str(file.relative_to(ROOT)): file.read_text() for file in files if file.name != "gunicorn.conf.py"
    }


def layer(path: str) -> str:
    return path.removesuffix(".py").split("/")[0]


def imported(text: str) -> set[str]:
    """The first name of everything that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def faults(path: str, text: str) -> list[str]:
    """What a module imports that it must not."""
    own, names = layer(path), imported(text)
    forbidden = {name for name in names if HEIGHT.get(name, 0) > HEIGHT[own]}
    if own in WITHOUT_FLASK:
        forbidden |= {name for name in names if name == "flask" or name.startswith("flask_")}
    if own in ("forms", "questions", "fields"):
        forbidden |= names & FIELDS_KNOW_NOT
    return sorted(forbidden)


@pytest.mark.parametrize("path", modules())
def test_module_imports_only_from_its_layer_and_below(path):
    assert faults(path, modules()[path]) == []


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("domain/outbox.py", "from flask import g", "flask"),
        ("domain/mail.py", "import flask_babel", "flask_babel"),
        ("domain/roster.py", "from views.pages import home", "views"),
        ("models.py", "from domain.clock import now", "domain"),
        ("forms.py", "import db", "db"),
        ("fields.py", "from models import Registration", "models"),
    ],
)
def test_a_wrong_import_is_noticed(path, text, fault):
    assert faults(path, text) == [fault]


def test_only_the_application_imports_the_views():
    importers = {
        path for path, text in modules().items() if "views" in imported(text) and layer(path) != "views"
    }

    assert importers == {"app.py"}


def test_only_config_reads_the_environment():
    assert [path for path, text in modules().items() if "os.environ" in text or "getenv" in text] == [
        "config.py"
    ]


def test_only_htmx_knows_the_headers_of_htmx():
    assert [path for path, text in modules().items() if '"HX-' in text] == ["htmx.py"]


def test_templates_use_nothing_of_htmx_that_evaluates_code():
    texts = {path: path.read_text() for path in (ROOT / "templates").rglob("*.html")}

    assert [path for path, text in texts.items() if "hx-on" in text or 'hx-vals="js:' in text] == []

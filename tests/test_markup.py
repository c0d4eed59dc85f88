"""Every kind of page, judged by html-validate: one call for all, because starting it costs more than a page."""

import subprocess
from pathlib import Path

import pytest
from factories import typed, typed_with_visa

ROOT = Path(__file__).parent.parent


@pytest.fixture
def pages(client, desk_client, registered) -> dict[str, str]:
    reference = registered().reference
    key = client.get("/en/registration").value("key")
    public = {name: client.get(f"/fr/{name}").text for name in ("", "programme", "practical", "privacy")}
    return public | {
        "form": client.get("/en/registration").text,
        "errors": client.post("/en/registration", typed(email=""), status=422).text,
        "check": client.post("/en/registration", typed_with_visa(key=key)).text,
        "missing": client.get("/es/nothing", status=404).text,
        "list": desk_client.get("/organiser/registrations").text,
        "one": desk_client.get(f"/organiser/registrations/{reference}").text,
    }


def test_pages_are_valid_html(pages, tmp_path):
    for name, text in pages.items():
        (tmp_path / f"{name or 'invitation'}.html").write_text(text)

    command = ["npx", "html-validate", "--config", ROOT / ".htmlvalidate.json", tmp_path]
    judged = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert judged.returncode == 0, judged.stdout

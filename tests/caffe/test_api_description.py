"""The server against its own description: schemathesis finds nothing.

It makes requests that the description allows, which must be answered, and such that it
does not, which must be refused, and holds every answer against it.
"""

import sys
from pathlib import Path

import pytest
from commands import ROOT, run
from search_folder import make_search_folder, make_seen_gallery

pytest.importorskip("lancedb", reason="the extra search is not installed")
pytest.importorskip("fastapi", reason="the extra search is not installed")

from search_server import BEARER, Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    folder = make_search_folder(tmp_path_factory.mktemp("api"))
    make_seen_gallery(folder)
    with serving(folder) as server:
        yield server


def test_all_methods_of_an_address_are_told(server: Server) -> None:
    answer = server.ask("PUT", f"/images/{'0' * 16}")
    assert answer.status == 405
    assert answer.headers["allow"] == "DELETE, GET"
    assert server.ask("DELETE", "/search").headers["allow"] == "POST"


def test_what_is_refused_is_described(server: Server) -> None:
    described = server.ask("GET", "/openapi.json").json()
    schemas = described["components"]["schemas"]
    bodies = {k: v for k, v in schemas.items() if k.startswith("Body_")}
    assert len(bodies) == 3
    for form in bodies.values():
        assert form["additionalProperties"] is False
        assert "null" not in str(form)  # a form has none
    camera = bodies["Body_add_images_post"]["properties"]["camera_id"]
    assert type(camera["maximum"]) is int
    found = schemas["Body_search_search_post"]
    assert found["anyOf"] == [{"required": ["photo"]}, {"required": ["image"]}]
    assert described["paths"]["/search"]["post"]["requestBody"]["required"]
    assert "prefixItems" not in str(schemas)
    assert described["security"] == [{"token": []}]
    assert described["paths"]["/health"]["get"]["security"] == []


@pytest.mark.slow
def test_schemathesis_finds_nothing(server: Server, tmp_path: Path) -> None:
    found = pytest.importorskip(
        "schemathesis", reason="pip install schemathesis==4.32.5"
    )
    rows = server.found("photos/3_2.png", count=4)["matches"]
    done = run(
        sys.executable, "-m", "schemathesis.cli", "run", "--checks", "all",
        "--continue-on-failure", "--max-examples", 40, "--seed", 1,
        "--header", f"Authorization: {BEARER['authorization']}",
        f"http://127.0.0.1:{server.port}/openapi.json",
        cwd=tmp_path,
        PYTHONPATH=str(Path(found.__file__).parents[1]),
        PYTHONWARNINGS="default",
        SCHEMATHESIS_HOOKS=str(ROOT / "tests/support/schemathesis_hooks.py"),
        API_PHOTOGRAPH=str(server.folder / "photos/3_2.png"),
        API_ROWS=" ".join(row["id"] for row in rows),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

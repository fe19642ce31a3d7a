"""A gallery on a file system that cannot be written: searched and served, not changed.

Any number of servers may share a gallery's folder; most of them need not write to it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import run_here
from search_folder import make_search_folder, make_seen_gallery
from small_disks import mounted, remount

pytest.importorskip("lancedb", reason="the extra search is not installed")
pytest.importorskip("urllib3")
pytest.importorskip("fastapi", reason="the extra search is not installed")

from search_server import COOKIE, Server, serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = make_search_folder(tmp_path_factory.mktemp("fixed"))
    (folder / "g").mkdir()
    with mounted(folder / "g", "size=20m"):
        make_seen_gallery(folder)
        remount(folder / "g", "ro")
        yield folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving(folder) as server:
        yield server
    assert "note: the gallery g cannot be written" in (folder / "stderr").read_text()


def test_it_is_searched(server: Server) -> None:
    answer = server.found("photos/3_2.png", count=5)
    assert answer["matches"][0]["path"] == "3_2.png"
    # The address of a search holds while the server runs.
    page = server.ask("GET", answer["page"])
    assert page.status == 200 and "3_2.png" in page.data.decode()
    assert server.ask("GET", answer["page"] + "?camera=2").status == 200
    query = answer["page"].rpartition("/")[2]
    assert server.ask("GET", f"/queries/{query}/photo").data.startswith(b"\xff\xd8")
    health = server.ask("GET", "/health").json()
    assert (health["status"], health["writable"]) == ("ok", False)
    done = run_here("search", "photos/3_2.png", "--gallery", "g", "--json", "-",
                    "--count", 5, cwd=server.folder)  # fmt: skip
    assert json.loads(done.stdout)["matches"] == answer["matches"]


def test_what_would_change_it_is_refused(server: Server) -> None:
    rows = [m["id"] for m in server.found("photos/3_2.png", count=3)["matches"]]
    said = {"query": rows[0], "row": rows[1], "same": "true"}
    for answer in (
        server.ask("POST", "/images", fields={"photo": server.photo("photos/3_2.png")}),
        server.ask("DELETE", f"/images/{rows[0]}"),
        server.ask("POST", "/feedback", fields=said),
        server.ask("POST", "/verdict", fields={**said, "back": ""}, headers=COOKIE),
    ):
        assert answer.status == 403, answer.data
        assert "cannot be written" in answer.json()["error"]
        assert "that may write" in answer.json()["next"]
    assert server.ask("GET", "/stats").json()["rows"] == 32
    assert server.ask("GET", "/feedback.csv").data == b"first,second,same\n"


def test_its_pages_offer_nothing_that_is_refused(server: Server) -> None:
    page = server.ask("GET", server.found("photos/3_2.png")["page"]).data.decode()
    assert 'id="row-' in page and 'class="verdict"' not in page
    assert "Nothing can be added" in server.ask("GET", "/about").data.decode()


def test_indexing_says_so_before_it_begins(folder: Path) -> None:
    for source in ("f.h5", "photos"):
        done = run_here("index", source, "--gallery", "g", cwd=folder)
        assert done.returncode == 1
        said = r"error: the gallery cannot be written\n  where: .+\n  next: .+\n"
        assert re.fullmatch(said, done.stderr), done.stderr

"""What `drdl search` says of filters without rows, and of files it cannot write."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from in_process import Done, run_here
from search_folder import make_search_folder, make_seen_gallery

pytest.importorskip("lancedb", reason="the extra search is not installed")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_search_folder(tmp_path_factory.mktemp("answers"))
    make_seen_gallery(folder)
    return folder


def search(here: Path, *words: object) -> Done:
    return run_here("search", "photos/3_2.png", "--gallery", "g", *words, cwd=here)


def refused(here: Path, *words: object) -> str:
    done = search(here, *words)
    assert done.returncode == 1, done
    assert re.fullmatch(r"error: .+\n  where: .+\n  next: .+\n", done.stderr), done
    assert done.stdout == ""
    return done.stderr


def test_filters_that_leave_no_row_are_told(here: Path) -> None:
    text = refused(here, "--camera", 9, "--json", "x.json")
    assert "error: no row is of camera 9 (there are 0, 1, 2, 3)" in text
    assert "correct the filters" in text and not (here / "x.json").exists()
    text = refused(here, "--since", "2030-01-01")
    assert "rows were taken from 2023-11-14 22:13:20 to " in text
    words = ("--camera", 1, "--since", 1.7e9, "--until", 1.7e9 + 1)
    assert "no row is of all these filters together" in refused(here, *words)


def test_a_filter_that_changes_nothing_is_told(here: Path) -> None:
    done = search(here, "--camera", 1, "--camera", 9, "--json", "-")
    assert done.returncode == 0
    hint = "no row is of camera 9 (there are 0, 1, 2, 3)"
    assert f"note: {hint}" in done.stderr
    found = json.loads(done.stdout)
    assert found["hint"] == hint and found["searched"] == 8
    assert json.loads(search(here, "--camera", 1, "--json", "-").stdout)["hint"] == ""


def test_times_that_are_exchanged_are_refused(here: Path) -> None:
    done = search(here, "--since", "2030-01-01", "--until", "2020-01-01")
    assert done.returncode == 2 and "since is later than until" in done.stderr


def test_outputs_are_looked_at_before_the_work(here: Path) -> None:
    """The weights, which take long, are not there: they are not what is told."""
    gone = ("--weights", "none")
    for words, message in (
        (("--strip", "no/s.png"), "no such folder"),
        (("--json", "no/x.json"), "no such folder"),
        (("--json", "photos"), "the output is a folder"),
        (("--json", "/proc/x.json"), "cannot write the output"),
        (("--strip", "/proc/s.png"), "cannot write the output"),
        (("--strip", "s.png", "--json", "x.json"), "not there any more"),
    ):
        assert message in refused(here, *words, *gone), words
    done = search(here, "--strip", "s.jpg", *gone)
    assert done.returncode == 2 and "does not end in .png" in done.stderr
    done = search(here, "--strip", "s.png", "--json", "s.png", *gone)
    assert done.returncode == 2 and "two outputs are one file" in done.stderr
    assert not [*here.glob("s.*"), *here.glob("x.json"), *here.glob(".*")]


def test_what_to_do_about_a_photograph(here: Path) -> None:
    """It stands in no list that it could be taken out of."""
    (here / "empty.jpg").touch()
    cv2.imwrite(str(here / "plain.png"), np.full((40, 40, 3), 9, np.uint8))
    for name in ("empty.jpg", "photos", "none.jpg"):
        done = run_here("search", name, "--gallery", "g", cwd=here)
        assert done.returncode == 1
        assert "list" not in done.stderr.split("next: ")[1], name


def test_an_empty_gallery_is_told(here: Path) -> None:
    from pydrdl.gallery.folder import make_gallery, open_gallery

    said = open_gallery(here / "g").description
    make_gallery(here / "bare", said.origin, said.width)
    done = run_here("search", "photos/3_2.png", "--gallery", "bare", cwd=here)
    assert done.returncode == 1
    assert "error: the gallery is empty" in done.stderr
    assert "next: add images with: drdl index" in done.stderr

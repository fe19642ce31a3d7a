"""Heat maps in the report."""

import json
import re
from base64 import b64decode
from pathlib import Path

import cv2
import numpy as np
import pytest
from in_process import Done, run_here
from search_folder import make_search_folder

from pydrdl.explain.picture import SIDE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features that fail often, of a net that was not trained."""
    folder = make_search_folder(tmp_path_factory.mktemp("maps"))
    done = run_here("eval_cmc", "f.h5", "--json", "cmc.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def report(folder: Path, output: str, *words: object) -> Done:
    return run_here("report", output, "--result", "cmc.json", "--features", "f=f.h5",
                    *words, cwd=folder)  # fmt: skip


def test_failures_are_explained(folder: Path) -> None:
    data = ("--data", "list.txt", "--root", "photos")
    done = report(folder, "r", *data, "--failures", 3, "--maps", 2)
    assert done.returncode == 0, done.stderr
    content = json.loads((folder / "r/report.json").read_text())
    sections = {one["key"]: one["blocks"] for one in content["sections"]}
    pictures = [one for one in sections["maps"] if one["type"] == "picture"]
    (_, _, failures, *_) = sections["strips"]
    assert failures["title"].endswith("worst failures")
    assert len(pictures) == 4
    page = (folder / "r/report.html").read_text()
    markdown = (folder / "r/report.md").read_text()
    for number, picture in enumerate(pictures):
        # The same pairs, as far apart, as the strips have.
        strip = failures["strips"][number // 2]
        other = strip["match"] if number % 2 else strip["found"][0]
        assert picture["data"]["images"] == [strip["probe"]["image"], other["image"]]
        assert picture["data"]["squared_distance"] == pytest.approx(
            other["distance"], rel=1e-4
        )
        name = f"figures/{picture['key']}.jpg"
        jpeg = (folder / "r" / name).read_bytes()
        shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert shown.shape[0] > 2 * SIDE
        assert f"]({name})" in markdown and picture["caption"] in page
        figure = rf'id="figure-{picture["key"]}">\s*<img src="data:image/jpeg;base64,'
        found = re.search(figure + r'([^"]+)"', page)
        assert found and b64decode(found[1]) == jpeg
    again = report(folder, "s", *data, "--failures", 3, "--command", "x", "--maps", 2)
    assert again.returncode == 0
    for picture in pictures:  # the same bytes
        name = f"figures/{picture['key']}.jpg"
        assert (folder / "s" / name).read_bytes() == (folder / "r" / name).read_bytes()
    plain = report(folder, "p", *data)
    assert plain.returncode == 0
    assert "maps" not in (folder / "p/report.json").read_text()


def test_what_maps_need_is_told(folder: Path) -> None:
    data = ("--data", "list.txt", "--root", "photos")
    done = report(folder, "x", "--maps", 1)
    assert done.returncode == 1 and "give --data too" in done.stderr
    weights = folder / "w"
    weights.rename(folder / "away")
    try:
        done = report(folder, "x", *data, "--maps", 1)
        assert done.returncode == 1
        assert "what made the features of f is not there any more" in done.stderr
        assert "put it there, or leave out --maps" in done.stderr
        weights.write_bytes(b"other")
        done = report(folder, "x", *data, "--maps", 1)
        assert done.returncode == 1 and "its SHA-256 is another" in done.stderr
    finally:
        (folder / "away").replace(weights)
    assert not (folder / "x").exists()

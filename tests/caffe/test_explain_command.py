"""`drdl explain` as a user runs it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from in_process import Done, run_here
from search_folder import make_search_folder

from pydrdl.explain.picture import SIDE

NET = ("--net", "deploy.prototxt", "--weights", "w")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_search_folder(tmp_path_factory.mktemp("explain"))


@pytest.fixture(scope="module")
def photos(folder: Path) -> tuple[str, str]:
    first, second, *_ = sorted(path.name for path in (folder / "photos").iterdir())
    return f"photos/{first}", f"photos/{second}"


def explain(folder: Path, *words: object) -> Done:
    return run_here("explain", *words, cwd=folder)


def test_maps_are_drawn_and_written(folder: Path, photos: tuple[str, str]) -> None:
    words = (*photos, *NET, "--output", "a.png", "--json", "a.json")
    done = explain(folder, *words)
    assert done.returncode == 0, done.stderr
    content = json.loads((folder / "a.json").read_text())
    assert content["schema"] == "drdl.explanation/1"
    assert f"squared distance {content['squared_distance']:.4g}" in done.stdout
    assert [one["path"] for one in content["photographs"]] == [*photos]
    for one in content["photographs"]:
        assert np.array(one["gradient"]).shape == (12, 12)
        assert one["activation"] is None
    assert len(content["net_sha256"]) == len(content["weights_sha256"]) == 64
    picture = cv2.imread(str(folder / "a.png"))
    assert picture is not None and picture.shape[0] > 2 * SIDE
    # The features of extract_features.py are as far apart.
    from pydrdl.features import read_features

    found = read_features(folder / "f.h5")
    rows = [found.names.index(Path(name).name) for name in photos]
    a, b = found.features[rows].astype(np.float64)
    assert content["squared_distance"] == pytest.approx(((a - b) ** 2).sum(), rel=1e-5)
    again = explain(folder, *words)
    assert again.returncode == 1 and "--overwrite" in again.stderr
    assert explain(folder, *words, "--overwrite").returncode == 0


def test_no_output_takes_the_place_of_another_file(
    folder: Path, photos: tuple[str, str]
) -> None:
    done = explain(folder, *photos, *NET, "--output", "b.png", "--json", "b.png")
    assert done.returncode == 2 and "two outputs are one file" in done.stderr
    before = (folder / "w").read_bytes()
    done = explain(folder, *photos, *NET, "--json", "w", "--overwrite")
    assert done.returncode == 1
    assert "it holds something else than drdl.explanation" in done.stderr
    assert (folder / "w").read_bytes() == before


def test_a_box_is_cut_out(folder: Path, photos: tuple[str, str]) -> None:
    pixels = cv2.imread(str(folder / photos[0]))
    cv2.imwrite(str(folder / "cut.png"), pixels[4:20, 6:22])
    cv2.imwrite(str(folder / "whole.png"), pixels)
    found = []
    for words in (
        ("whole.png", photos[1], "--first-box", "6,4,22,20"),
        ("cut.png", photos[1]),
        (photos[1], "whole.png", "--second-box", "6,4,22,20"),
    ):
        done = explain(folder, *words, *NET, "--json", "-")
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    assert (
        found[0]["photographs"][0]["gradient"]
        == (found[1]["photographs"][0]["gradient"])
    )
    distances = [one["squared_distance"] for one in found]
    assert distances[0] == distances[1] == pytest.approx(distances[2], rel=1e-6)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--json", "x.json"), 2, "'--net'"),
        (("--net", "deploy.prototxt", "--json", "x.json"), 2, "give one of the two"),
        ((*NET,), 2, "say what to make"),
        ((*NET, "--output", "x.jpg"), 2, "does not end in .png"),
        ((*NET, "--json", "no/x.json"), 1, "no such folder"),
        ((*NET, "--json", "x.json", "--first-box", "1,2,3"), 2, "is no box"),
        ((*NET, "--json", "x.json", "--first-box", "0,0,99,9"), 1, "not in the photo"),
        ((*NET, "--json", "x.json", "--blob", "conv5"), 1, "no blob 'conv5'"),
        (
            ("--net", "deploy.prototxt", "--weights", "cut", "--json", "x.json"),
            1,
            "where: cut",
        ),
    ],
)
def test_bad_input_is_told(
    words: tuple[str, ...],
    code: int,
    told: str,
    folder: Path,
    photos: tuple[str, str],
) -> None:
    (folder / "cut").write_bytes((folder / "w").read_bytes()[:-40])
    done = explain(folder, *photos, *words)
    assert done.returncode == code, done
    text = " ".join(done.stderr.replace("│", " ").split())
    assert told in text, done.stderr
    if code == 1:
        assert " where: " in text and " next: " in text
    assert not list(folder.glob("x.*"))


def test_photographs_that_cannot_be_read(folder: Path, photos: tuple[str, str]) -> None:
    (folder / "torn.jpg").write_bytes((folder / photos[0]).read_bytes()[:60])
    for name in ("torn.jpg", "none.jpg"):
        done = explain(folder, photos[0], name, *NET, "--json", "x.json")
        assert done.returncode == 1 and f"where: {name}" in done.stderr
    done = explain(folder, photos[0], photos[0], *NET, "--json", "x.json")
    assert done.returncode == 1 and "the same feature" in done.stderr

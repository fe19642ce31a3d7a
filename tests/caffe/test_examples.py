"""The examples, as a reader runs them."""

import json
import sys
from pathlib import Path

import cv2
import pytest
from commands import CAFFE, ROOT, run
from search_folder import make_search_folder, make_seen_gallery

sys.path.append(str(ROOT / "examples"))
import as_notebook

pytestmark = pytest.mark.caffe
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = make_search_folder(tmp_path_factory.mktemp("search"))
    make_seen_gallery(place)
    return place


def test_a_search_has_thirty_lines() -> None:
    text = (EXAMPLES / "search.py").read_text()
    _, _, code = text.partition("def search")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert code.count("\n") <= 32 and len(lines) < 50


def test_a_search_finds_what_is_nearest_but_not_itself(place: Path) -> None:
    photo = sorted((place / "photos").iterdir())[5]
    done = run(sys.executable, EXAMPLES / "search.py", photo.relative_to(place), "g",
               "found.jpg", cwd=place)  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    found = run(sys.executable, ROOT / "tools/search.py", photo, "--gallery", "g",
                "--count", 8, "--json", "-", cwd=place)  # fmt: skip
    rows = json.loads(found.stdout)["matches"]
    assert rows[0]["path"] == photo.name
    assert [line[0] for line in lines] == [row["path"] for row in rows[1:]]
    assert lines[0][1:3] == ["vehicle", str(rows[1]["vehicle_id"])]
    strip = cv2.imread(str(place / "found.jpg"))
    assert strip.shape[1] > 1000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing.jpg", "g"), "where: nothing.jpg"),
        (("deploy.prototxt", "g"), "next:"),
        (("photos/0_0.png", "nowhere"), "where: nowhere"),
        (("photos/0_0.png",), "python examples/search.py PHOTO GALLERY"),
        (("photos/0_0.png", "g", "found.txt"), "PHOTO GALLERY [PICTURE.jpg]"),
        (("photos/0_0.png", "g", "no/such/found.jpg"), "where: no/such"),
    ],
)
def test_a_search_says_what_is_wrong(
    place: Path, words: tuple[str, ...], said: str
) -> None:
    done = run(sys.executable, EXAMPLES / "search.py", *words, cwd=place)
    assert done.returncode == 1
    assert said in done.stderr and "Traceback" not in done.stderr


def test_the_notebook_is_the_script() -> None:
    script = (EXAMPLES / "rank_strips.py").read_text()
    made = json.loads((EXAMPLES / "rank_strips.ipynb").read_text())
    assert made == as_notebook.notebook(script), "run examples/as_notebook.py"
    kinds = {cell["cell_type"] for cell in made["cells"]}
    assert kinds == {"markdown", "code"} and len(made["cells"]) > 8
    code = ["".join(c["source"]) for c in made["cells"] if c["cell_type"] == "code"]
    compile("\n".join(code), "rank_strips.ipynb", "exec")


@pytest.mark.slow
def test_the_notebook_runs_from_data_to_strips(tmp_path: Path) -> None:
    """Its cells, one after the other in one process, as a kernel runs them."""
    cells = json.loads((EXAMPLES / "rank_strips.ipynb").read_text())["cells"]
    code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    program = tmp_path / "cells.py"
    program.write_text(
        f"import json\nfor cell in json.loads({json.dumps(code)!r}):\n"
        "    exec(compile(cell, 'cell', 'exec'), globals())\n"
    )
    done = run(
        sys.executable, program, cwd=tmp_path, PRESET="mini", WORK="work",
        MPLBACKEND="agg",
        OPENBLAS_NUM_THREADS="1", PATH=f"{CAFFE.parent}:/usr/bin:/bin",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    assert "untrained: rank 1" in done.stdout and "\ntrained: rank 1" in done.stdout
    strips = cv2.imread(str(tmp_path / "work/strips.png"))
    assert strips.shape[0] > 600 and strips.shape[1] > 1000 and strips.std() > 20

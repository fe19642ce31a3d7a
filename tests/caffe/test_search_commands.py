"""`drdl index` and `drdl search` as a user runs them, and what they refuse."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from commands import run_tool
from in_process import run_here
from search_folder import NET, VEHICLES, make_search_folder

pytest.importorskip("lancedb", reason="the extra search is not installed")

from pydrdl.features import read_features
from pydrdl.gallery.folder import FILE_NAME, open_gallery
from pydrdl.gallery.rows import Wanted


def succeed(name: str, *words: object, cwd: Path) -> str:
    done = run_here(name, *words, cwd=cwd)
    assert done.returncode == 0, done
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_search_folder(tmp_path_factory.mktemp("search"))


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Path:
    """A copy of it with a gallery of the features, g."""
    shutil.copytree(made, tmp_path / "made")
    here = tmp_path / "made"
    text = succeed("index", "f.h5", "--root", "photos", "--gallery", "g", cwd=here)
    assert "32 added, 0 were there; 32 in all" in text
    assert "probabilities: from 32 images of 8 vehicles" in text
    return here


def search(here: Path, *words: object) -> dict:
    """What a search that ends well writes as JSON."""
    done = run_here("search", *words, "--gallery", "g", "--json", "-", cwd=here)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(here: Path, tool: str, *words: object, code: int = 1) -> str:
    """The one message of a command that changes nothing."""
    before = {path: path.stat().st_mtime_ns for path in (here / "g").rglob("*")}
    done = run_here(tool, *words, "--gallery", "g", cwd=here)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if code == 1:
        assert re.fullmatch(
            r"(note: .*\n)*error: .+\n  where: .+\n  next: .+\n", done.stderr
        ), done.stderr
    after = {path: path.stat().st_mtime_ns for path in (here / "g").rglob("*")}
    assert {k: v for k, v in after.items() if k.name != "lock"} == {
        k: v for k, v in before.items() if k.name != "lock"
    }
    return done.stderr


def test_a_photograph_finds_itself_and_its_like(here: Path) -> None:
    content = read_features(here / "f.h5")
    found = search(here, "photos/3_2.png", "--count", 32)
    assert found["schema"] == "drdl.answer/1"
    matches = found["matches"]
    assert matches[0]["path"] == "3_2.png" and matches[0]["distance"] < 1e-6
    assert (matches[0]["vehicle_id"], matches[0]["model_id"]) == (3, 0)
    query = content.features[content.names.index("3_2.png")].astype(float)
    distances = ((content.features - query) ** 2).sum(axis=1)
    order = np.argsort(distances, kind="stable")
    assert [m["path"] for m in matches] == [content.names[k] for k in order]
    np.testing.assert_allclose(
        [m["distance"] for m in matches], distances[order], atol=1e-4
    )
    odds = [m["probability"] for m in matches]
    assert odds == sorted(odds, reverse=True) and 0 < odds[-1] < odds[0] < 1
    assert found["likely"] is (odds[0] > 0.5)
    assert (found["searched"], found["rows"]) == (32, 32)


def test_filters_rerank_and_box(here: Path) -> None:
    plain = search(here, "photos/3_2.png", "--model", 1)
    assert {m["model_id"] for m in plain["matches"]} == {1}
    assert (plain["searched"], plain["rows"]) == (12, 32)
    model = {"model_id": 1, "model": "1", "rows": 12, "of": 12}
    assert plain["model"] == model
    others = search(here, "photos/3_2.png", "--not-vehicle", 3, "--not-vehicle", 0)
    assert {m["vehicle_id"] for m in others["matches"]}.isdisjoint({0, 3})
    anew = search(here, "photos/3_2.png", "--rerank")
    assert anew["reranked"]
    scores = [m["score"] for m in anew["matches"]]
    assert scores == sorted(scores)
    pixels = cv2.imread(str(here / "photos/3_2.png"))
    wide = np.full((60, 80, 3), 9, np.uint8)
    wide[10:34, 20:44] = pixels
    cv2.imwrite(str(here / "wide.png"), wide)
    boxed = search(here, "wide.png", "--box", "20,10,44,34")
    assert boxed["matches"][0]["path"] == "3_2.png"
    assert boxed["matches"][0]["distance"] < 1e-6
    assert search(here, "wide.png")["matches"][0]["distance"] > 0.1


def test_table_and_strip(here: Path) -> None:
    text = succeed("search", "photos/3_2.png", "--gallery", "g", "--count", 3,
                   "--strip", "strip.png", cwd=here)  # fmt: skip
    assert "3_2.png" in text and "32 of 32 rows searched" in text
    strip = cv2.imread(str(here / "strip.png"))
    assert strip.shape == (8 + 160 + 3 * 17 + 8, 8 + 4 * 168, 3)
    found = cv2.imread(str(here / "photos/3_2.png"))
    shown = strip[8:168, 8 + 168 : 8 + 168 + 160]
    expected = cv2.resize(found, (160, 160), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(shown, expected)
    (here / "photos/3_2.png").rename(here / "q.png")  # rows without photographs
    succeed("search", "q.png", "--gallery", "g", "--strip", "s.png", cwd=here)
    strip = cv2.imread(str(here / "s.png"))
    assert (strip[8:168, 8 + 168 : 8 + 168 + 160] == 236).all()


def test_what_is_new_is_added(here: Path) -> None:
    text = succeed("index", "f.h5", "--root", "photos", "--gallery", "g", cwd=here)
    assert "0 added, 32 were there; 32 in all" in text
    # The same photographs by way of the net are the same rows.
    text = succeed("index", "list.txt", "--root", "photos", "--gallery", "g",
                   cwd=here)  # fmt: skip
    assert "0 added, 32 were there; 32 in all" in text


def test_the_net_fills_it_as_the_features_do(here: Path) -> None:
    words = ("--net", "deploy.prototxt", "--weights", "w", "--batch", 5)
    succeed("index", "list.txt", "--root", "photos", "--gallery", "h", *words,
            "--calibrate", "f.h5", cwd=here)  # fmt: skip
    one, two = open_gallery(here / "g"), open_gallery(here / "h")
    assert one.description == two.description
    content = read_features(here / "f.h5")
    for query in content.features[::7]:
        a = one.rows.search(query, 32)
        b = two.rows.search(query, 32)
        assert [hit.row for hit in a] == [hit.row for hit in b]
        np.testing.assert_allclose(
            [hit.distance for hit in a], [hit.distance for hit in b], atol=1e-5
        )


def test_a_folder_of_photographs_that_grows(here: Path) -> None:
    folder = here / "camera"
    (folder / "day").mkdir(parents=True)
    for k in range(3):
        pixels = cv2.imread(str(here / f"photos/{k}_0.png"))
        image = PIL.Image.fromarray(pixels[..., ::-1])
        exif = image.getexif()
        exif[306] = f"2026:11:29 12:00:0{k}"
        image.save(folder / f"day/{k}.png", exif=exif)
    text = succeed("index", "camera", "--gallery", "g", cwd=here)
    assert "3 added, 0 were there; 35 in all" in text
    gallery = open_gallery(here / "g")
    summary = gallery.rows.summary()
    assert summary.times is not None
    assert summary.times[1] - summary.times[0] == 2
    assert gallery.rows.count(Wanted(vehicles=(-1,))) == 3
    (folder / "day/0.png").rename(folder / "4.png")
    (folder / "5.jpg").write_bytes(b"no image")
    (folder / "6.jpg").write_bytes(b"")
    done = run_here("index", "camera", "--gallery", "g", cwd=here)
    assert done.returncode == 1
    assert "1 added, 2 were there, 2 cannot be read; 36 in all" in done.stdout
    assert "skipped: camera/5.jpg: corrupt image: its 8 bytes" in done.stderr
    assert "skipped: camera/6.jpg: corrupt image" in done.stderr


def test_labels_name_cameras_and_times(here: Path) -> None:
    rows = "".join(
        f"{v}_{k}.png,{k + 1},{60 * k}\n" for v in VEHICLES for k in range(4)
    )
    (here / "labels.csv").write_text("path,camera_id,time\n" + rows)
    succeed("index", "f.h5", "--root", "photos", "--gallery", "h", "--labels",
            "labels.csv", cwd=here)  # fmt: skip
    shutil.rmtree(here / "g")
    (here / "h").rename(here / "g")
    found = search(here, "photos/3_2.png", "--camera", 2, "--camera", 4,
                   "--since", "1970-01-01T00:01:30")  # fmt: skip
    assert {(m["camera_id"], m["time"]) for m in found["matches"]} == {(4, 180.0)}
    assert found["matches"][0]["taken"] == "1970-01-01 00:03:00"
    # ids that the features have stay, where the table is silent
    assert len({m["vehicle_id"] for m in found["matches"]}) == 8


BAD_SEARCHES: dict[str, tuple[Callable[[Path], object], tuple[object, ...], str]] = {
    "no photograph": (lambda _: None, ("none.jpg",), "cannot read an image: No such"),
    "a folder": (lambda _: None, ("photos",), "a folder"),
    "no image": (lambda _: None, ("list.txt",), "corrupt image: its [0-9]+ bytes"),
    "empty": (lambda h: (h / "e.jpg").touch(), ("e.jpg",), "corrupt image"),
    "huge": (
        lambda h: (h / "big.png").write_bytes(huge_png()), ("big.png",),
        r"100,000 x 100,000 pixels, which are more than",
    ),
    "a box outside": (
        lambda _: None, ("photos/3_2.png", "--box", "0,0,25,24"), "is not in the photo",
    ),
    "a box inside out": (
        lambda _: None, ("photos/3_2.png", "--box", "20,0,10,24"), "is not in the phot",
    ),
    "a box too small": (
        lambda _: None, ("photos/3_2.png", "--box", "0,0,7,24"), "too few to tell",
    ),
    "no vehicle": (
        lambda h: cv2.imwrite(str(h / "w.png"), np.full((40, 40, 3), 200, np.uint8)),
        ("w.png",), "no vehicle is to be seen",
    ),
    "weights gone": (lambda h: (h / "w").unlink(), ("photos/3_2.png",), "not there"),
    "other weights": (
        lambda h: (h / "w").write_bytes(b"x"), ("photos/3_2.png",),
        "SHA-256 is another",
    ),
    "another net": (
        lambda h: (h / "deploy.prototxt").write_text(NET + "\n"), ("photos/3_2.png",),
        "SHA-256 is another",
    ),
    "other preprocessing": (
        lambda h: (h / "preprocess.json").write_text(
            '{"resize": 12, "crop": 12, "mean": [104, 117, 123], "scale": 2}'
        ),
        ("photos/3_2.png",), "another preprocessing",
    ),
    "a damaged gallery": (
        lambda h: (h / "g" / FILE_NAME).write_text("{"), ("photos/3_2.png",),
        "cannot read the gallery",
    ),
    "rows gone": (
        lambda h: shutil.rmtree(h / "g/rows.lance"), ("photos/3_2.png",),
        "cannot open the gallery",
    ),
}  # fmt: skip


def huge_png() -> bytes:
    """The head of a PNG that claims 100,000 x 100,000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    body = (
        chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("name", BAD_SEARCHES)
def test_searches_that_are_refused(here: Path, name: str) -> None:
    spoil, words, message = BAD_SEARCHES[name]
    spoil(here)
    assert re.search(message, refused(here, "search", *words)), name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--box", "1,2,3"), "expected LEFT,TOP,RIGHT,BOTTOM"),
        (("--since", "noon"), "expected one such as 2026"),
        (("--count", "0"), "greater than or equal to 1"),
        (("--camera", "north"), "a valid integer"),
        (("--colour", "red"), "No such option"),
    ],
)
def test_wrong_use(here: Path, words: tuple[str, ...], message: str) -> None:
    text = refused(here, "search", "photos/3_2.png", *words, code=2)
    assert message in " ".join(text.split())


def test_indexing_that_is_refused(here: Path) -> None:
    def rewritten(**changes: str) -> None:
        from dataclasses import replace

        from pydrdl.features import write_features

        content = read_features(here / "f.h5")
        source = content.source.model_copy(update=changes)
        write_features(here / "x.h5", replace(content, source=source), overwrite=True)

    rewritten(weights_sha256="3" * 64)
    text = refused(here, "index", "x.h5")
    assert "do not belong into the gallery g: another weights: 33333" in text
    rewritten(layer="fc7")
    assert "another layer: fc7, not fc" in refused(here, "index", "x.h5")
    (here / "x.h5").write_bytes((here / "f.h5").read_bytes()[:-100])
    assert "cut off" in refused(here, "index", "x.h5")
    assert "no such file or folder" in refused(here, "index", "none.h5")
    (here / "empty").mkdir()
    assert "no photographs" in refused(here, "index", "empty")
    assert "no such file or folder" in refused(here, "index", "nowhere")
    photograph = str(next((here / "photos").iterdir()))
    assert "a photograph, and no list" in refused(here, "index", photograph)
    for words, option in (
        (("f.h5", "--split", "all"), "--split"),
        (("f.h5", "--net", "deploy.prototxt"), "--net"),
        (("photos", "--split", "all"), "--split"),
    ):
        done = run_here("index", *words, "--gallery", "new", cwd=here)
        assert done.returncode == 2 and f"'{option}'" in done.stderr
    (here / "labels.csv").write_text("path,colour\n")
    words = ("f.h5", "--labels", "labels.csv")
    assert "labels.csv:1" in refused(here, "index", *words)
    done = run_here("index", "photos", "--gallery", "new", cwd=here)
    assert done.returncode == 2 and "a gallery that is begun needs both" in done.stderr
    assert not (here / "new").exists()
    done = run_here("index", "f.h5", "--gallery", "photos", cwd=here)
    assert done.returncode == 1 and "not a gallery: it holds" in done.stderr


def test_without_the_extra_it_says_which(here: Path) -> None:
    """A module of that name that cannot be imported stands in for none."""
    (here / "none").mkdir()
    (here / "none/lancedb.py").write_text("raise ImportError(name='lancedb')\n")
    path = os.pathsep.join([str(here / "none"), str(Path(__file__).parents[2])])
    for tool, *words in (("index.py", "f.h5"), ("search.py", "photos/3_2.png")):
        done = run_tool(tool, *words, "--gallery", "g", cwd=here, PYTHONPATH=path)
        assert done.returncode == 1
        assert "packages that are not installed (lancedb)" in done.stderr
        assert "where: the extra `search`" in done.stderr
        assert "pip install" in done.stderr

"""Trained nets with their cards: written, listed and verified as a user does it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from commands import ROOT, Done, run_tool
from search_folder import make_search_folder

pytestmark = pytest.mark.caffe
WORDS = ("--data", "drawn vehicles", "--command", "drdl train --solver s.prototxt",
         "--name", 'Small: a "net"')  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a net, weights as a training leaves them, results, and a model."""
    place = make_search_folder(tmp_path_factory.mktemp("models"))
    runs = place / "run"
    runs.mkdir()
    (runs / "a_iter_9.caffemodel").write_bytes(b"of before")
    shutil.copy(place / "w", runs / "a_iter_10.caffemodel")
    done = run_tool("eval_cmc.py", "f.h5", "--json", "cmc.json", cwd=place)
    assert done.returncode == 0, done.stderr
    done = card(place, "run")
    assert done.returncode == 0, done.stderr
    return place


def card(
    place: Path, training: str, output: str = "models/small", **other: str
) -> Done:
    options = {"net": "deploy.prototxt", "result": "cmc.json"} | other
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return run_tool("models.py", "model-card", training, "--output", output, *WORDS,
                    *words, cwd=place)  # fmt: skip


def models(place: Path, *words: str) -> Done:
    return run_tool("models.py", "models", *words, cwd=place, COLUMNS="200")


def test_a_card_is_as_caffes_zoo_has_them(place: Path) -> None:
    """Its head by PyYAML, its hashes by hashlib, its numbers by the results."""
    folder = place / "models/small"
    assert {path.name for path in folder.iterdir()} == {
        "readme.md", "a_iter_10.caffemodel", "deploy.prototxt", "preprocess.json",
    }  # fmt: skip
    head, text = (folder / "readme.md").read_text().split("---\n", 2)[1:]
    said = yaml.safe_load(head)
    weights = (place / "w").read_bytes()
    assert said["name"] == 'Small: a "net"'
    assert said["caffemodel"] == "a_iter_10.caffemodel"
    assert said["sha1"] == hashlib.sha1(weights).hexdigest()
    assert said["caffemodel_sha256"] == hashlib.sha256(weights).hexdigest()
    net = (place / "deploy.prototxt").read_bytes()
    assert said["deploy_sha256"] == hashlib.sha256(net).hexdigest()
    assert {"caffemodel_url", "license", "caffe_commit"} <= said.keys()
    (row,) = json.loads((place / "cmc.json").read_text())["results"]
    mean, std = row["cmc"]["mean"][0], row["cmc"]["std"][0]
    shown = f"{mean:.3f} ± {std:.3f}".replace("0.", ".")
    assert shown in said["measure"] and shown in text
    assert "drawn vehicles" in text and "drdl train --solver s.prototxt" in text


def test_models_are_listed_and_opened(place: Path) -> None:
    for words in ((), ("models", "--open")):
        done = models(place, *words)
        assert done.returncode == 0, done.stderr
        assert 'Small: a "net"' in done.stdout and "whole" in done.stdout


def test_the_same_command_again_changes_nothing(place: Path) -> None:
    before = (place / "models/small/readme.md").read_bytes()
    assert card(place, "run").returncode == 0
    assert (place / "models/small/readme.md").read_bytes() == before


@pytest.mark.parametrize(
    ("training", "options", "said"),
    [
        ("run/a_iter_9.caffemodel", {}, "of other weights"),
        ("photos", {}, "no caffemodel of a training"),
        ("nothing", {}, "cannot read the caffemodel"),
        ("run", {"net": "other/deploy.prototxt"}, "of another net"),
        ("run", {"net": "alone/deploy.prototxt"}, "no preprocess.json"),
        ("run", {"result": "f.h5"}, "cannot read the results"),
    ],
)
def test_what_is_not_of_the_net_is_refused(
    place: Path, training: str, options: dict[str, str], said: str
) -> None:
    for name in ("other", "alone"):
        (place / name).mkdir(exist_ok=True)
    net = (place / "deploy.prototxt").read_text()
    (place / "other/deploy.prototxt").write_text(net + "\n# another\n")
    shutil.copy(place / "preprocess.json", place / "other")
    (place / "alone/deploy.prototxt").write_text(net)
    done = card(place, training, "models/refused", **options)
    assert done.returncode == 1
    assert said in done.stderr and "where:" in done.stderr and "next:" in done.stderr
    assert not (place / "models/refused").exists()


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("license", "", "it is empty"),
        ("data", " ", "it is empty"),
        ("command", "", "it is empty"),
        ("url", "a\nb", "expected one line"),
        ("name", "a\x1b[31mb", "expected plain text"),
        ("name", "e\udcff", "expected plain text"),
        ("command", "a\nb\u202e", "expected plain text"),
    ],
)
def test_a_text_that_no_card_takes_is_wrong_use(
    place: Path, option: str, text: str, said: str
) -> None:
    done = card(place, "run", "models/refused", **{option: text})
    assert done.returncode == 2
    assert f"'--{option}'" in done.stderr and said in done.stderr
    assert not (place / "models/refused").exists()


def changed(old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / "readme.md"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def grown(name: str) -> Callable[[Path], object]:
    def grow(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes() + b"\n")

    return grow


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (grown("a_iter_10.caffemodel"), "has SHA-1"),
        (grown("a_iter_10.caffemodel"), "a_iter_10.caffemodel has SHA-256"),
        (grown("deploy.prototxt"), "deploy.prototxt has SHA-256"),
        (lambda folder: (folder / "preprocess.json").unlink(), "is not there"),
        (lambda folder: (folder / "a_iter_10.caffemodel").unlink(), "is not there"),
        (lambda folder: (folder / "readme.md").unlink(), "no model is here"),
        (lambda folder: (folder / "readme.md").write_bytes(b""), "does not begin"),
        (
            lambda folder: (folder / "readme.md").write_bytes(b"---\n\xff\n---\n"),
            "UTF-8",
        ),
        (changed("license: BSD-2-Clause\n", ""), "does not say license"),
        (changed("sha1: ", "sha1: x"), "no 40 hexadecimal digits"),
        (changed("license:", "name: a\nlicense:"), "is said before"),
        (changed("license:", "a line\nlicense:"), "is no 'key: value'"),
        (changed("deploy: ", "deploy: ../"), "no name of a file beside the card"),
    ],
)
def test_a_model_that_is_not_as_its_card_says_is_seen(
    place: Path, tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    shutil.copytree(place / "models", tmp_path / "models")
    spoil(tmp_path / "models/small")
    done = models(tmp_path)
    assert done.returncode == 1
    assert said in done.stderr and "where:" in done.stderr and "next:" in done.stderr


def test_one_wrong_card_hides_no_other(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "models/small", tmp_path / "models/a")
    shutil.copytree(place / "models/small", tmp_path / "models/b")
    changed("license: BSD-2-Clause\n", "")(tmp_path / "models/a")
    done = models(tmp_path)
    assert done.returncode == 1 and "models/a/readme.md: " in done.stderr
    assert "cards say: 1 fault\n" in done.stderr
    assert done.stdout.count("wrong") == done.stdout.count("whole") == 1


def test_a_command_with_a_fence_stays_in_one(place: Path) -> None:
    assert card(place, "run", "models/fenced", command="a ``` b").returncode == 0
    text = (place / "models/fenced/readme.md").read_text()
    shutil.rmtree(place / "models/fenced")
    assert "\n````text\na ``` b\n````\n" in text


@pytest.mark.parametrize(
    ("folder", "said"),
    [("models/small", "name the folder above"), ("nothing", "no such folder"),
     ("w", "a file, and no folder")],
)  # fmt: skip
def test_what_is_no_folder_of_models_is_told(
    place: Path, folder: str, said: str
) -> None:
    done = models(place, folder)
    assert done.returncode == 1 and said in done.stderr


def test_weights_may_lie_elsewhere(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "models", tmp_path / "models")
    folder = tmp_path / "models/small"
    (folder / "a_iter_10.caffemodel").unlink()
    url = "https://example.org/a.caffemodel"
    changed("caffemodel_url:", f"caffemodel_url: {url}")(folder)
    done = models(tmp_path, "--open")
    assert done.returncode == 0 and url in done.stdout


def test_a_net_that_its_weights_do_not_fit_is_not_opened(
    place: Path, tmp_path: Path
) -> None:
    shutil.copytree(place / "models", tmp_path / "models")
    folder = tmp_path / "models/small"
    net = folder / "deploy.prototxt"
    net.write_text(net.read_text().replace("num_output: 24", "num_output: 25"))
    new = hashlib.sha256(net.read_bytes()).hexdigest()
    old = hashlib.sha256((place / "deploy.prototxt").read_bytes()).hexdigest()
    changed(old, new)(folder)
    assert models(tmp_path).returncode == 0
    done = models(tmp_path, "--open")
    assert done.returncode == 1 and "next:" in done.stderr


def test_the_models_of_the_project_are_what_their_cards_say() -> None:
    if (ROOT / "models").exists():
        assert models(ROOT, "--open").returncode == 0

"""tools/eval_verification.py as a user runs it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Done, run_tool

from pydrdl import paper
from pydrdl.features import FeatureSet, Source, write_features


def run(*options: object) -> Done:
    return run_tool("eval_verification.py", *options)


def make(first: int, vehicles: int = 20, images: int = 5) -> FeatureSet:
    """Vehicles from a number on, four of each model."""
    rng = np.random.default_rng(first)
    ids = np.repeat(np.arange(first, first + vehicles), images)
    centres = rng.standard_normal((vehicles, 8))[ids - first]
    models = rng.standard_normal((vehicles, 8))[(ids - first) // 4]
    features = centres + 2 * models + 0.5 * rng.standard_normal((ids.size, 8))
    return FeatureSet(
        features.astype(np.float32),
        tuple(f"image/{first}/{i:05d}.jpg" for i in range(ids.size)),
        ids,
        ids // 4,
        np.full(ids.size, -1),
        Source(weights="a.caffemodel", layer="fc8"),
    )


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Features of test and of training images."""
    test, train = tmp_path / "test.h5", tmp_path / "train.h5"
    write_features(test, make(0))
    write_features(train, make(100))
    return test, train


def test_drawn_pairs_are_saved_and_scored(files, tmp_path: Path) -> None:
    test, train = files
    listed, output = tmp_path / "pairs.txt", tmp_path / "o.json"
    options = (test, "--train", train, "--draw", 150, "--seed", 3)
    done = run(*options, "--save-pairs", listed, "--json", output)
    assert (done.returncode, done.stderr) == (0, "")
    (result,) = json.loads(output.read_text())["results"]
    (scored,) = result["pairs"]
    assert (scored["same"], scored["different"]) == (150, 150)
    content = make(0)
    row = {name: i for i, name in enumerate(content.names)}
    lines = [line.split("\t") for line in listed.read_text().splitlines()]
    a, b = ([row[line[k]] for line in lines] for k in (0, 1))
    same = np.array([line[2] == "1" for line in lines])
    np.testing.assert_array_equal(
        content.vehicle_ids[a] == content.vehicle_ids[b], same
    )
    f = content.features.astype(float)
    called = ((f[a] - f[b]) ** 2).sum(axis=1) <= scored["training"]["threshold"]
    assert scored["accuracy"] == (called == same).mean()
    assert 0.6 < scored["accuracy"] <= scored["test_optimal"]["accuracy"] < 1
    cells = next(
        line for line in done.stdout.splitlines() if "drawn pairs  " in line
    ).split()
    folds = f"{scored['folds']['mean']:.3f}±{scored['folds']['std']:.3f}"
    assert cells[2:] == [
        "300",
        f"{scored['accuracy']:.3f}"[1:],
        folds.replace("0.", "."),
        f"{scored['test_optimal']['accuracy']:.3f}"[1:],
        f"{scored['auc']:.3f}"[1:],
        f"{scored['eer']:.3f}"[1:],
    ]
    for text in (
        scored["sha256"][:16],
        result["features"]["sha256"][:16],
        scored["training"]["pairs_sha256"][:16],
        "150 + 150 random pairs by vehicle, seed 3",
        "optimal chooses the threshold on the judged pairs: an upper bound",
    ):
        assert text in done.stdout
    for level in range(3):
        assert f"{paper.TABLE_3[paper.GOOGLENET_JB][level]:.3f}"[1:] in done.stdout
    # The list, read again, is the same list.
    again = run(test, "--pairs", listed, "--json", output)
    assert again.returncode == 0
    (reread,) = json.loads(output.read_text())["results"][0]["pairs"]
    assert reread["sha256"] == scored["sha256"]
    assert reread["auc"] == scored["auc"]
    assert reread["accuracy"] is None
    assert "No accuracy without a threshold from training pairs" in again.stdout
    assert run(*options, "--save-pairs", listed).returncode == 1


def test_several_lists_and_nets(files, tmp_path: Path) -> None:
    test, _ = files
    lists = []
    for level in ("easy", "hard"):
        lists.append(tmp_path / f"{level}.txt")
        drawn = run(
            test, "--draw", 60, "--save-pairs", lists[-1],
            *(["--same-model"] if level == "hard" else []),
        )  # fmt: skip
        assert drawn.returncode == 0
    # CompCars' lists leave out the folder of all images.
    lists[0].write_text(lists[0].read_text().replace("image/", ""))
    noisy = make(0)
    noisy.features[:] += 3 * np.random.default_rng(1).standard_normal((100, 8))
    write_features(tmp_path / "noisy.h5", noisy)
    output = tmp_path / "o.json"
    both = ("--pairs", lists[0], "--pairs", lists[1])
    done = run(test, tmp_path / "noisy.h5", *both, "--json", output)
    assert (done.returncode, done.stderr) == (0, "")
    good, bad = json.loads(output.read_text())["results"]
    easy, hard = good["pairs"]
    assert easy["auc"] > hard["auc"] > 0.5
    assert easy["auc"] > bad["pairs"][0]["auc"]
    assert [line.strip()[:4] for line in done.stdout.splitlines()[2:8]] == [
        "test", "easy", "hard", "nois", "easy", "hard",
    ]  # fmt: skip


def judged(path: Path, output: Path, *options: object) -> tuple[dict[str, Any], str]:
    """The drawn pairs' result, and what was printed, on one line."""
    done = run(path, *options, "--json", output)
    assert (done.returncode, done.stderr) == (0, "")
    ((scored,),) = (r["pairs"] for r in json.loads(output.read_text())["results"])
    return scored, " ".join(done.stdout.split())


def test_as_many_pairs_as_there_are(files, tmp_path: Path) -> None:
    """A newcomer's photographs are few, and have no models."""
    own = tmp_path / "own.h5"
    content = make(0, vehicles=8, images=3)
    write_features(own, replace(content, model_ids=np.full(24, -1)))
    scored, text = judged(own, tmp_path / "o.json")
    assert (scored["same"], scored["different"]) == (24, 24)
    assert (
        "24 + 24 random pairs by vehicle, as many as there are (10,000 were asked "
        "for), seed 0"
    ) in text
    enough, text = judged(own, tmp_path / "o.json", "--draw", 20)
    assert (enough["same"], enough["different"]) == (20, 20)
    assert "as many as there are" not in text
    # The training's pairs may be fewer still.
    few = tmp_path / "few.h5"
    write_features(few, make(100, vehicles=6, images=3))
    scored, text = judged(own, tmp_path / "o.json", "--train", few)
    assert scored["training"]["rule"].startswith("18 + 18 random pairs by vehicle, as")
    assert scored["accuracy"] is not None


def test_images_without_a_model_label_are_left_out_and_counted(tmp_path: Path) -> None:
    content = make(0)
    models = content.model_ids.copy()
    models[:7] = -1
    write_features(tmp_path / "a.h5", replace(content, model_ids=models))
    listed = tmp_path / "pairs.txt"
    for options, said in (
        (("--by", "model"), "7 images without a model label in no pair"),
        (("--same-model",), "7 images without a model label in no different pair"),
        ((), None),
    ):
        listed.unlink(missing_ok=True)
        chosen = ("--draw", 100, "--save-pairs", listed, *options)
        scored, text = judged(tmp_path / "a.h5", tmp_path / "o.json", *chosen)
        assert (scored["same"], scored["different"]) == (100, 100)
        assert (said or "seed 0") in text
        assert said or "without a model label" not in text
        lines = [line.split("\t") for line in listed.read_text().splitlines()]
        kinds = {"0": set(), "1": set()}
        for first, second, same in lines:
            kinds[same] |= {first, second}
        hidden = set(content.names[:7])
        assert bool(kinds["0"] & hidden) is (options == ())
        assert bool(kinds["1"] & hidden) is (options != ("--by", "model"))


def test_refusals(files, tmp_path: Path) -> None:
    test, _ = files
    shared = run(test, "--train", test, "--draw", 20)
    assert shared.returncode == 1
    assert "100 images are in both files" in shared.stderr
    other = tmp_path / "other.h5"
    write_features(other, replace(make(100), source=Source(layer="fc7")))
    mixed = run(test, "--train", other, "--draw", 20)
    assert mixed.returncode == 1
    assert "features of another net" in mixed.stderr
    names = make(0).names
    listed = tmp_path / "pairs.txt"
    # 0 for the same, as some lists have it.
    listed.write_text(f"{names[0]} {names[1]} 0\n{names[0]} {names[60]} 1\n")
    swapped = run(test, "--pairs", listed)
    assert swapped.returncode == 1
    assert "different; they show vehicles 0 and 0 (2 of 2 pairs" in swapped.stderr
    listed.write_text(f"{names[0]} {names[1]} 1\n{names[0]} {names[60]} 0\n")
    few = run(test, "--pairs", listed)
    assert few.returncode == 1
    assert "1 same and 1 different pairs; 10 folds need 10 of each" in few.stderr
    tiny = tmp_path / "tiny.h5"
    write_features(tiny, make(0, vehicles=2, images=3))
    none = run(tiny)
    assert none.returncode == 1
    assert "6 same and 9 different pairs to draw; 10 folds need 10" in none.stderr
    unlabelled = replace(make(0), model_ids=np.full(100, -1))
    write_features(tmp_path / "bare.h5", unlabelled)
    for option in (("--by", "model"), ("--same-model",)):
        bare = run(tmp_path / "bare.h5", *option)
        assert bare.returncode == 1
        assert "100 of 100 images have no model label" in bare.stderr
    for wrong in (
        ("--pairs", listed, "--save-pairs", tmp_path / "new.txt"),
        ("--same-model", "--by", "model"),
        ("--train-pairs", listed),
        ("--draw", 3),
    ):
        assert run(test, *wrong).returncode == 2

"""tools/eval_map.py as a user runs it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import Done, run_tool
from drawn_features import make, two_nets

from pydrdl import paper
from pydrdl.features import Source, write_features


def eval_map(*options: object) -> Done:
    return run_tool("eval_map.py", *options)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Features of one set by two nets."""
    return two_nets(tmp_path, 8)


def test_prints_map_beside_the_paper_and_writes_json(files, tmp_path: Path) -> None:
    output, split = tmp_path / "map.json", tmp_path / "split.json"
    done = eval_map(*files, "--json", output, "--seed", 2, "--split-file", split)
    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads(output.read_text())
    assert content["schema"] == "drdl.map/1"
    good, bad = content["results"]
    assert good["split"] == bad["split"]
    assert good["split"]["sha256"] == json.loads(split.read_text())["sha256"]
    assert (good["vehicles"], good["gallery"], good["probes"]) == (40, 240, 80)
    step = good["map"]
    assert len(step["per_repeat"]) == good["repeats"] == 10
    assert step["mean"] == pytest.approx(np.mean(step["per_repeat"]))
    assert step["std"] == pytest.approx(np.std(step["per_repeat"], ddof=1))
    assert step["mean"] > bad["map"]["mean"] + 0.1
    row = next(line for line in done.stdout.splitlines() if line.startswith("good"))
    cell = f"{step['mean']:.3f}±{step['std']:.3f}".replace("0.", ".")
    assert row.split()[1:5] == ["40", "240", "80", cell]
    for text in (
        good["split"]["sha256"][:16],
        good["features"]["sha256"][:16],
        "random images of each vehicle by rule min6, seed 2, 10 repeats",
        "ties: none",
        "The paper has no split of 40 vehicles; its Small column (800)",
    ):
        assert text in done.stdout
    for method, scores in paper.TABLE_4.items():
        line = next(x for x in done.stdout.splitlines() if x.startswith(method))
        assert line.removeprefix(method).split() == [
            "800",
            f"{scores['Small']:.3f}"[1:],
        ]
    again = eval_map(*files, "--split-file", split, "--seed", 9)
    assert again.stdout == done.stdout
    other = eval_map(files[0], "--split-file", split, "--rule", "n-1")
    assert other.returncode == 1
    assert "the split is 'random images of each vehicle by rule min6'" in other.stderr


def test_paper_column_follows_the_vehicles(tmp_path: Path) -> None:
    write_features(tmp_path / "a.h5", make(1600, images=2))
    done = eval_map(tmp_path / "a.h5", "--repeats", 1)
    assert done.returncode == 0
    assert "paper, Table 4, Medium" in done.stdout
    assert "12,995 images (Table 2), the list released after it 13,377" in done.stdout
    assert "±" not in done.stdout


def test_rule_and_relevance(files, tmp_path: Path) -> None:
    literal = eval_map(files[0], "--rule", "literal", "--repeats", 2)
    row = literal.stdout.splitlines()[2].split()
    assert row[1:4] == ["40", "280", "40"]
    output = tmp_path / "o.json"
    options = ("--repeats", 2, "--json", output)
    model = eval_map(files[0], "--relevance", "model", *options)
    head, _, row, *_ = model.stdout.splitlines()
    assert head.split()[:2] == ["method", "models"]
    assert row.split()[1:4] == ["20", "120", "200"]
    assert "A match is an image of the same vehicle model." in model.stdout
    (result,) = json.loads(output.read_text())["results"]
    assert (result["relevance"], result["vehicles"]) == ("model", 20)
    vehicle = eval_map(files[0], *options)
    assert "vehicle model" not in vehicle.stdout
    (result,) = json.loads(output.read_text())["results"]
    assert (result["relevance"], result["vehicles"]) == ("vehicle", 40)
    assert eval_map(files[0], "--rule", "max6").returncode == 2


def test_models_are_not_as_many_vehicles_of_the_paper(tmp_path: Path) -> None:
    """800 models do not make the Small split."""
    output, options = tmp_path / "o.json", ("--relevance", "model", "--repeats", 1)
    write_features(tmp_path / "a.h5", make(1600, images=2))
    done = eval_map(tmp_path / "a.h5", *options, "--json", output)
    assert done.returncode == 0
    assert json.loads(output.read_text())["results"][0]["paper"] is None
    row = next(x for x in done.stdout.splitlines() if x.startswith(paper.MIXED_CCL))
    assert row.removeprefix(paper.MIXED_CCL).split() == [".546"]
    assert "7,332 images" not in done.stdout


def test_without_model_labels(files, tmp_path: Path) -> None:
    content = make(5, 8)
    content.model_ids[3:] = -1
    write_features(tmp_path / "a.h5", content)
    done = eval_map(tmp_path / "a.h5", "--relevance", "model")
    assert done.returncode == 1
    assert "37 of 40 images have no model label, such as 'image/00003" in done.stderr


def test_cross_camera(tmp_path: Path) -> None:
    content = make(30, 8)
    chosen = np.arange(0, 240, 8)
    query = replace(
        content,
        features=content.features[chosen],
        names=tuple(content.names[i].replace("image", "query") for i in chosen),
        vehicle_ids=content.vehicle_ids[chosen],
        model_ids=content.model_ids[chosen],
        camera_ids=content.camera_ids[chosen],
    )
    paths = tmp_path / "query.h5", tmp_path / "test.h5"
    write_features(paths[0], query)
    write_features(paths[1], content)
    options = (paths[0], "--protocol", "cross-camera", "--gallery", paths[1])
    output = tmp_path / "o.json"
    done = eval_map(*options, "--json", output)
    assert (done.returncode, done.stderr) == (0, "")
    (result,) = json.loads(output.read_text())["results"]
    assert (result["queries"], result["gallery"], result["junk_pairs"]) == (30, 240, 60)
    row = done.stdout.splitlines()[2].split()
    assert row[:3] == ["query", "30", "240"]
    assert row[3] == f"{result['map']:.3f}"[1:]
    assert row[5] == f"{result['cmc'][0]:.3f}"[1:]
    assert "60 pairs of the same vehicle and camera left out" in done.stdout
    tracks = tmp_path / "test_track.txt"
    names = [name.split("/")[1] for name in content.names]
    lines = [
        f"{names[v * 8 + c]} {names[v * 8 + c + 4]}"
        for v in range(30)
        for c in range(4)
    ]
    tracks.write_text("\n".join(lines))
    done = eval_map(*options, "--tracks", tracks)
    assert done.returncode == 0
    assert "image to track" in done.stdout
    assert done.stdout.splitlines()[2].split()[:3] == ["query", "30", "120"]
    other = tmp_path / "other.h5"
    write_features(other, replace(content, source=Source(weights="b", layer="fc8")))
    mixed = eval_map(*options[:-1], other)
    assert mixed.returncode == 1
    assert "features of another net: weights is 'b' here" in mixed.stderr
    assert eval_map(*options[:3]).returncode == 2
    assert eval_map(paths[0], "--gallery", paths[1]).returncode == 2

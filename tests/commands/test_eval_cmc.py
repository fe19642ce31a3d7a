"""tools/eval_cmc.py as a user runs it, and the paper's numbers."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import Done, run_tool
from drawn_features import make, two_nets

from pydrdl import paper
from pydrdl.features import write_features


def eval_cmc(*options: object) -> Done:
    return run_tool("eval_cmc.py", *options)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Features of one set by two nets."""
    return two_nets(tmp_path, 3)


def test_prints_rates_beside_the_paper_and_writes_json(files, tmp_path: Path) -> None:
    output = tmp_path / "cmc.json"
    done = eval_cmc(*files, "--json", output, "--seed", 2)
    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads(output.read_text())
    assert content["schema"] == "drdl.cmc/1"
    good, bad = content["results"]
    assert good["split"] == bad["split"]
    assert good["split"]["seed"] == 2
    assert good["features"]["sha256"] != bad["features"]["sha256"]
    assert (good["gallery"], good["probes"], good["repeats"]) == (40, 80, 10)
    curves = np.array(good["cmc"]["per_repeat"])
    assert curves.shape == (10, 50)
    np.testing.assert_allclose(good["cmc"]["mean"], curves.mean(axis=0))
    np.testing.assert_allclose(good["cmc"]["std"], curves.std(axis=0, ddof=1))
    assert good["cmc"]["mean"][0] > bad["cmc"]["mean"][0] + 0.1
    assert good["ties"]["optimistic"] is None
    row = next(line for line in done.stdout.splitlines() if line.startswith("good"))
    rank1 = f"{good['cmc']['mean'][0]:.3f}±{good['cmc']['std'][0]:.3f}"
    assert row.split()[1:4] == ["40", "80", rank1.replace("0.", ".")]
    assert row.split()[6].startswith(f"{good['cmc']['mean'][19]:.3f}".lstrip("0"))
    for text in (
        good["split"]["sha256"][:16],
        good["features"]["sha256"][:16],
        "seed 2, 10 repeats; ± is the standard deviation",
        "ties: none",
        "weights a.caffemodel, layer fc8",
        "The paper has no split with a gallery of 40; its Small column",
    ):
        assert text in done.stdout
    for method, rates in paper.TABLE_6.items():
        line = next(x for x in done.stdout.splitlines() if x.startswith(method))
        top = rates["Small"]
        assert line.removeprefix(method).split() == [
            "800",
            "6,532",
            f"{top.top1:.3f}"[1:],
            f"{top.top5:.3f}"[1:],
        ]


def test_paper_column_follows_the_gallery_size(tmp_path: Path) -> None:
    write_features(tmp_path / "a.h5", make(1600, images=2))
    output = tmp_path / "a.json"
    done = eval_cmc(tmp_path / "a.h5", "--repeats", 1, "--json", output)
    assert done.returncode == 0
    assert "paper, Table 6, Medium" in done.stdout
    assert "Small" not in done.stdout
    assert (
        "has 11,395 probes (Table 5), the list released after it 11,777; 1,600 are"
        " of another set" in done.stdout
    )
    result = json.loads(output.read_text())["results"][0]
    assert result["paper"]["split"] == "Medium"
    assert result["paper"]["table_6"][paper.MIXED_CCL] == {"top1": 0.428, "top5": 0.668}
    assert result["cmc"]["std"] is None
    assert "±" not in done.stdout


def test_collapsed_features_score_chance(files, tmp_path: Path) -> None:
    content = make(40, 3)
    path = tmp_path / "collapsed.h5"
    write_features(path, replace(content, features=np.ones_like(content.features)))
    done = eval_cmc(path, "--name", "a [bold] name")
    assert done.returncode == 0
    assert any(line.startswith("a [bold] name  ") for line in done.stdout.splitlines())
    assert ".025±.000" in done.stdout
    assert "100.00% of the probes have other vehicles exactly as far" in done.stdout
    assert "rank-1 optimistic 1.000, pessimistic .000" in done.stdout


def test_gallery_camera(files) -> None:
    done = eval_cmc(files[0], "--gallery-camera", 2)
    assert done.returncode == 0
    assert "gallery = the images of camera 2, 1 repeat" in done.stdout
    missing = eval_cmc(files[0], "--gallery-camera", 9)
    assert missing.returncode == 1
    assert missing.stderr == (
        "error: no image is of camera 9; the cameras are 1, 2, 3\n"
        "  where: --gallery-camera 9\n"
        "  next: name one of several cameras, or leave the option out\n"
    )


def test_split_file_is_written_then_used(files, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    first = eval_cmc(files[0], "--split-file", split, "--seed", 7)
    second = eval_cmc(files[0], "--split-file", split, "--seed", 8)
    assert first.returncode == 0
    assert "seed 7" in second.stdout
    assert second.stdout == first.stdout
    write_features(tmp_path / "other.h5", make(30, 3))
    other = eval_cmc(tmp_path / "other.h5", "--split-file", split)
    assert other.returncode == 1
    assert "30 of the split's 120 images are missing" in other.stderr
    camera = eval_cmc(files[0], "--split-file", split, "--gallery-camera", 1)
    assert camera.returncode == 1
    assert "not of camera 1" in camera.stderr


def test_refusals(files, tmp_path: Path) -> None:
    content = make(5, 3)
    content.features[4] = np.nan
    write_features(tmp_path / "nan.h5", content)
    done = eval_cmc(tmp_path / "nan.h5", "--json", tmp_path / "o.json")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: 1 of 15 features hold NaN or infinity; the first is of image "
        f"'image/00004.jpg'\n  where: {tmp_path / 'nan.h5'}\n  next: check the weights"
    )
    assert not (tmp_path / "o.json").exists()
    assert eval_cmc(tmp_path / "none.h5").returncode == 1
    assert "2 names for 1 files" in eval_cmc(files[0], "--name", 1, "--name", 2).stderr
    for wrong in ((), (files[0], "--repeats", 0), (files[0], "--no-such-option")):
        assert eval_cmc(*wrong).returncode == 2


def test_paper_tables_are_consistent() -> None:
    """Table 1 sums but for the misprint; Table 5 is Table 2 less the gallery."""
    testing, training = paper.TABLE_1["testing"], paper.TABLE_1["training"]
    assert testing.labelled + testing.unlabelled == testing.images
    assert training.labelled + training.unlabelled != training.images
    assert training.images + testing.images == paper.IMAGES
    assert training.labelled + testing.labelled == paper.LABELLED_IMAGES
    assert training.vehicles + testing.vehicles == paper.VEHICLES
    for split in (*paper.TEST_SPLITS, *paper.RELEASED_SPLITS):
        assert split.images == split.vehicles + split.probes
    for rates in paper.TABLE_6.values():
        falling = [rates[s.name] for s in paper.TEST_SPLITS]
        assert all(r.top1 < r.top5 for r in falling)
        assert falling == sorted(falling, key=lambda r: -r.top1)
    assert [r["Small"].top1 for r in paper.TABLE_6.values()] == [0.404, 0.436, 0.49]
    assert [r["Large"].top5 for r in paper.TABLE_6.values()] == [0.503, 0.533, 0.616]
    assert [r["Medium"] for r in paper.TABLE_4.values()] == [0.391, 0.448, 0.481]
    assert paper.TABLE_3[paper.GOOGLENET_JB] == (0.833, 0.824, 0.761)

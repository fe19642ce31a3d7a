"""The report of several trainings of a method: one row, one curve, their mean."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_tool
from hypothesis import given
from hypothesis import strategies as st
from report_fixture import (
    BAD,
    GOOD,
    Inputs,
    as_paper_split,
    as_trainings,
    make_inputs,
    rows,
    table,
)
from scipy import stats

from pydrdl import paper
from pydrdl.errors import InputError
from pydrdl.report import build, drawing
from pydrdl.report.content import Figure, Report, Text
from pydrdl.reproduce import setting
from pydrdl.reproduce.chain import Chain
from pydrdl.reproduce.setting import STRUCTURES
from pydrdl.results.comparison import OverTrainings, paper_method
from pydrdl.results.result import method_and_seed

SEEDS = 4


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return make_inputs(tmp_path_factory.mktemp("trainings"))


@pytest.fixture(scope="module")
def trained(inputs: Inputs) -> Path:
    """CMC results of four trainings of GOOD and of one of BAD."""
    return as_trainings(inputs.cmc, inputs.folder / "trained.json", SEEDS)


def report_of(*results: Path) -> Report:
    return build.build_report(build.Inputs(results=results))


def entries(path: Path) -> list[Any]:
    return list(json.loads(path.read_text())["results"])


def changed(path: Path, to: Path, change: Callable[[list[Any]], object]) -> Path:
    """A copy of a result file with other entries."""
    content = json.loads(path.read_text())
    change(content["results"])
    to.write_text(json.dumps(content))
    return to


def half_interval(values: list[float]) -> float:
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values),
                                 stats.sem(values))  # fmt: skip
    return float(high - low) / 2


def figure(report: Report, key: str) -> Figure:
    return next(f for f in report.figures() if f.key == key)


def words(report: Report) -> str:
    blocks = [b for s in report.sections for b in s.blocks]
    return "\n".join(b.text for b in blocks if isinstance(b, Text))


@given(st.text(), st.integers(0, 10**9))
def test_a_name_tells_of_a_training(name: str, seed: int) -> None:
    if name and "\n" not in name:
        assert method_and_seed(f"{name}, seed {seed}") == (name, seed)
    if not re.search(r", seed \d+$", name):
        assert method_and_seed(name) == (name, None)


def test_reproduce_names_its_rows_so() -> None:
    chain = Chain(replace(setting.demo(Path("w"), Path("t")), seeds=(1, 12)))
    chain.table6()
    command = next(s.command for s in chain.steps if s.name.startswith("cmc/"))
    names, seeds = (
        [command[i + 1] for i, word in enumerate(command) if word == option]
        for option in ("--name", "--training-seed")
    )
    expected = [(method, seed) for method in STRUCTURES for seed in (1, 12)]
    assert list(zip(names, map(int, seeds), strict=True)) == expected
    assert [paper_method(name) for name in names] == [m for m, _ in expected]
    assert paper_method("ccl, seed 3") == paper.VGG_CCL
    assert paper_method("ccl, seed one") is None


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=9))
def test_the_interval_is_students(thousandths: list[int]) -> None:
    values = [n / 1000 for n in thousandths]
    over = OverTrainings(tuple(values))
    assert over.mean == pytest.approx(np.mean(values))
    expected = half_interval(values) if len(set(values)) > 1 else 0.0
    assert over.interval == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_match_rates_are_means_over_trainings(trained: Path) -> None:
    report = report_of(trained)
    good, bad, *_ = rows(report, "cmc-1")
    assert (good["method"], good["trainings"]) == (GOOD, SEEDS)
    assert (bad["method"], bad["trainings"]) == (BAD, 1)
    given = entries(trained)
    for k in (1, 5, 10, 20):
        values = [entry["cmc"]["mean"][k - 1] for entry in given[:SEEDS]]
        assert good[f"rank_{k}"] == pytest.approx(np.mean(values), abs=1e-12)
        assert good[f"rank_{k}_interval"] == pytest.approx(half_interval(values))
        assert bad[f"rank_{k}"] == given[SEEDS]["cmc"]["mean"][k - 1]
        assert bad[f"rank_{k}_interval"] is None
    shown = table(report, "cmc-1")
    assert [c.spread for c in shown.columns if c.key == "rank_1"] == ["rank_1_interval"]
    single = table(report, "cmc-1-trainings")
    assert single.folded and not shown.folded
    for row, entry in zip(single.groups[0].rows, given, strict=True):
        assert row["method"] == entry["name"]
        assert row["rank_5"] == entry["cmc"]["mean"][4]
        assert row["rank_5_std"] == entry["cmc"]["std"][4]
    assert "a row of one training has no ±" in words(report)
    assert "10 repeats, of which" not in words(report)
    assert "3 repeats, of which each training counts with its mean" in words(report)


def test_a_method_is_one_curve_with_the_interval_as_band(trained: Path) -> None:
    drawn = figure(report_of(trained), "cmc-1")
    assert list(drawn.data) == [GOOD, BAD]
    given = [np.array(entry["cmc"]["mean"]) for entry in entries(trained)]
    curves = np.stack(given[:SEEDS])
    good, bad = drawn.data[GOOD], drawn.data[BAD]
    low, high = stats.t.interval(
        0.95, SEEDS - 1, curves.mean(axis=0), stats.sem(curves, axis=0)
    )
    np.testing.assert_allclose(good["mean"], curves.mean(axis=0))
    np.testing.assert_allclose(good["low"], low)
    np.testing.assert_allclose(good["high"], high)
    assert list(good["trainings"]) == [f"{GOOD}, seed {n}" for n in range(1, SEEDS + 1)]
    np.testing.assert_allclose(list(good["trainings"].values()), curves)
    assert bad == {"mean": given[SEEDS].tolist()}  # the repeats' band is another thing
    assert "95 % confidence interval of that mean, which a method trained once" in (
        drawn.caption
    )
    assert "repeats" not in drawn.caption
    half = f"{high[0] - curves.mean(axis=0)[0]:.3f}"[1:]
    assert f"{GOOD} (rank 1: {curves[:, 0].mean():.3f} ± {half})".replace(
        " 0.", " ."
    ) in re.sub(r"\s+", " ", drawn.svg)
    # One line and one band for GOOD, one line for BAD.
    assert drawn.svg.count(f"stroke: {drawing.SERIES[0]}") == 2  # the legend's too
    assert drawn.svg.count(f"fill: {drawing.SERIES[0]}") == 1
    assert drawn.svg.count(f"fill: {drawing.SERIES[1]}") == 0


def test_a_method_keeps_its_colour_on_every_split(
    trained: Path, inputs: Inputs, tmp_path: Path
) -> None:
    def alone(results: list[Any]) -> None:
        del results[0], results[1:]
        results[0]["split"]["sha256"] = "1" * 64

    other = changed(trained, tmp_path / "other.json", alone)
    drawn = figure(report_of(trained, other), "cmc-2")
    assert list(drawn.data) == [f"{GOOD}, seed 2"]  # a single training keeps its name
    assert drawing.SERIES[0] in drawn.svg
    assert drawing.SERIES[1] not in drawn.svg


def test_one_training_is_shown_as_it_was(inputs: Inputs, tmp_path: Path) -> None:
    def name(results: list[Any]) -> None:
        results[0] |= {"method": paper.VGG_CCL, "seed": 3}

    one = changed(
        as_paper_split(inputs.cmc, tmp_path / "a.json", 800, 6_532),
        tmp_path / "b.json",
        name,
    )
    report = report_of(one)
    entry = entries(one)[0]
    row = rows(report, "cmc-1")[0]
    assert row["method"] == f"{paper.VGG_CCL}, seed 3"
    assert "trainings" not in row
    assert row["rank_1_std"] == entry["cmc"]["std"][0]
    theirs = paper.TABLE_6[paper.VGG_CCL]["Small"].top1
    assert row["change_1"] == row["rank_1"] - theirs
    assert [t.key for t in report.tables() if t.folded] == []
    drawn = figure(report, "cmc-1")
    repeats = np.array(entry["cmc"]["per_repeat"])
    assert drawn.data[row["method"]] == {
        "mean": entry["cmc"]["mean"],
        "low": repeats.min(axis=0).tolist(),
        "high": repeats.max(axis=0).tolist(),
    }
    assert "lowest to highest of the repeats" in drawn.caption


def test_a_mean_is_compared_with_the_paper(trained: Path, tmp_path: Path) -> None:
    report = report_of(as_paper_split(trained, tmp_path / "a.json", 800, 6_532))
    row = rows(report, "cmc-1")[0]
    theirs = paper.TABLE_6[paper.VGG_CCL]["Small"]
    assert row["change_1"] == row["rank_1"] - theirs.top1
    assert row["change_5"] == row["rank_5"] - theirs.top5
    glance = words(report).splitlines()[0]
    assert f"{SEEDS} trainings, each of 3 repeats" in glance


def test_levels_are_not_called_a_lead(trained: Path, tmp_path: Path) -> None:
    """The first lines name the best, and whose interval meets its own."""

    def second(results: list[Any], factor: float) -> None:
        del results[SEEDS:]
        for entry in list(results):
            curve = np.array(entry["cmc"]["mean"]) * factor
            copy = json.loads(json.dumps(entry))
            copy["method"] = entry["method"].replace(GOOD, "triplet")
            copy["cmc"]["mean"] = curve.tolist()
            results.append(copy)

    near = changed(trained, tmp_path / "n.json", lambda r: second(r, 0.99))
    far = changed(trained, tmp_path / "f.json", lambda r: second(r, 0.1))
    assert "(its interval meets that of triplet)" in words(report_of(near))
    assert "its interval meets" not in words(report_of(far))


@pytest.fixture(scope="module")
def siblings(inputs: Inputs) -> dict[str, Path]:
    """MAP and verification of the first features."""
    files = {}
    for name, tool, *options in (
        ("map", "eval_map.py", "--repeats", 3),
        ("verification", "eval_verification.py", "--draw", 40),
    ):
        files[name] = inputs.folder / f"{name}.json"
        features = inputs.features[GOOD]
        done = run_tool(tool, features, *options, "--name", GOOD, "--json", files[name])
        assert done.returncode == 0, done.stderr
    return files


@pytest.mark.parametrize(
    ("name", "key", "numbers"),
    [
        (
            "map",
            "map-1",
            {
                "map": lambda e: e["map"]["mean"],
                "trapezoid": lambda e: e["map_trapezoid"]["mean"],
            },
        ),
        (
            "verification",
            "verification",
            {
                "folds": lambda e: e["pairs"][0]["folds"]["mean"],
                "optimal": lambda e: e["pairs"][0]["test_optimal"]["accuracy"],
                "auc": lambda e: e["pairs"][0]["auc"],
                "eer": lambda e: e["pairs"][0]["eer"],
            },
        ),
    ],
)
def test_other_tables_are_means_too(
    siblings: dict[str, Path],
    tmp_path: Path,
    name: str,
    key: str,
    numbers: dict[str, Callable[[Any], float]],
) -> None:
    file = as_trainings(siblings[name], tmp_path / "t.json", SEEDS)
    report = report_of(file)
    row = rows(report, key)[0]
    assert (row["method"], row["trainings"]) == (GOOD, SEEDS)
    for column, number in numbers.items():
        values = [number(entry) for entry in entries(file)]
        assert row[column] == pytest.approx(np.mean(values))
        assert row[f"{column}_interval"] == pytest.approx(half_interval(values))
        single = rows(report, f"{key}-trainings")
        assert [r[column] for r in single] == values
    if name == "verification":
        assert row["accuracy"] is None and row["accuracy_interval"] is None
    assert table(report, f"{key}-trainings").folded
    assert "Student's t" in words(report)


def test_every_list_of_pairs_has_its_row(
    siblings: dict[str, Path], tmp_path: Path
) -> None:
    def second(results: list[Any]) -> None:
        for entry in results:
            (pairs,) = entry["pairs"]
            other = pairs | {"sha256": "0" * 64, "auc": pairs["auc"] / 2}
            entry["pairs"].append(other)

    file = as_trainings(siblings["verification"], tmp_path / "t.json", SEEDS)
    first, other, *_ = rows(
        report_of(changed(file, tmp_path / "c.json", second)), "verification"
    )
    assert first["trainings"] == other["trainings"] == SEEDS
    assert other["auc"] == pytest.approx(first["auc"] / 2)


def test_across_cameras(tmp_path: Path) -> None:
    results = [
        {
            "name": f"ccl, seed {seed}", "features": {"path": "a.h5", "sha256": "ab"},
            "image_to": "track", "queries": 1_678, "gallery": 11_579,
            "vehicles": 200, "junk_pairs": 5, "ties": {
                "rule": "expected", "queries": 0.0, "mean_equal": 0.0,
                "optimistic": score, "pessimistic": score,
            },
            "sides_sha256": "cd", "map": score, "map_trapezoid": score,
            "cmc": [score, 0.8, 0.8, 0.8, 0.9],
        }
        for seed, score in ((1, 0.6), (2, 0.7))
    ]  # fmt: skip
    path = tmp_path / "cross.json"
    head = {"schema": "drdl.cross_camera/1", "pydrdl": "0.1.0"}
    path.write_text(json.dumps({**head, "results": results}))
    report = report_of(path)
    (row,) = rows(report, "cross-camera")
    assert (row["method"], row["map"]) == ("ccl", pytest.approx(0.65))
    assert row["rank_1_interval"] == pytest.approx(half_interval([0.6, 0.7]))
    assert [r["map"] for r in rows(report, "cross-camera-trainings")] == [0.6, 0.7]


def test_what_compared_features_is_said(trained: Path, tmp_path: Path) -> None:
    kinds = {"joint_bayesian": "Joint Bayesian", "svm": "SVM on pairs", "new": "new"}
    for kind, shown in kinds.items():

        def judged(results: list[Any], kind: str = kind) -> None:
            for entry in results[:SEEDS]:
                entry["verifier"] = {"kind": kind}

        report = report_of(changed(trained, tmp_path / f"{kind}.json", judged))
        good, bad, *theirs = rows(report, "cmc-1")
        assert (good["compared"], bad["compared"]) == (shown, "squared L2")
        assert all("compared" not in row for row in theirs)


def judge_one(results: list[Any]) -> None:
    results[1]["verifier"] = {"kind": "joint_bayesian"}


def bare_name(results: list[Any]) -> None:
    results[1] |= {"method": GOOD, "seed": None}


def twice(results: list[Any]) -> None:
    results[1]["seed"] = results[0]["seed"]


@pytest.mark.parametrize("name", ["cmc", "map", "verification"])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (judge_one, "were compared by squared L2 and by Joint Bayesian"),
        (bare_name, "is the one a training like the other?"),
        (twice, f"results are named '{GOOD}, seed 1', of the same"),
    ],
)
def test_what_is_no_set_of_trainings_is_refused(
    siblings: dict[str, Path],
    inputs: Inputs,
    tmp_path: Path,
    name: str,
    change: Callable[[list[Any]], object],
    what: str,
) -> None:
    file = (siblings | {"cmc": inputs.cmc})[name]
    trained = as_trainings(file, tmp_path / "t.json", SEEDS)
    with pytest.raises(InputError, match=re.escape(what)):
        report_of(changed(trained, tmp_path / "c.json", change))


def test_what_matches_is_said(
    siblings: dict[str, Path], inputs: Inputs, tmp_path: Path
) -> None:
    assert entries(siblings["map"])[0]["relevance"] == "vehicle"
    report = report_of(siblings["map"])
    assert "A match is an image of the probe's vehicle." in words(report)

    def by_model(results: list[Any]) -> None:
        for entry in results:
            entry.update(relevance="model", vehicles=800)
            entry["features"]["dataset"] = "VehicleID"

    report = report_of(changed(siblings["map"], tmp_path / "model.json", by_model))
    shown = table(report, "map-1")
    assert "matches by vehicle model" in shown.title
    assert [c.title for c in shown.columns if c.key == "vehicles"] == ["models"]
    row, *theirs = rows(report, "map-1")
    # 800 models are not the paper's 800 vehicles.
    assert row.get("change") is None
    assert [r["vehicles"] for r in theirs] == [None] * 3
    assert "How many models its splits hold the paper does not say" in words(report)

    def older(results: list[Any]) -> None:
        for entry in results:
            del entry["relevance"]

    report = report_of(changed(siblings["map"], tmp_path / "old.json", older))
    assert rows(report, "map-1")[0]["map"] == entries(siblings["map"])[0]["map"]["mean"]
    assert "older version and does not say whether a match" in words(report)


def test_what_stands_behind_trainings_is_one_row(trained: Path, tmp_path: Path) -> None:
    def elsewhere(results: list[Any]) -> None:
        del results[:SEEDS]
        results[0]["split"]["sha256"] = "1" * 64
        results[0]["features"] |= {"sha256": "2" * 64, "weights": "other"}

    other = changed(trained, tmp_path / "o.json", elsewhere)
    report = report_of(trained, other)
    good, bad, same_name, *_ = rows(report, "setup")
    assert (good["method"], good["iterations"]) == (GOOD, 7)
    assert good["weights"] == "runs/seed…/ccl_iter_7.caffemodel"
    assert (bad["method"], bad["weights"]) == (BAD, "untrained, seed 1")
    # Without a seed in its name, other features are no other training.
    assert (same_name["method"], same_name["weights"]) == (BAD, "other")

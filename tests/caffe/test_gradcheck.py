"""tools/gradcheck.py as a user runs it, and that its checks can fail."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import Done, run_tool

os.environ.setdefault("GLOG_minloglevel", "2")
caffe = pytest.importorskip("caffe", reason="pycaffe is not installed")

from pydrdl import reference
from pydrdl.gradcheck.case import (
    LAYER_LIMITS,
    BlobRef,
    Case,
    Limits,
    MemoryNet,
    Point,
)
from pydrdl.gradcheck.cases import layer_cases, net_case
from pydrdl.gradcheck.check import (
    STEPS,
    GradientRow,
    Verdict,
    check,
    differentiate,
    forward,
    judge,
    open_mixed,
)

CASES = {case.mode: case for case in layer_cases()}
Array = np.ndarray


def gradcheck(*options: object) -> Done:
    return run_tool("gradcheck.py", *options)


def rows_of(case: Case) -> list[GradientRow]:
    caffe.set_mode_cpu()
    return list(check(case, "cpu", seed=0))


def verdicts(case: Case) -> set[Verdict]:
    return {row.judgement.verdict for row in rows_of(case)}


# --- The tool


def test_every_layer_and_the_whole_net_pass(tmp_path: Path) -> None:
    output = tmp_path / "gradcheck.json"
    done = gradcheck("--device", "cpu", "--samples", 2, "--json", output)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    content = json.loads(output.read_text())
    assert content["schema"] == "drdl.gradcheck/1"
    assert content["passed"]
    assert content["not_checked"] == {"gpu": "not asked for"}
    rows = content["rows"]
    layers = {(row["layer"], row["mode"]) for row in rows}
    losses = [("CoupledClustersLoss", m.value) for m in reference.Gradient]
    losses += [("TripletLoss", m) for m in ("RANDOM", "HARD", "THREE_BOTTOMS")]
    assert layers == {
        *losses,
        ("L2Normalize", "OUT_OF_PLACE"),
        ("L2Normalize", "IN_PLACE"),
        ("mixed_difference", "EXACT"),
    }
    assert {row["verdict"] for row in rows} == {"ok"}
    double = [row for row in rows if row["type"] == "f64"]
    assert len(double) == len(rows) / 2
    assert max(row["relative_error"] for row in double) <= 1e-6
    alone = [row for row in rows if row["layer"] != "mixed_difference"]
    assert min(row["max_gradient"] for row in alone) >= 1


def test_prints_a_line_for_each_row_in_full() -> None:
    done = gradcheck("--layer", "CoupledClustersLoss", "--mode", "PAPER")
    assert done.returncode == 0, done.stderr
    line = next(x for x in done.stdout.splitlines() if "negatives" in x)
    words = ["CoupledClustersLoss", "negatives", "cpu", "f64", "PAPER", "45", "0"]
    assert line.split()[:7] == words
    assert line.split()[-1] == "ok"
    assert float(line.split()[-2]) > 0.1  # PAPER is not the derivative
    assert "gpu" in done.stdout  # checked, or said not to be


def test_wrong_use_exits_with_2() -> None:
    for options in (
        ("--layer", "Foo"),
        ("--layer", "L2Normalize", "--mode", "PAPER"),
    ):
        done = gradcheck(*options)
        assert done.returncode == 2
        assert options[-1] in done.stderr or "--mode" in done.stderr


def test_a_gpu_that_is_not_there_exits_with_2() -> None:
    from pydrdl.pycaffe import why_no_gpu

    reason = why_no_gpu()
    if reason is None:
        pytest.skip("a GPU is there")
    done = gradcheck("--device", "gpu")
    assert done.returncode == 2
    assert "no GPU that Caffe can use" in done.stderr
    # Caffe's own words, such as "this Caffe is built without GPU support".
    assert " GPU " in reason and reason != "Caffe cannot use it"


# --- Nets in double precision


def test_the_loss_is_the_sum_of_three_weighted_losses() -> None:
    net, point, mixed = open_mixed(net_case(1), np.random.default_rng(0))
    loss = forward(net_case(1), net, point)
    tops = {"model_loss": 0.5, "ccl_lower_loss": 0.5, "ccl_loss": 1.0}
    each = {name: float(net.blobs[name].data) for name in tops}
    assert mixed
    assert min(each.values()) > 0
    expected = sum(weight * each[name] for name, weight in tops.items())
    assert loss == pytest.approx(expected, rel=1e-14)


def test_arrays_outlive_their_net() -> None:
    net = MemoryNet(CASES["EXACT"].message)
    data = net.blobs["features"].data
    data[...] = 3
    assert data.dtype == np.float64
    del net
    assert data.sum() == 3 * data.size


# --- The check itself can fail


@pytest.mark.parametrize("mode", ["CENTER_CONSTANT", "PAPER"])
def test_what_is_not_the_derivative_fails_as_one(mode: str) -> None:
    assert verdicts(CASES[mode]) == {Verdict.OK}
    as_exact = replace(CASES[mode], frozen=None, formula=None)
    rows = {r.bottom: r for r in rows_of(as_exact) if r.precision == "f64"}
    assert rows["positives"].judgement.verdict is Verdict.FAIL
    # The nearest negative does not see that the centre moves.
    paper = mode == "PAPER"
    expected = Verdict.FAIL if paper else Verdict.OK
    assert rows["negatives"].judgement.verdict is expected


def test_exact_fails_as_the_printed_equations() -> None:
    case = replace(CASES["EXACT"], formula=CASES["PAPER"].formula)
    assert verdicts(case) == {Verdict.FAIL}


def with_features(case: Case, change: Callable[[Array], Array]) -> Case:
    def draw(rng: np.random.Generator) -> Point:
        point = case.draw(rng)
        features = BlobRef("features")
        return Point(point.values | {features: change(point.values[features])})

    return replace(case, draw=draw)


def test_tiny_gradients_are_vacuous() -> None:
    tiny = with_features(CASES["EXACT"], lambda features: 1e-3 * features)
    assert verdicts(tiny) == {Verdict.VACUOUS}


@pytest.mark.parametrize("factor", [0.2, 100])
def test_hinges_that_are_all_active_or_all_not_are_vacuous(factor: float) -> None:
    def change(features: Array) -> Array:
        sets = features.reshape(3, 7, -1).copy()
        centre = sets[:, :4].mean(axis=1, keepdims=True)
        sets[:, 4:] = centre + factor * (sets[:, 4:] - centre)  # all near, or far
        return sets.reshape(features.shape)

    rows = rows_of(with_features(CASES["EXACT"], change))
    assert {row.judgement.verdict for row in rows} == {Verdict.VACUOUS}
    if factor < 1:  # not for want of a gradient
        assert min(row.judgement.max_gradient for row in rows) > 1
        reasons = {row.judgement.reason for row in rows}
        assert reasons == {"all hinges were active, or none"}


def test_kinks_are_skipped_and_many_of_them_fail() -> None:
    def draw(rng: np.random.Generator) -> Point:
        point = CASES["THREE_BOTTOMS"].draw(rng)
        rows = {ref.name: x for ref, x in point.values.items()}
        rows["positive"][0] = rows["anchor"][0] = 0
        rows["negative"][0] = (8, 4, 0, 0, 0)  # |a - n|^2 = 80, the margin
        return point

    case = replace(
        CASES["THREE_BOTTOMS"],
        draw=draw,
        limits=replace(LAYER_LIMITS, skipped=0.2),
    )
    rows = {r.bottom: r.judgement for r in rows_of(case) if r.precision == "f64"}
    # Only the first and second component move the hinge; the third to fifth,
    # by the square of the step, move nothing.
    assert {rows["anchor"].skipped, rows["negative"].skipped} == {2}
    assert {row.verdict for row in rows.values()} == {Verdict.OK}
    assert Verdict.FAIL in verdicts(replace(case, limits=Limits(skipped=0.05)))


def test_a_nan_fails() -> None:
    def draw(rng: np.random.Generator) -> Point:
        point = CASES["EXACT"].draw(rng)
        point.values[BlobRef("features")][0, 0] = np.nan
        return point

    assert verdicts(replace(CASES["EXACT"], draw=draw)) == {Verdict.FAIL}


def test_an_empty_comparison_is_vacuous() -> None:
    nothing = np.zeros(0)
    result = judge(nothing, nothing, 0, True, LAYER_LIMITS, "f64")
    assert result.verdict is Verdict.VACUOUS


# --- Differences


def slope_of(function: Callable[[float], float], x: float = 0.0) -> tuple[float, bool]:
    found = differentiate(
        lambda v: function(float(v[0])), np.array([x]), np.array([0]), 1e-7
    )
    return float(found.slope[0]), bool(found.kinked[0])


def test_smooth_functions_have_their_slope() -> None:
    for function, x, expected in (
        (np.exp, 0.3, np.exp(0.3)),
        (np.sin, 2.0, np.cos(2.0)),
        (lambda v: v**3, -2.0, 12.0),
    ):
        slope, kinked = slope_of(function, x)
        assert not kinked
        assert slope == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("part", [0, 0.01, 0.1, 1 / 3, 0.4, 0.5, 0.6, 0.9])
def test_a_kink_in_reach_of_the_smallest_step_is_noticed(
    part: float, side: int
) -> None:
    kink = side * part * STEPS[-1]
    assert slope_of(lambda v: max(0.0, v - kink) + v * v)[1]


def test_a_kink_in_reach_of_the_largest_step_only_is_avoided() -> None:
    kink = 0.3 * STEPS[0]
    slope, kinked = slope_of(lambda v: max(0.0, v - kink) + 2 * v)
    assert not kinked
    assert slope == pytest.approx(2, rel=1e-8)

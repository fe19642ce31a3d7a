"""What benchmarks/gpu_budget.py says of a net, against what is counted by hand."""

import sys
from typing import Any

import pytest
from commands import ROOT

sys.path.append(str(ROOT / "benchmarks"))
import gpu_budget
import tables_of_gpu_budget as tables


@pytest.fixture(scope="module")
def budget() -> Any:
    """Of the paper's net."""
    return gpu_budget.budget_of(gpu_budget.NET)


def test_products_are_those_of_the_paper_s_net(budget: Any) -> None:
    """Output size, window and channels of every convolution (Fig. 6)."""
    first = 109 * 109 * 96 * 7 * 7 * 3
    second = 26 * 26 * 256 * 5 * 5 * 96
    third = 13 * 13 * 512 * 3 * 3 * 256
    others = 4 * 13 * 13 * 512 * 3 * 3 * 512
    forward = 2 * 150 * (first + second + third + others)
    costs = budget["kinds"]["Convolution"]
    assert costs["forward"]["flop"] == forward
    # Of weights and of bottoms; nobody wants the gradient of the images.
    assert costs["backward"]["flop"] == 2 * forward - 2 * 150 * first


def test_the_step_moves_each_weight_six_times(budget: Any) -> None:
    """Weight, gradient and history are read and written: 4 bytes each."""
    convolutions = 96 * 148 + 256 * 2401 + 512 * 2305 + 4 * 512 * 4609
    products = 2 * (4096 * (512 * 36 + 1) + 1024 * 4097) + 1024 * 2049 + 250 * 1025
    assert budget["parameters"] == convolutions + products
    assert budget["step"]["bytes"] == 24 * budget["parameters"]
    assert budget["bus"] == {
        "bytes": 150 * 3 * 224**2,
        "bytes_before": 600 * 3 * 224**2,
    }


def test_least_time_is_that_of_the_slower(budget: Any) -> None:
    """The data sheet's rates, and a share of them."""
    gpu = budget["gpu"]
    assert tables.seconds(budget, gpu["tf32"], 0, "tf32") == 1
    assert tables.seconds(budget, gpu["tf32"], 3 * gpu["memory"], "tf32") == 3
    assert tables.seconds(budget, 0, gpu["memory"], "float", True) == pytest.approx(
        1 / gpu["reached_memory"]
    )


def test_the_rows_are_all_there_is(budget: Any) -> None:
    """No layer is lost where they are put together."""
    kinds = sum(
        cost["bytes"] for both in budget["kinds"].values() for cost in both.values()
    )
    rows = tables.bound(budget)
    extra = budget["step"]["bytes"] + budget["transform"]["bytes"]
    assert sum(row[1] for row in rows.values()) == pytest.approx(kinds + extra)


def test_what_follows_conv1_and_conv2_moves_each_number_once_a_pass(
    budget: Any,
) -> None:
    """Forward reads the convolution and writes maxima and their places; see Backward.

    Before, ReLU, LRN and pooling each read and wrote what they had.
    """
    convolved = 150 * (96 * 109**2 + 256 * 26**2)
    pooled = 150 * (96 * 54**2 + 256 * 13**2)
    together = budget["kinds"][tables.TOGETHER]
    assert together["forward"]["bytes"] == 4 * (convolved + 2 * pooled)
    assert together["backward"]["bytes"] == 4 * (2 * convolved + 2 * pooled)
    bias, relu, norm, pool = 2, 2 + 3, 2 + 4, 1 + 2
    before = 4 * ((bias + relu + norm + pool) * convolved + 4 * pooled)
    assert budget["fused_before"]["bytes"] == before
    assert "LRN" not in budget["kinds"]

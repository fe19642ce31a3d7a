"""What docs/paper_net.md says of its table, and of the nets' setting."""

import math
from collections.abc import Iterator
from typing import Any

from sentences import Said
from sentences_of_results import given
from tables_of_results import named

from pydrdl import paper
from pydrdl.nets.structures import VGG_CNN_M_1024, Schedule, Training
from pydrdl.reproduce.setting import FEW, FEW_WORLD
from pydrdl.table import rate

Content = dict[str, Any]


def paper_net(content: Content) -> Iterator[Said]:
    """Of results_paper_net.json, and the code."""
    net, plan, training = VGG_CNN_M_1024, Schedule(), Training("", "", 0)
    batch = training.sets * (training.positives + training.negatives)
    yield Said(
        f"{net.crop} of {net.resize} pixels, {batch} images an iteration, a rate of "
        f"{plan.base_lr:g}, LRN and dropout"
    )
    yield Said(f"for the paper's {plan.max_iter:,} iterations")
    models = given(FEW_WORLD, "--models")
    yield Said(f"a softmax over {models} drawn car models")
    others = given(FEW, "--models")
    yield Said(
        f"on {given(FEW, '--vehicles'):,} vehicles of {others} other models",
        given(FEW, "--seed") != given(FEW_WORLD, "--seed"),
    )

    rows = named(content, "Paper's net").rows

    def ends(title: str) -> tuple[float, float]:
        """First, and in the last fifth."""
        cells = rows[title]
        return cells[0].mean, cells[-1].mean

    def of(top: str) -> tuple[float, float]:
        return ends(f"{paper.MIXED_CCL}: {top}")

    def falls(*losses: tuple[float, float]) -> bool:
        return all(last < first for first, last in losses)

    softmax, model = ends("VGG by softmax: model_loss"), of("model_loss")
    mixed, lower = of("ccl_loss"), of("ccl_lower_loss")
    collapsed = training.positives * training.margin / 2
    yield Said(
        f"The softmax's loss falls from {rate(softmax[0])}, which is ln {models}, to "
        f"{rate(softmax[1])}. From its weights, with {others} other models, the "
        f"model's loss falls from {rate(model[0])} to {rate(model[1])}; coupled "
        f"clusters loss falls from {rate(mixed[0])} to {rate(mixed[1])} on the mixed "
        f"feature and from {rate(lower[0])} to {rate(lower[1])} on the lower one, and "
        f"half of the margin for each positive, {collapsed:g}, is where a collapsed "
        "net stays.",
        falls(softmax, model, mixed, lower)
        and abs(softmax[0] - math.log(models)) < 0.005
        and max(*mixed, *lower) < collapsed,
    )
    apart, below = (
        [n - p for n, p in zip(of(f"{top}_d_neg"), of(f"{top}_d_pos"), strict=True)]
        for top in ("ccl", "ccl_lower")
    )
    yield Said(
        f"The nearest negative is {rate(apart[0])} farther than the positives in the "
        f"first batch and {rate(apart[1])} in the last fifth, on the lower feature "
        f"{rate(below[0])} and {rate(below[1])}.",
        apart[1] > apart[0] and below[1] > below[0],
    )
    iterations = int(content["conditions"].split(" iterations;")[0].split()[-1])
    yield Said(
        "this is less than a hundredth of the paper's iterations",
        100 * iterations < plan.max_iter,
    )

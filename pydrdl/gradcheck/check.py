"""Turns a case into rows: Backward in both precisions beside the derivative."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pydrdl.gradcheck.case import Case
from pydrdl.gradcheck.differences import Float
from pydrdl.gradcheck.memory_net import MemoryNet, Precision
from pydrdl.gradcheck.passes import backward, open_mixed
from pydrdl.gradcheck.target import Target, find_target
from pydrdl.gradcheck.verdict import Judgement, judge, relative_error

PRECISIONS: tuple[Precision, ...] = ("f64", "f32")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        layer, bottom, device, precision, mode: what was checked.
        off_derivative: of a mode that is not the derivative, the distance of
            what Backward gave from it, relative to the larger's largest
            component.
        judgement: the numbers.
    """

    layer: str
    bottom: str
    device: str
    precision: Precision
    mode: str
    off_derivative: float | None
    judgement: Judgement


def check(case: Case, device: str, seed: int) -> Iterator[Row]:
    """Checks a case on the device that Caffe is set to.

    Float is held against the same derivative as double: differences of a
    forward pass in float would show its rounding only.

    Args:
        case: the net.
        device: its name, for the table.
        seed: of the point and of the choice of coordinates.

    Yields:
        A row for each precision and part.
    """
    rng = np.random.default_rng(seed)
    net, point, mixed = open_mixed(case, rng)
    targets = []
    for part in case.parts:
        backward(case, net, point)
        targets.append(find_target(case, part, net, point, rng))
    for precision in PRECISIONS:
        net = MemoryNet(case.message, precision)
        backward(case, net, point)
        for part, target in zip(case.parts, targets, strict=True):
            found = target.of(part, net)
            yield Row(
                case.layer,
                part.name,
                device,
                precision,
                case.mode,
                _off_derivative(case, found, target),
                _judge(case, found, target, mixed, precision),
            )


def _judge(
    case: Case, found: Float, target: Target, mixed: bool, precision: Precision
) -> Judgement:
    valid = ~target.expected.kinked
    return judge(
        found[valid],
        target.expected.slope[valid],
        int((~valid).sum()),
        mixed,
        case.limits,
        precision,
    )


def _off_derivative(case: Case, found: Float, target: Target) -> float | None:
    if case.frozen is None and case.formula is None:
        return None
    smooth = ~target.derivative.kinked
    return relative_error(found[smooth], target.derivative.slope[smooth])[0]

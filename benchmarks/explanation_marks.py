"""How much of the maps lies on the marks by which drawn vehicles differ.

Two drawn vehicles of one model and colour, seen from the same end, differ by their
marks alone, and where these lie in a photograph is known (render.photo.marks_apart).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pydrdl.arrays import Bool, Float32, Float64, Pixels
from pydrdl.explain.maps import Maps, explain_pair, input_of, placed
from pydrdl.features.extract import Extractor
from pydrdl.parallel import Progress, unseen
from pydrdl.render.model import draw_model
from pydrdl.render.photo import camera_of, marks_apart, photograph
from pydrdl.render.vehicle import draw_vehicle
from pydrdl.render.vehicleid import Fleet, FleetPlan

LEAST = 0.005  # of a photograph that marks take up at least, to be told from nothing
KINDS = ("gradient", "activation")


@dataclass(frozen=True)
class DrawnPair:
    """Two vehicles of one model and colour, and an image of each from one end."""

    model: int
    vehicles: tuple[int, int]
    images: tuple[int, int]


@dataclass(frozen=True)
class Localised:
    """Shares of a map's weight, one for each photograph (N,)."""

    area: Float64  # of the photograph that the marks take up: what chance would give
    own: Float64  # on the marks by which its pair differs
    others: Float64  # on those of other pairs, in the mean: where marks lie anyway


def drawn_pairs(
    plan: FleetPlan, fleet: Fleet, vehicles: Sequence[int]
) -> list[DrawnPair]:
    """Neighbours in each group of one model and colour, by their first images."""
    alike: dict[tuple[int, int], list[int]] = {}
    for vehicle in vehicles:
        kind = int(fleet.models[vehicle]), draw_vehicle(plan.seed, vehicle).colour
        alike.setdefault(kind, []).append(vehicle)
    pairs = []
    for (model, _), group in sorted(alike.items()):
        for both in pairwise(group):
            for front in (True, False):
                seen = [_first(plan, fleet, vehicle, front) for vehicle in both]
                if seen[0] is not None and seen[1] is not None:
                    pairs.append(DrawnPair(model, both, (seen[0], seen[1])))
    return pairs


def _first(plan: FleetPlan, fleet: Fleet, vehicle: int, front: bool) -> int | None:
    images = range(int(fleet.counts[vehicle]))
    ends = (i for i in images if camera_of(plan.seed, vehicle, i).front == front)
    return next(ends, None)


def localise(
    extractor: Extractor,
    plan: FleetPlan,
    pairs: Sequence[DrawnPair],
    progress: Progress = unseen,
    blobs: Sequence[str] = (),
) -> dict[str, Localised]:
    """Measures both kinds of maps over the photographs of pairs.

    Of activation its positive part is measured, what makes the two far.

    Args:
        extractor: opened to go backward, of a net with convolutions.
        plan: what was drawn.
        pairs: at least two.
        progress: shows how far it is.
        blobs: of activation; see explain_pair.
    """
    maps: dict[str, list[Float64]] = {kind: [] for kind in KINDS}
    marks: list[Bool] = []
    number: list[int] = []
    size = plan.size, plan.size
    for k, pair in enumerate(progress(pairs, "pairs", len(pairs))):
        drawn = [*photographs_of(plan, pair)]
        inputs = [input_of(pixels, extractor.preprocess) for pixels, _ in drawn]
        names = [f"vehicle {vehicle}" for vehicle in pair.vehicles]
        found = explain_pair(extractor, (inputs[0], inputs[1]), names, blobs)
        for (_, where), own in zip(drawn, found.maps, strict=True):
            if where.mean() < LEAST:
                continue
            marks.append(where.ravel())
            number.append(k)
            for kind, values in zip(KINDS, _weights(own), strict=True):
                wide = placed(values, extractor.preprocess, size).astype(np.float64)
                total = float(wide.sum()) or 1.0  # of a map of nothing
                maps[kind].append(wide.ravel() / total)
    masks, of = np.stack(marks).astype(np.float64), np.array(number)
    apart = of[:, None] != of[None]
    result = {}
    for kind in KINDS:
        shares = np.stack(maps[kind]) @ masks.T  # of each map on all marks
        others = np.where(apart, shares, 0).sum(axis=1) / apart.sum(axis=1)
        result[kind] = Localised(masks.mean(axis=1), np.diag(shares).copy(), others)
    return result


def photographs_of(plan: FleetPlan, pair: DrawnPair) -> Iterator[tuple[Pixels, Bool]]:
    """Both photographs, and where the other vehicle's marks would change them."""
    model = draw_model(plan.seed, pair.model)
    both = [draw_vehicle(plan.seed, number) for number in pair.vehicles]
    for k, number in enumerate(pair.vehicles):
        place = plan.seed, number, pair.images[k], plan.size
        marks = marks_apart(model, both[k], both[1 - k], *place)
        yield photograph(model, both[k], *place), marks


def _weights(maps: Maps) -> tuple[Float32, Float32]:
    assert maps.activation is not None
    return maps.gradient, np.maximum(maps.activation, np.float32(0))

"""Random numbers that depend on what they are for, not on what came before."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")

# A zero at the end does not change a seed sequence, so that (seed, vehicle) and
# (seed, vehicle, image 0) would be alike; the spawn key tells them apart.
FLEET, MODEL, VEHICLE, CAMERA, LISTS = 1, 2, 3, 4, 5
# Of the drawn CompCars, none of whose models is one of the drawn VehicleID's.
MAKE, CAR, CATALOGUE, PAIRS, WEB = 6, 7, 8, 9, 10


def generator(seed: int, *numbers: int, kind: int | None = None) -> np.random.Generator:
    """Returns the generator for one thing.

    Args:
        seed: of the whole data set, not negative.
        numbers: which thing: (vehicle, image) for an image.
        kind: one of the numbers above; None for an image.
    """
    key = () if kind is None else (kind,)
    sequence = np.random.SeedSequence([seed, *numbers], spawn_key=key)
    return np.random.Generator(np.random.Philox(sequence))


def pick(
    random: np.random.Generator,
    items: Sequence[Item],
    weights: Sequence[float] | None = None,
) -> Item:
    """Returns one of the items, by weight where weights are given."""
    if weights is None:
        return items[int(random.integers(len(items)))]
    total = np.cumsum(weights)
    return items[int(np.searchsorted(total, random.uniform(0, total[-1]), "right"))]

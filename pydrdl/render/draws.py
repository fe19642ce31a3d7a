"""Random numbers that depend on what they are for, not on what came before."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.random import Generator

from pydrdl.arrays import Int
from pydrdl.errors import InputError

Item = TypeVar("Item")

# A zero at the end does not change a seed sequence, so that (seed, vehicle) and
# (seed, vehicle, image 0) would be alike; the spawn key tells them apart.
FLEET, MODEL, VEHICLE, CAMERA, LISTS = 1, 2, 3, 4, 5
# Of the drawn CompCars, none of whose models is one of the drawn VehicleID's.
MAKE, CAR, CATALOGUE, PAIRS, CAR_IMAGE = 6, 7, 8, 9, 10

STEP = 4  # images that one exchange changes at most, so that no vehicle stands out
TRIES = 200  # exchanges tried for each chosen vehicle


def generator(seed: int, *numbers: int, kind: int | None = None) -> Generator:
    """The generator for one thing of a data set, which has a seed, not negative.

    numbers say which: (vehicle, image) for an image, whose kind is None.
    """
    key = () if kind is None else (kind,)
    sequence = np.random.SeedSequence([seed, *numbers], spawn_key=key)
    return Generator(np.random.Philox(sequence))


def pick(
    random: Generator, items: Sequence[Item], weights: Sequence[float] | None = None
) -> Item:
    """Returns one of the items, by weight where weights are given."""
    if weights is None:
        return items[int(random.integers(len(items)))]
    total = np.cumsum(weights)
    return items[int(np.searchsorted(total, random.uniform(0, total[-1]), "right"))]


def happens(random: Generator, probability: float) -> bool:
    """Whether something that has a probability happens."""
    return bool(random.random() < probability)


def check_least(*values: tuple[str, float, float]) -> None:
    """Refuses a plan's values, each with its option, that are below a least one.

    Raises:
        InputError: one is.
    """
    for option, value, least in values:
        if value < least:
            raise InputError(f"{value} is too small", option, f"take at least {least}")


def with_sum(counts: Int, total: int, least: int, random: Generator) -> Int:
    """Changes images of vehicles, none below least, by ones until they add up.

    Raises:
        InputError: the sum asks for fewer than least of some vehicle.
    """
    if total < least * counts.size:
        raise InputError(
            f"{total:,} images for {counts.size:,} vehicles; each has at least {least}",
            "the plan's numbers of images",
            f"ask for at least {least * counts.size:,}",
        )
    counts = counts.copy()
    while (missing := total - int(counts.sum())) != 0:
        free = np.flatnonzero(counts > least) if missing < 0 else np.arange(counts.size)
        changed = random.permutation(free)[: abs(missing)]
        counts[changed] += np.sign(missing)
    return counts


def choose(counts: Int, number: int, total: int, random: Generator) -> Int:
    """Chooses so many vehicles that their numbers of images add up.

    A random choice, then vehicles are exchanged for others with a few images
    more (or fewer) until the sum is met.

    Returns:
        The chosen vehicles' positions, ascending.

    Raises:
        InputError: no such choice was found.
    """
    order = random.permutation(counts.size)
    chosen, others = order[:number].copy(), order[number:].copy()
    missing = total - int(counts[chosen].sum())
    for _ in range(TRIES * max(number, 1)):
        if missing == 0 or not others.size:
            break
        a = int(random.integers(number))
        step = int(np.clip(missing, -STEP, STEP))
        gains = counts[others] - counts[chosen[a]]
        b = int(np.argmin(np.abs(gains - step)))
        if abs(missing - gains[b]) < abs(missing):
            missing -= int(gains[b])
            chosen[a], others[b] = others[b], chosen[a]
    if missing:
        raise InputError(
            f"no {number:,} of {counts.size:,} vehicles with {total:,} images in all "
            f"were found ({missing:+,} images away)",
            "the plan's numbers of images",
            "ask for a sum nearer to the mean, or leave the sums out",
        )
    return np.asarray(np.sort(chosen))

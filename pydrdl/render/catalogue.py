"""Which car models there are: makes, parts of the data set, images, their names."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pydrdl.datasets import compcars
from pydrdl.datasets.release import COMPCARS_PAIRS, RELEASED
from pydrdl.errors import InputError
from pydrdl.render.chance import CATALOGUE, generator
from pydrdl.render.exact import with_sum

PARTS = ("part1", "part2", "part3")
# Images a model has at least: half of part I's, and part II's, make the five
# positives of a set; part III's make a pair.
LEAST = (10, 5, 2)
NAMES = 1 << 56  # file names are 14 hexadecimal digits, as CompCars' are
GAPS = 1.2  # numbers that ids are drawn from, a piece
YEARS = (2005, 2016)


@dataclass(frozen=True)
class Plan:
    """What to draw.

    Attributes:
        models: of part I (trained and tested on), II and III (pairs).
        images: of each part.
        makes: their number, most of them small.
        pairs: of the same model in each level, and as many of different ones;
            fewer where part III does not give them.
        size: pixels of an image's width.
        seed: not negative.
    """

    models: tuple[int, int, int]
    images: tuple[int, int, int]
    makes: int
    pairs: int
    size: int = 128
    seed: int = 1

    def __post_init__(self) -> None:
        for name, value, least in (
            ("--models", min(self.models), 1), ("--makes", self.makes, 1),
            ("--pairs", self.pairs, 1), ("--size", self.size, 32),
            ("--seed", self.seed, 0),
        ):  # fmt: skip
            if value < least:
                raise InputError(
                    f"{value} is too small", name, f"take at least {least}"
                )
        parts = zip(PARTS, self.models, self.images, LEAST, strict=True)
        for part, models, images, each in parts:
            if images < each * models:
                raise InputError(
                    f"{images:,} images of {models:,} models in {part}; each has "
                    f"at least {each}",
                    "--images",
                    f"take at least {each * models:,} for {part}",
                )


def _paper_plan() -> Plan:
    """CompCars as it was released, which is as the paper (Sec. 5) counts it."""
    sizes = [RELEASED[compcars.NAME][part] for part in PARTS]
    models, images = zip(*((s.vehicles, s.images) for s in sizes), strict=True)
    return Plan(models, images, makes=163, pairs=COMPCARS_PAIRS // 2, size=256)


PRESETS = {
    "mini": Plan((8, 6, 8), (96, 36, 48), makes=3, pairs=20, size=64),
    "demo": Plan((60, 30, 60), (1_200, 450, 900), makes=12, pairs=2_000),
    "paper": _paper_plan(),
}


def changed(plan: Plan, **values: object) -> Plan:
    """Returns a plan with other values."""
    return replace(plan, **values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Car:
    """A car model of the catalogue.

    Attributes:
        number: its place in the catalogue.
        make: the number of its make.
        make_id, model_id: CompCars' kind of ids, with gaps.
        images: paths as the lists name them, "78/1/2014/3ac218c0c6c378.jpg".
    """

    number: int
    make: int
    make_id: int
    model_id: int
    images: tuple[str, ...]


Catalogue = Mapping[str, tuple[Car, ...]]  # by part


def draw_catalogue(plan: Plan) -> Catalogue:
    """Returns all car models by part, a pure function of the plan."""
    random = generator(plan.seed, kind=CATALOGUE)
    total = sum(plan.models)
    model_ids = random.permutation(int(GAPS * total))[:total] + 1
    make_ids = random.permutation(int(GAPS * plan.makes))[: plan.makes] + 1
    weights = np.exp(-2.5 * np.arange(plan.makes) / plan.makes)
    makes = random.choice(plan.makes, total, p=weights / weights.sum())
    parts, number = {}, 0
    sizes = zip(PARTS, plan.models, plan.images, LEAST, strict=True)
    for part, models, images, least in sizes:
        rate = random.gamma(4, (images / models - least) / 4, models)
        counts = with_sum(least + random.poisson(rate), images, least, random)
        cars = []
        for count in counts.tolist():
            make = int(makes[number])
            folder = f"{make_ids[make]}/{model_ids[number]}"
            names = _draw_names(random, folder, count)
            ids = int(make_ids[make]), int(model_ids[number])
            cars.append(Car(number, make, *ids, names))
            number += 1
        parts[part] = tuple(cars)
    return parts


def _draw_names(
    random: np.random.Generator, folder: str, count: int
) -> tuple[str, ...]:
    """Paths of a model's images, of some years in a row; each another."""
    first = int(random.integers(YEARS[0], YEARS[1] - 3))
    last = first + int(random.integers(1, 5))
    names: dict[int, None] = {}
    while len(names) < count:
        names[int(random.integers(NAMES))] = None
    years = random.integers(first, last, count).tolist()
    return tuple(
        f"{folder}/{year}/{name:014x}.jpg"
        for year, name in zip(years, names, strict=True)
    )

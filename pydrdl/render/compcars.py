"""The drawn CompCars: which car models and pairs there are, and its files.

A pair is of the same model or of two. Easy: both images show the same side.
Medium: any sides. Hard: any sides, and the two models are of one make.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import Generator

from pydrdl.datasets import compcars
from pydrdl.datasets.release import COMPCARS_PAIRS, RELEASED
from pydrdl.errors import InputError
from pydrdl.files import renamed
from pydrdl.parallel import Progress, spread, unseen
from pydrdl.render.draws import CATALOGUE, PAIRS, check_least, generator, with_sum
from pydrdl.render.folder import drawn_folder, fill_folder
from pydrdl.render.model import draw_car_model
from pydrdl.render.photo import encode, photograph_car, viewpoint_of

PARTS = ("part1", "part2", "part3")
# Images a model has at least: half of part I's, and part II's, make the five
# positives of a set; part III's make a pair.
LEAST = (10, 5, 2)
NAMES = 1 << 56  # file names are 14 hexadecimal digits, as CompCars' are
GAPS = 1.2  # numbers that ids are drawn from, a piece
YEARS = (2005, 2016)
LEVELS = ("easy", "medium", "hard")
# Every image finds a partner in the last one, so that none is left out.
DRAWN = ("easy", "hard", "medium")
GUESSES = 16  # partners tried before all are looked at
README = """# A rendered CompCars

{images:,} drawn images of {models:,} car models, in the layout of CompCars' images
from the web. No real car is shown; licence plates are blank. Made by
tools/render_compcars.py of DRDL on Caffe with

    {plan}
"""


@dataclass(frozen=True)
class CataloguePlan:
    """What to draw."""

    models: tuple[int, int, int]  # of part I (trained, tested), II and III (pairs)
    images: tuple[int, int, int]  # of each part
    makes: int  # their number; most of them are small
    # Of the same model in each level, and as many of different ones; fewer where
    # part III does not give them.
    pairs: int
    size: int = 128  # pixels a side
    seed: int = 1  # not negative

    def __post_init__(self) -> None:
        check_least(
            ("--models", min(self.models), 1), ("--makes", self.makes, 1),
            ("--pairs", self.pairs, 1), ("--size", self.size, 32),
            ("--seed", self.seed, 0),
        )  # fmt: skip
        parts = zip(PARTS, self.models, self.images, LEAST, strict=True)
        for part, models, images, each in parts:
            if images < each * models:
                raise InputError(
                    f"{images:,} images of {models:,} models in {part}; each has "
                    f"at least {each}",
                    "--images",
                    f"take at least {each * models:,} for {part}",
                )


def _paper_plan() -> CataloguePlan:
    """CompCars as it was released, which is as the paper (Sec. 5) counts it."""
    sizes = [RELEASED[compcars.NAME][part] for part in PARTS]
    models, images = zip(*((s.vehicles, s.images) for s in sizes), strict=True)
    return CataloguePlan(models, images, 163, COMPCARS_PAIRS // 2, size=256)


PRESETS = {
    "mini": CataloguePlan((8, 6, 8), (96, 36, 48), makes=3, pairs=20, size=64),
    "demo": CataloguePlan((60, 30, 60), (1_200, 450, 900), makes=12, pairs=2_000),
    "paper": _paper_plan(),
}


def changed(plan: CataloguePlan, **values: object) -> CataloguePlan:
    """Returns a plan with other values."""
    return replace(plan, **values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Car:
    """A car model of the catalogue."""

    number: int  # its place in the catalogue
    make: int  # the number of its make
    make_id: int  # CompCars' kind of ids, with gaps
    model_id: int
    images: tuple[str, ...]  # as lists name them, "78/1/2014/3ac218c0c6c378.jpg"


Catalogue = Mapping[str, tuple[Car, ...]]  # by part


def draw_catalogue(plan: CataloguePlan) -> Catalogue:
    """Returns all car models by part, a pure function of the plan."""
    random = generator(plan.seed, kind=CATALOGUE)
    total = sum(plan.models)
    model_ids = (random.permutation(int(GAPS * total))[:total] + 1).tolist()
    make_ids = (random.permutation(int(GAPS * plan.makes))[: plan.makes] + 1).tolist()
    weights = np.exp(-2.5 * np.arange(plan.makes) / plan.makes)
    makes = random.choice(plan.makes, total, p=weights / weights.sum()).tolist()
    parts, number = {}, 0
    sizes = zip(PARTS, plan.models, plan.images, LEAST, strict=True)
    for part, models, images, least in sizes:
        rate = random.gamma(4, (images / models - least) / 4, models)
        counts = with_sum(least + random.poisson(rate), images, least, random)
        cars = []
        for count in counts.tolist():
            make = makes[number]
            ids = make_ids[make], model_ids[number]
            names = _draw_names(random, f"{ids[0]}/{ids[1]}", count)
            cars.append(Car(number, make, *ids, names))
            number += 1
        parts[part] = tuple(cars)
    return parts


def _draw_names(random: Generator, folder: str, count: int) -> tuple[str, ...]:
    """Paths of a model's images, of some years in a row; each another."""
    first = int(random.integers(YEARS[0], YEARS[1] - 3))
    last = first + int(random.integers(1, 5))
    names: dict[int, None] = {}
    while len(names) < count:
        names[int(random.integers(NAMES))] = None
    years = random.integers(first, last, count).tolist()
    both = zip(years, names, strict=True)
    return tuple(f"{folder}/{year}/{name:014x}.jpg" for year, name in both)


@dataclass(frozen=True)
class Shown:
    """An image of part III: its path, the numbers of model and make, the side."""

    path: str
    model: int
    make: int
    viewpoint: int


Key = Callable[[Shown], tuple[int, ...]]
Pair = tuple[int, int]  # places of two images, the smaller first
# Images that a level pairs share this, whether they are of one model or not.
SAME: dict[str, Key] = {
    "easy": lambda image: (image.model, image.viewpoint),
    "medium": lambda image: (image.model,),
    "hard": lambda image: (image.model,),
}
DIFFERENT: dict[str, Key] = {
    "easy": lambda image: (image.viewpoint,),
    "medium": lambda image: (),
    "hard": lambda image: (image.make,),
}


def draw_pairs(plan: CataloguePlan, cars: Sequence[Car]) -> dict[str, list[str]]:
    """Draws the pairs of each level, of images of part III's models.

    Images that are in fewer pairs so far come first; no pair is twice in a
    level.

    Returns:
        For each level the lines of its file: as many of one model as of two.

    Raises:
        InputError: a level has no pairs at all.
    """
    images = [
        Shown(name, car.number, car.make, viewpoint_of(plan.seed, car.number, k))
        for car in cars
        for k, name in enumerate(car.images)
    ]
    drawer = _PairDrawer(images, generator(plan.seed, kind=PAIRS))
    lines = {}
    for level in DRAWN:
        same = drawer.draw(SAME[level], True, plan.pairs)
        different = drawer.draw(DIFFERENT[level], False, plan.pairs)
        number = min(len(same), len(different))
        if not number:
            raise InputError(
                f"part III gives no {level} pairs of "
                f"{'two models' if same else 'one model'}",
                "--models, --images, --makes",
                "ask for more models or images, or for fewer makes",
            )
        drawn = [*same[:number], *different[:number]]
        lines[level] = [
            f"{images[drawn[i][0]].path} {images[drawn[i][1]].path} {i < number:d}\n"
            for i in drawer.random.permutation(len(drawn)).tolist()
        ]
    return {level: lines[level] for level in LEVELS}


class _PairDrawer:
    """Draws pairs; knows how often it has taken each image."""

    def __init__(self, images: Sequence[Shown], random: Generator) -> None:
        self.images, self.random = images, random
        self.uses = np.zeros(len(images), np.int64)

    def draw(self, key: Key, same: bool, wanted: int) -> list[Pair]:
        """Draws pairs of images that share a key, all of one model or all of two."""
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, image in enumerate(self.images):
            groups[key(image)].append(place)
        found: dict[Pair, None] = {}
        before = -1
        while len(found) < wanted and len(found) > before:
            before = len(found)
            shuffled = self.random.permutation(len(self.images))
            rarest = shuffled[np.argsort(self.uses[shuffled], kind="stable")]
            for first in rarest.tolist():
                if len(found) == wanted:
                    break
                group = groups[key(self.images[first])]
                pair = self._pair(first, group, same, found)
                if pair is not None:
                    found[pair] = None
                    self.uses[list(pair)] += 1
        return list(found)

    def _pair(
        self, first: int, group: list[int], same: bool, found: dict[Pair, None]
    ) -> Pair | None:
        """Chooses a partner; None where there is none left."""
        model = self.images[first].model

        def ordered(second: int) -> Pair:
            return (first, second) if first < second else (second, first)

        def fits(second: int) -> bool:
            if second == first or (self.images[second].model == model) != same:
                return False
            return ordered(second) not in found

        for place in self.random.integers(len(group), size=GUESSES).tolist():
            if fits(group[place]):
                return ordered(group[place])
        left = [second for second in group if fits(second)]
        return ordered(left[int(self.random.integers(len(left)))]) if left else None


def split_files(
    catalogue: Catalogue, pairs: Mapping[str, list[str]]
) -> Iterator[tuple[str, Iterable[str]]]:
    """Yields the path, inside train_test_split, and the lines of every list."""
    for split, first in (("train", 0), ("test", 1)):  # halves of each model's images
        half = [name for car in catalogue["part1"] for name in car.images[first::2]]
        yield f"classification/{split}.txt", [f"{name}\n" for name in half]
    names = [name for car in catalogue["part2"] for name in car.images]
    yield "verification/verification_train.txt", [f"{name}\n" for name in names]
    for level, lines in pairs.items():
        yield f"verification/verification_pairs_{level}.txt", lines


def render_compcars(
    plan: CataloguePlan,
    output: Path,
    *,
    workers: int | None = None,
    progress: Progress = unseen,
) -> tuple[Catalogue, dict[str, list[str]]]:
    """Draws car models and writes them as CompCars lies on disk; see render_vehicleid.

    Returns:
        The models by part, and the lines of the three lists of pairs.

    Raises:
        InputError: the folder holds something else, or other plans' images, or
            cannot be written; or part III gives no pairs of a level.
    """
    catalogue = draw_catalogue(plan)
    pairs = draw_pairs(plan, catalogue["part3"])
    cars = [car for part in catalogue.values() for car in part]
    task = partial(_render, plan, drawn_folder(output).partial)
    done = spread(task, cars, workers)
    readme = README.format(
        images=sum(len(car.images) for car in cars), models=len(cars),
        plan=" ".join(f"{key}={value}" for key, value in asdict(plan).items()),
    )  # fmt: skip
    fill_folder(
        output, json.dumps({"CompCars": asdict(plan)}), ("image", "label"),
        progress(done, "models", len(cars)), [("README.md", [readme])],
        split_files(catalogue, pairs),
    )  # fmt: skip
    return catalogue, pairs


def _render(plan: CataloguePlan, output: Path, car: Car) -> int:
    """Draws the images of a model that are not there yet."""
    model = draw_car_model(plan.seed, car.make, car.number)
    for image, name in enumerate(car.images):
        path = output / "image" / name
        if path.exists():
            continue
        photo = photograph_car(model, plan.seed, car.number, image, plan.size)
        left, top, right, bottom = photo.box
        text = f"{photo.viewpoint:d}\n1\n{left + 1} {top + 1} {right} {bottom}\n"
        label = output / "label" / f"{name.removesuffix('.jpg')}.txt"
        # The label first: an image that is there has one.
        for file, data in (
            (label, text.encode()), (path, encode(photo.pixels, photo.quality))
        ):  # fmt: skip
            file.parent.mkdir(parents=True, exist_ok=True)
            with renamed(file) as part:
                part.write_bytes(data)
    return len(car.images)

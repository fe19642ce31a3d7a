"""Pairs of images to verify, as CompCars' three levels make them.

A pair is of the same model or of two. Easy: both images show the same side.
Medium: any sides. Hard: any sides, and the two models are of one make.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pydrdl.errors import InputError
from pydrdl.render.catalogue import Car, Plan
from pydrdl.render.chance import PAIRS, generator
from pydrdl.render.web_photo import viewpoint_of

LEVELS = ("easy", "medium", "hard")
# Every image finds a partner in the last one, so that none is left out.
DRAWN = ("easy", "hard", "medium")
GUESSES = 16  # partners tried before all are looked at


@dataclass(frozen=True)
class Shown:
    """An image of part III.

    Attributes:
        path: as the lists name it.
        model, make: numbers.
        viewpoint: the side that it shows.
    """

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


def draw_pairs(plan: Plan, cars: Sequence[Car]) -> dict[str, list[str]]:
    """Draws the pairs of each level.

    Images that are in fewer pairs so far come first; no pair is twice in a
    level.

    Args:
        plan: says how many.
        cars: the models of part III.

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
    drawer = _Drawer(images, generator(plan.seed, kind=PAIRS))
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
        order = drawer.random.permutation(len(drawn)).tolist()
        lines[level] = [
            f"{images[drawn[i][0]].path} {images[drawn[i][1]].path} {i < number:d}\n"
            for i in order
        ]
    return {level: lines[level] for level in LEVELS}


class _Drawer:
    """Draws pairs; knows how often it has taken each image."""

    def __init__(self, images: Sequence[Shown], random: np.random.Generator) -> None:
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

        def fits(second: int) -> bool:
            if second == first or (self.images[second].model == model) != same:
                return False
            return _ordered(first, second) not in found

        for place in self.random.integers(len(group), size=GUESSES).tolist():
            if fits(group[place]):
                return _ordered(first, group[place])
        left = [second for second in group if fits(second)]
        if not left:
            return None
        return _ordered(first, left[int(self.random.integers(len(left)))])


def _ordered(first: int, second: int) -> Pair:
    return (first, second) if first < second else (second, first)

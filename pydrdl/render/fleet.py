"""Which vehicles there are: their models, labels, numbers of images, splits."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydrdl.errors import InputError
from pydrdl.render.chance import FLEET, generator, pick

LEAST = 2  # images a vehicle, as in the release


@dataclass(frozen=True)
class Plan:
    """What to render.

    Attributes:
        train: vehicles in train_list.txt.
        tests: vehicles in each test list, ascending; a list holds the vehicles
            of the shorter ones too, and none of the training vehicles.
        models: number of models, most of them rare.
        images: mean number of images a vehicle, at least 2.
        size: pixels a side.
        seed: not negative.
    """

    train: int
    tests: tuple[int, ...]
    models: int
    images: float = 8.4
    size: int = 128
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.tests or list(self.tests) != sorted(set(self.tests)):
            raise InputError(
                f"test lists of {self.tests} vehicles; expected ascending numbers",
                "--test-vehicles",
                "give each number once, the smallest first",
            )
        for name, value, least in (
            ("--vehicles", self.train, 1), ("--test-vehicles", self.tests[0], 1),
            ("--models", self.models, 1), ("--images", self.images, LEAST),
            ("--size", self.size, 16), ("--seed", self.seed, 0),
        ):  # fmt: skip
            if value < least:
                raise InputError(
                    f"{value} is too small", name, f"take at least {least}"
                )

    @property
    def vehicles(self) -> int:
        """Number of all vehicles; the training vehicles come first."""
        return self.train + self.tests[-1]


PRESETS = {
    "mini": Plan(train=24, tests=(12,), models=6, images=5.0, size=64),
    "demo": Plan(train=300, tests=(100, 200), models=20),
}


@dataclass(frozen=True)
class Entry:
    """A vehicle of the fleet.

    Attributes:
        vehicle: its number and id.
        model: the number of its model.
        labelled: whether its model and colour are published.
        images: the names of its images, numbers from 1.
    """

    vehicle: int
    model: int
    labelled: bool
    images: tuple[int, ...]


def draw_fleet(plan: Plan) -> tuple[Entry, ...]:
    """Returns all vehicles by number, a pure function of the plan.

    A vehicle's model, label and number of images do not depend on how many
    vehicles there are.
    """
    frequent = [1 / rank**0.9 for rank in range(1, plan.models + 1)]
    drawn = [_draw_entry(plan, vehicle, frequent) for vehicle in range(plan.vehicles)]
    total = sum(count for _, _, count in drawn)
    # Names say nothing about vehicles, and are out of order inside a list.
    names = iter((generator(plan.seed, kind=FLEET).permutation(total) + 1).tolist())
    return tuple(
        Entry(vehicle, model, labelled, tuple(next(names) for _ in range(count)))
        for vehicle, (model, labelled, count) in enumerate(drawn)
    )


def _draw_entry(
    plan: Plan, vehicle: int, frequent: Sequence[float]
) -> tuple[int, bool, int]:
    random = generator(plan.seed, vehicle, kind=FLEET)
    model = pick(random, range(plan.models), frequent)
    labelled = bool(random.random() < 0.5)
    # A mixture of Poisson laws, whose tail is as long as the release's.
    rate = random.gamma(1.5, (plan.images - LEAST) / 1.5)
    return model, labelled, LEAST + int(random.poisson(rate))

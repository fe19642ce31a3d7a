"""Which vehicles there are: their models, labels, numbers of images, splits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pydrdl import paper
from pydrdl.errors import InputError
from pydrdl.render.draws import FLEET, LISTS, choose, generator, with_sum

LEAST = 2  # images a vehicle, as in the release
LABELLED = paper.LABELLED_VEHICLES / paper.VEHICLES
# How fast models become rare. The release's 10,309 labelled vehicles are of 250
# models (228 of them occur), up to 331 of one: about exp(-8 rank / models), and
# some models with hardly a vehicle.
DECAY = 8.0
RAREST = 0.003
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Totals:
    """Sums of images that a fleet must meet exactly, and labelled vehicles.

    Attributes:
        train, testing: images of the training and of the testing vehicles.
        tests: images of each test list.
        labelled: training and testing images with a model label.
        labelled_vehicles: training and testing vehicles with one.
    """

    train: int
    testing: int
    tests: tuple[int, ...]
    labelled: tuple[int, int]
    labelled_vehicles: tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """What to render.

    Attributes:
        train: vehicles in train_list.txt.
        tests: vehicles in each test list, ascending; none trains.
        models: number of models, most of them rare.
        images: mean number of images a vehicle, at least 2.
        size: pixels a side.
        seed: not negative.
        testing: vehicles that do not train; 0 takes those of the longest list.
        totals: sums to meet; without them, a list holds the vehicles of the
            shorter ones too. With them, as in the release, each list is a draw
            of its own.
    """

    train: int
    tests: tuple[int, ...]
    models: int
    images: float = 8.4
    size: int = 128
    seed: int = 1
    testing: int = 0
    totals: Totals | None = None

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
        return self.train + max(self.testing, self.tests[-1])


def _paper_plan() -> Plan:
    """VehicleID as the paper's Tables 1 and 2 count it."""
    parts = paper.TABLE_1["training"], paper.TABLE_1["testing"]
    labelled = parts[0].labelled, parts[1].labelled
    share = labelled[0] / sum(labelled)
    # The paper does not say how many labelled vehicles train.
    training = round(paper.LABELLED_VEHICLES * share)
    return Plan(
        train=parts[0].vehicles, tests=tuple(s.vehicles for s in paper.TEST_SPLITS),
        models=paper.MODELS, images=paper.IMAGES / paper.VEHICLES, size=256,
        testing=parts[1].vehicles,
        totals=Totals(
            parts[0].images, parts[1].images,
            tuple(s.images for s in paper.TEST_SPLITS), labelled,
            (training, paper.LABELLED_VEHICLES - training),
        ),
    )  # fmt: skip


PRESETS = {
    "mini": Plan(train=24, tests=(12,), models=7, images=5.0, size=64),
    "demo": Plan(train=300, tests=(50, 100, 200), models=20),
    "paper": _paper_plan(),
}


def changed(plan: Plan, **values: object) -> Plan:
    """Returns a plan with other values; other numbers drop the exact sums."""
    if values.keys() & {"train", "tests", "images"}:
        values |= {"totals": None, "testing": 0}
    return replace(plan, **values)  # type: ignore[arg-type]


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


@dataclass(frozen=True)
class Fleet:
    """All vehicles, a few bytes for each vehicle and each image.

    Attributes:
        models: of each vehicle.
        labelled: whether its model and colour are published.
        starts: N + 1 offsets into names.
        names: of the images, vehicle by vehicle; numbers from 1, each once.
        lists: the vehicles of each list, "train", "test_800" and so on.
    """

    models: NDArray[np.int32]
    labelled: NDArray[np.bool_]
    starts: Int
    names: NDArray[np.int32]
    lists: Mapping[str, Int]

    def __len__(self) -> int:
        return len(self.models)

    @property
    def counts(self) -> Int:
        """Images of each vehicle."""
        return np.diff(self.starts)

    def entry(self, vehicle: int) -> Entry:
        """Returns one vehicle."""
        names = self.names[self.starts[vehicle] : self.starts[vehicle + 1]].tolist()
        model, labelled = int(self.models[vehicle]), bool(self.labelled[vehicle])
        return Entry(vehicle, model, labelled, tuple(names))

    def entries(self) -> Iterator[Entry]:
        """All vehicles, by number."""
        return map(self.entry, range(len(self)))


def draw_fleet(plan: Plan) -> Fleet:
    """Returns all vehicles, a pure function of the plan.

    Without totals, a vehicle's model, label and number of images do not depend
    on how many vehicles there are.
    """
    frequent = np.cumsum(np.exp(-DECAY * np.arange(plan.models) / plan.models) + RAREST)
    drawn = [_draw_vehicle(plan, vehicle, frequent) for vehicle in range(plan.vehicles)]
    models = np.array([model for model, _, _ in drawn], np.int32)
    labelled = np.array([label for _, label, _ in drawn])
    counts = np.array([count for _, _, count in drawn], np.int64)
    training, testing = np.arange(plan.train), np.arange(plan.train, plan.vehicles)
    lists = {"train": training}
    if plan.totals is None:
        lists |= {f"test_{size}": testing[:size] for size in plan.tests}
    else:
        counts, labelled, tests = _meet(plan, plan.totals, counts)
        lists |= tests
    # Names say nothing about vehicles, and are out of order inside a list.
    names = generator(plan.seed, kind=FLEET).permutation(int(counts.sum())) + 1
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Fleet(models, labelled, starts, names.astype(np.int32), lists)


def _draw_vehicle(
    plan: Plan, vehicle: int, frequent: NDArray[np.float64]
) -> tuple[int, bool, int]:
    """A vehicle's model, whether it is labelled, and its number of images."""
    random = generator(plan.seed, vehicle, kind=FLEET)
    at = random.uniform(0, float(frequent[-1]))
    model = int(np.searchsorted(frequent, at, "right"))
    labelled = bool(random.random() < LABELLED)
    # A mixture of Poisson laws, whose tail is as long as the release's.
    rate = random.gamma(1.5, (plan.images - LEAST) / 1.5)
    return model, labelled, LEAST + int(random.poisson(rate))


def _meet(
    plan: Plan, totals: Totals, counts: Int
) -> tuple[Int, NDArray[np.bool_], dict[str, Int]]:
    """Numbers of images, labels and test lists that meet the totals."""
    random = generator(plan.seed, kind=LISTS)
    parts = np.split(counts, [plan.train])
    sums = (totals.train, totals.testing)
    parts = [with_sum(part, total, LEAST, random)
             for part, total in zip(parts, sums, strict=True)]  # fmt: skip
    labelled = np.zeros(counts.size, bool)
    wanted = zip(parts, (0, plan.train), totals.labelled_vehicles, totals.labelled,
                 strict=True)  # fmt: skip
    for part, first, vehicles, images in wanted:
        labelled[first + choose(part, vehicles, images, random)] = True
    tests = {
        f"test_{size}": plan.train + choose(parts[1], size, images, random)
        for size, images in zip(plan.tests, totals.tests, strict=True)
    }
    return np.concatenate(parts), labelled, tests

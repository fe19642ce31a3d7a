"""The drawn VehicleID: which vehicles there are, and its files as the release's.

A fleet meets the paper's sums of images exactly where its plan has them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pydrdl import paper
from pydrdl.arrays import Bool, Float64, Int
from pydrdl.errors import InputError
from pydrdl.files import renamed
from pydrdl.parallel import Progress, spread, unseen
from pydrdl.render.draws import (
    FLEET,
    LISTS,
    check_least,
    choose,
    generator,
    happens,
    with_sum,
)
from pydrdl.render.folder import drawn_folder, fill_folder
from pydrdl.render.model import draw_model
from pydrdl.render.photo import camera_of, encode, photograph
from pydrdl.render.vehicle import PAINTS, draw_vehicle

LEAST = 2  # images a vehicle, as in the release
LABELLED = paper.LABELLED_VEHICLES / paper.VEHICLES
# How fast models become rare. The release's 10,309 labelled vehicles are of 250
# models (228 of them occur), up to 331 of one: about exp(-8 rank / models), and
# some models with hardly a vehicle.
DECAY = 8.0
RAREST = 0.003
FAMILY_NAMES = {
    "saloon": "轿车", "hatchback": "两厢车", "suv": "越野车", "van": "面包车",
    "pick-up": "皮卡", "truck": "货车", "bus": "客车",
}  # fmt: skip
README = """# A rendered VehicleID

{images:,} drawn images of {vehicles:,} vehicles and {models} models, in the layout of
PKU VehicleID V1.0. No real vehicle is shown; licence plates are blank. Made by
tools/render_vehicleid.py of DRDL on Caffe with

    {plan}
"""


@dataclass(frozen=True)
class Totals:
    """Sums that a fleet must meet exactly."""

    train: int  # images of the training vehicles
    testing: int  # and of the testing vehicles
    tests: tuple[int, ...]  # images of each test list
    labelled: tuple[int, int]  # training and testing images with a model label
    labelled_vehicles: tuple[int, int]  # training and testing vehicles with one


@dataclass(frozen=True)
class FleetPlan:
    """What to render.

    Without totals, a list holds the vehicles of the shorter ones too. With them, as
    in the release, each list is a draw of its own.
    """

    train: int  # vehicles in train_list.txt
    tests: tuple[int, ...]  # vehicles in each test list, ascending; none trains
    models: int  # their number; most of them are rare
    images: float = 8.4  # mean number of images a vehicle, at least 2
    size: int = 128  # pixels a side
    seed: int = 1  # not negative
    testing: int = 0  # vehicles that do not train; 0: those of the longest list
    totals: Totals | None = None

    def __post_init__(self) -> None:
        if not self.tests or list(self.tests) != sorted(set(self.tests)):
            what = f"test lists of {self.tests} vehicles; expected ascending numbers"
            advice = "give each number once, the smallest first"
            raise InputError(what, "--test-vehicles", advice)
        check_least(
            ("--vehicles", self.train, 1), ("--test-vehicles", self.tests[0], 1),
            ("--models", self.models, 1), ("--images", self.images, LEAST),
            ("--size", self.size, 16), ("--seed", self.seed, 0),
        )  # fmt: skip

    @property
    def vehicles(self) -> int:
        """Number of all vehicles; the training vehicles come first."""
        return self.train + max(self.testing, self.tests[-1])


def _paper_plan() -> FleetPlan:
    """VehicleID as the paper's Tables 1 and 2 count it."""
    train, test = paper.TABLE_1["training"], paper.TABLE_1["testing"]
    # The paper does not say how many labelled vehicles train.
    share = train.labelled / (train.labelled + test.labelled)
    training = round(paper.LABELLED_VEHICLES * share)
    return FleetPlan(
        train=train.vehicles, tests=tuple(s.vehicles for s in paper.TEST_SPLITS),
        models=paper.MODELS, images=paper.IMAGES / paper.VEHICLES, size=256,
        testing=test.vehicles,
        totals=Totals(
            train.images, test.images, tuple(s.images for s in paper.TEST_SPLITS),
            (train.labelled, test.labelled),
            (training, paper.LABELLED_VEHICLES - training),
        ),
    )  # fmt: skip


PRESETS = {
    "mini": FleetPlan(train=24, tests=(12,), models=7, images=5.0, size=64),
    "demo": FleetPlan(train=300, tests=(50, 100, 200), models=20),
    "paper": _paper_plan(),
}


def changed(plan: FleetPlan, **values: object) -> FleetPlan:
    """Returns a plan with other values; other numbers drop the totals."""
    if values.keys() & {"train", "tests", "images"}:
        values |= {"totals": None, "testing": 0}
    return replace(plan, **values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class FleetVehicle:
    """A vehicle of the fleet."""

    vehicle: int  # its number and id
    model: int  # the number of its model
    labelled: bool  # whether its model and colour are published
    images: tuple[int, ...]  # the names of its images, numbers from 1


@dataclass(frozen=True)
class Fleet:
    """All vehicles, a few bytes for each vehicle and each image."""

    models: NDArray[np.int32]  # of each vehicle
    labelled: Bool  # whether its model and colour are published
    starts: Int  # N + 1 offsets into names
    names: NDArray[np.int32]  # of images, vehicle by vehicle; from 1, each once
    lists: Mapping[str, Int]  # the vehicles of "train", "test_800" and so on

    def __len__(self) -> int:
        return len(self.models)

    @property
    def counts(self) -> Int:
        """Images of each vehicle."""
        return np.diff(self.starts)

    def entry(self, vehicle: int) -> FleetVehicle:
        """Returns one vehicle."""
        names = self.names[self.starts[vehicle] : self.starts[vehicle + 1]].tolist()
        model, labelled = int(self.models[vehicle]), bool(self.labelled[vehicle])
        return FleetVehicle(vehicle, model, labelled, tuple(names))

    def entries(self) -> Iterator[FleetVehicle]:
        """All vehicles, by number."""
        return map(self.entry, range(len(self)))


def draw_fleet(plan: FleetPlan) -> Fleet:
    """Returns all vehicles, a pure function of the plan.

    Without totals, a vehicle's model, label and number of images do not depend
    on how many vehicles there are.
    """
    frequent = np.cumsum(np.exp(-DECAY * np.arange(plan.models) / plan.models) + RAREST)
    drawn = [_draw_vehicle(plan, vehicle, frequent) for vehicle in range(plan.vehicles)]
    columns = zip(*drawn, strict=True)
    models, labelled, counts = (np.array(column) for column in columns)
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
    return Fleet(
        models.astype(np.int32), labelled, starts, names.astype(np.int32), lists
    )


def _draw_vehicle(
    plan: FleetPlan, vehicle: int, frequent: Float64
) -> tuple[int, bool, int]:
    """A vehicle's model, whether it is labelled, and its number of images."""
    random = generator(plan.seed, vehicle, kind=FLEET)
    at = random.uniform(0, float(frequent[-1]))
    model = int(np.searchsorted(frequent, at, "right"))
    labelled = happens(random, LABELLED)
    # A mixture of Poisson laws, whose tail is as long as the release's.
    rate = random.gamma(1.5, (plan.images - LEAST) / 1.5)
    return model, labelled, LEAST + int(random.poisson(rate))


def _meet(
    plan: FleetPlan, totals: Totals, counts: Int
) -> tuple[Int, Bool, dict[str, Int]]:
    """Numbers of images, labels and test lists that meet the totals."""
    random = generator(plan.seed, kind=LISTS)
    train, test = np.split(counts, [plan.train])
    train = with_sum(train, totals.train, LEAST, random)
    test = with_sum(test, totals.testing, LEAST, random)
    labelled = np.zeros(counts.size, bool)
    for part, first, vehicles, images in zip(
        (train, test), (0, plan.train), totals.labelled_vehicles, totals.labelled,
        strict=True,
    ):  # fmt: skip
        labelled[first + choose(part, vehicles, images, random)] = True
    tests = {
        f"test_{size}": plan.train + choose(test, size, images, random)
        for size, images in zip(plan.tests, totals.tests, strict=True)
    }
    return np.concatenate([train, test]), labelled, tests


Lines = Iterator[str]


def attribute_files(plan: FleetPlan, fleet: Fleet) -> Iterator[tuple[str, Lines]]:
    """Yields the path and the lines of every file but images and split lists."""
    values = {key: value for key, value in asdict(plan).items() if key != "totals"}
    readme = README.format(
        images=len(fleet.names), vehicles=len(fleet), models=plan.models,
        plan=" ".join(f"{key}={value}" for key, value in values.items()),
    )  # fmt: skip
    yield "README.md", iter([readme])
    yield "attribute/img2vid.txt", _images_by_name(fleet)
    labelled = np.flatnonzero(fleet.labelled).tolist()
    yield "attribute/model_attr.txt", (f"{v} {fleet.models[v]}\n" for v in labelled)
    colours = (f"{v} {draw_vehicle(plan.seed, v).colour}\n" for v in labelled)
    yield "attribute/color_attr.txt", colours
    families = (draw_model(plan.seed, n).body.family for n in range(plan.models))
    names = (f"{FAMILY_NAMES[name]}{n:03d} {n}\n" for n, name in enumerate(families))
    yield "attribute/model_names.txt", names
    # The release ends the lines of this one file so.
    paints = (f"{name} {number}\r\n" for number, name in enumerate(PAINTS))
    yield "attribute/color_names.txt", paints


def split_files(fleet: Fleet) -> Iterator[tuple[str, Lines]]:
    """Yields the name and the lines of every split list."""
    for name, vehicles in fleet.lists.items():
        kind, _, size = name.partition("_")
        file = f"{kind}_list_{size}.txt" if size else f"{kind}_list.txt"
        yield file, _images_of(fleet, vehicles)


def _images_of(fleet: Fleet, vehicles: Int) -> Lines:
    for vehicle in vehicles.tolist():
        for name in fleet.entry(vehicle).images:
            yield f"{name:07d} {vehicle}\n"


def _images_by_name(fleet: Fleet) -> Lines:
    owners = np.repeat(np.arange(len(fleet)), fleet.counts)
    for place in np.argsort(fleet.names):
        yield f"{fleet.names[place]:07d} {owners[place]}\n"


def render_vehicleid(
    plan: FleetPlan,
    output: Path,
    *,
    workers: int | None = None,
    progress: Progress = unseen,
) -> Fleet:
    """Renders a fleet and writes it as VehicleID V1.0 lies on disk.

    An interrupted run's folder is taken up. None takes a process for each processor,
    1 stays in this one.

    Raises:
        InputError: the folder holds something else, or other plans' images, or
            cannot be written.
    """
    fleet = draw_fleet(plan)
    task = partial(_render, plan, drawn_folder(output).partial / "image")
    done = progress(spread(task, fleet.entries(), workers), "vehicles", len(fleet))
    fill_folder(
        output, json.dumps(asdict(plan)), ("image", "attribute"), done,
        attribute_files(plan, fleet), split_files(fleet),
    )  # fmt: skip
    return fleet


def _render(plan: FleetPlan, folder: Path, entry: FleetVehicle) -> int:
    """Renders the images of a vehicle that are not there yet."""
    model = draw_model(plan.seed, entry.model)
    vehicle = draw_vehicle(plan.seed, entry.vehicle)
    for image, name in enumerate(entry.images):
        path = folder / f"{name:07d}.jpg"
        if not path.exists():
            numbers = (plan.seed, entry.vehicle, image)
            pixels = photograph(model, vehicle, *numbers, plan.size)
            with renamed(path) as part:
                part.write_bytes(encode(pixels, camera_of(*numbers).quality))
    return len(entry.images)

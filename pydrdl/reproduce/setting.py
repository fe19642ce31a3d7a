"""What the tables are made from, and at which size."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydrdl import paper

_COLUMNS = [split.name for split in paper.TEST_SPLITS]


VEHICLEID, COMPCARS = "VehicleID", "CompCars"


@dataclass(frozen=True)
class Source:
    """A data set that nets learn from.

    Attributes:
        name: its name.
        root: its folder.
        renderer: the tool that draws one where none is given, and its options;
            none where it is given.
        training: the split that nets learn from.
        prefix: of the names of what is made from it.
        mark: of the image LMDB for the nets that learn by softmax alone.
        options: that LMDB's, as build_lmdb.py takes them.
        longer: times that every training lasts as long as the setting says.
    """

    name: str
    root: Path
    renderer: tuple[str, ...]
    training: str
    prefix: str
    mark: str
    options: tuple[str, ...]
    longer: int = 1


@dataclass(frozen=True)
class Setting:
    """One way to reproduce the tables.

    Attributes:
        name: of the preset, for titles.
        work: the folder for everything that is made.
        tools: the folder of the commands.
        render: the renderer's preset, where data is None.
        base: sizes of the nets, "demo" or "paper".
        side: of the images in the LMDBs, pixels.
        splits: the data set's split for each column of the paper's tables.
        iterations: of every training.
        stepsize: iterations between steps of the learning rate.
        snapshot: iterations between snapshots.
        data: VehicleID's folder; None: it is rendered.
        compcars: CompCars' folder; None: without it.
        seeds: one training of each method for each.
        weights: a VGG_CNN_M_1024 caffemodel to start from, all nets but
            GoogLeNet; None: random.
        gpu: as the caffe command takes it; "" for the CPU.
        repeats: random galleries.
        pairs: of each kind, drawn of CompCars' part II for the threshold.
        web_longer: times that trainings on CompCars last as long.
    """

    name: str
    work: Path
    tools: Path
    render: str
    base: str
    side: int
    splits: Mapping[str, str]
    iterations: int
    stepsize: int
    snapshot: int
    data: Path | None = None
    compcars: Path | None = None
    seeds: tuple[int, ...] = (1,)
    weights: Path | None = None
    gpu: str = ""
    repeats: int = 10
    pairs: int = 10_000
    web_longer: int = 1

    @property
    def vehicleid(self) -> Source:
        """What Tables 4 and 6 and Fig. 10 are of."""
        return Source(
            name=VEHICLEID,
            root=self.data or self.work / VEHICLEID,
            renderer=() if self.data else ("render_vehicleid.py",),
            training="train",
            prefix="",
            # A softmax learns nothing from an image without a label.
            mark="_labelled",
            options=("--labelled-only",),
        )

    @property
    def fresh(self) -> Source:
        """Vehicles on which nothing was chosen: others are drawn.

        Of a data set that was given there are no others; it is the same one.
        """
        if self.data is not None:
            return self.vehicleid
        return replace(
            self.vehicleid,
            name="fresh",
            root=self.work / "fresh",
            renderer=(*self.vehicleid.renderer, "--seed", "2"),
            prefix="fresh_",
        )

    @property
    def web(self) -> Source:
        """What Table 3 is of: CompCars, whose car models stand for vehicles."""
        return Source(
            name=COMPCARS,
            root=self.compcars or self.work / COMPCARS,
            renderer=() if self.compcars else ("render_compcars.py",),
            training="part1",
            prefix="compcars_",
            # The baselines' softmax is over car models, not makes.
            mark="_models",
            options=("--vehicles-as-models",),
            longer=self.web_longer,
        )


def mini(work: Path, tools: Path) -> Setting:
    """A handful of iterations on a handful of vehicles: shows that all runs."""
    return Setting(
        name="mini",
        work=work,
        tools=tools,
        render="mini",
        base="demo",
        side=72,
        splits={_COLUMNS[0]: "test_12"},
        iterations=4,
        stepsize=2,
        snapshot=2,
        pairs=10,
    )


def demo(work: Path, tools: Path) -> Setting:
    """Small nets on rendered vehicles: minutes on two CPU cores."""
    splits = ("test_50", "test_100", "test_200")
    return Setting(
        name="demo",
        work=work,
        tools=tools,
        render="demo",
        base="demo",
        side=72,
        splits=dict(zip(_COLUMNS, splits, strict=True)),
        iterations=300,
        stepsize=100,
        snapshot=50,
        pairs=2000,
        # Cars of many colours from all sides take longer to learn.
        web_longer=2,
    )


def full(work: Path, tools: Path) -> Setting:
    """The paper's nets and training (Sec. 3.4) on VehicleID: days on a GPU."""
    splits = [f"test_{split.vehicles}" for split in paper.TEST_SPLITS]
    return Setting(
        name="paper",
        work=work,
        tools=tools,
        render="paper",
        base="paper",
        side=256,
        splits=dict(zip(_COLUMNS, splits, strict=True)),
        iterations=64000,
        stepsize=8000,
        snapshot=8000,
    )


PRESETS = {"mini": mini, "demo": demo, "paper": full}

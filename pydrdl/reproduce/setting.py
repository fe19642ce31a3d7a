"""What the tables are made from, and at which size."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydrdl import paper

_COLUMNS = [split.name for split in paper.TEST_SPLITS]


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

    @property
    def root(self) -> Path:
        """The data set's folder."""
        return self.data or self.work / "VehicleID"


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

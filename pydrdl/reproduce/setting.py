"""What nets learn from, how large all is, and what is changed in them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydrdl import paper

VEHICLEID, COMPCARS = "VehicleID", "CompCars"
TRAINING_LOG = "caffe.log"  # what Caffe printed, in a training's folder
_COLUMNS = [split.name for split in paper.TEST_SPLITS]

# The nets behind the paper's rows (Tables 4 and 6).
STRUCTURES = {
    paper.VGG_TRIPLET: "triplet",
    paper.VGG_CCL: "ccl",
    paper.MIXED_CCL: "mixed_difference",
}


# What makes the demo's nets like the paper's: LRN, no batch normalisation, dropout.
PAPER_FORM = ("--no-batch-norm", "--dropout", "0.5")
# Starts in the words of tables.
STARTS = {
    "": "random, batch normalisation",
    "lrn": "random",
    "pretrained": "pretrained",
    "vehicles": "pretrained on drawn vehicles",
}
# Of the softmax over drawn car models that stands for ImageNet's.
PRETRAINED = Path("models/demo_softmax/demo_softmax.caffemodel")
# As many drawn vehicles as the paper's own net can see on a CPU in hours; and those of
# other models for the softmax that it starts from.
FEW = ("--vehicles", "1000", "--models", "100", "--images", "8",
       "--test-vehicles", "200", "--seed", "1")  # fmt: skip
FEW_WORLD = ("--vehicles", "2000", "--models", "200", "--images", "6",
             "--test-vehicles", "200", "--seed", "3")  # fmt: skip
FOLDS = 5  # of the photographs' vehicles
CHOOSING = 3  # of them, the first ones: what helps is chosen on these, not on the rest


@dataclass(frozen=True)
class TrainingData:
    """A data set that nets learn from."""

    name: str
    root: Path  # its folder; of photographs, an image list
    renderer: tuple[str, ...]  # draws it, with its options; () where it is given
    training: str  # the split that nets learn from
    prefix: str  # of the names of what is made from it
    mark: str  # of the image LMDB for the nets that learn by softmax alone
    options: tuple[str, ...]  # that LMDB's, as build_lmdb.py takes them
    iterations: int  # of every training
    side: int  # of the LMDB's images, pixels
    photographs: Path | None = None  # the folder of an image list's images


@dataclass(frozen=True)
class Start:
    """What nets are before they learn from vehicles."""

    name: str  # for names of files; "" for the setting's own
    options: tuple[str, ...] = ()  # of the nets, as make_nets.py takes them
    weights: Path | None = None  # a caffemodel; None: random weights, or source's
    source: "TrainedNet | None" = None  # a training of this chain that goes on


LRN = Start("lrn", PAPER_FORM)


@dataclass(frozen=True)
class TrainedNet:
    """One training: on what, of what build, with which change."""

    data: TrainingData
    structure: str  # a folder that make_nets.py writes, such as "ccl"
    seed: int  # of the first weights and of the batches
    change: str = ""  # for names of files; "" for nothing changed
    options: tuple[str, ...] = ()  # the change, as make_nets.py takes it
    start: Start = Start("")
    trained: bool = True  # otherwise it stays as its random weights have made it

    @property
    def learns_vehicles(self) -> bool:
        """Whether an embedding loss trains it, not only a softmax over models."""
        return self.structure in STRUCTURES.values()

    @property
    def lmdb(self) -> str:
        """Names the image LMDB that it learns from."""
        mark = "" if self.learns_vehicles else self.data.mark
        return f"{self.data.prefix}{self.data.training}{mark}"

    @property
    def folder(self) -> str:
        """Names the net's prototxt files, which one command writes for all."""
        kind = "nets" if self.learns_vehicles else "softmax_nets"
        return f"{self.data.prefix}{kind}/{self._variant('/')}"

    @property
    def step(self) -> str:
        """Names its training among steps."""
        return f"{self.data.prefix}{self.structure}/{self._variant('/')}"

    @property
    def file(self) -> str:
        """Names its training among files."""
        return f"{self.data.prefix}{self.structure}_{self._variant('_')}"

    def _variant(self, separator: str) -> str:
        mark = "" if self.trained else "untrained"
        parts = (self.start.name, self.change, mark, f"seed{self.seed}")
        return separator.join(filter(None, parts))


@dataclass(frozen=True)
class Setting:
    """One way to reproduce the tables."""

    name: str  # of the preset, for titles
    work: Path  # the folder for everything that is made
    tools: Path  # the folder of the commands
    render: str  # the renderer's preset, where data is None
    base: str  # sizes of the nets, "demo" or "paper"
    side: int  # of the images in the LMDBs, pixels
    splits: Mapping[str, str]  # the data set's, for columns of the paper's tables
    iterations: int  # of every training
    stepsize: int  # iterations between steps of the learning rate
    snapshot: int  # iterations between snapshots
    data: Path | None = None  # VehicleID's folder; None: it is rendered
    compcars: Path | None = None  # CompCars' folder; None: it is rendered
    seeds: tuple[int, ...] = (1,)  # one training of each method for each
    start: Start = Start("")  # of all nets but GoogLeNet
    drawn: tuple[str, ...] = ()  # further options of the renderer of vehicles
    fewest: int = 300  # vehicles that growth begins with
    # Those that draw the world of the softmax that other nets start from.
    world: tuple[str, ...] = ("--seed", "3")
    softmax_longer: int = 1  # times that its training lasts as long
    photographs: Path | None = None  # <class>_<number>_cam<1|2>.jpg
    photograph_iterations: int = 600  # of every training on them
    gpu: str = ""  # as the caffe command takes it; "" for the CPU
    repeats: int = 10  # random galleries
    pairs: int = 10_000  # of each kind, drawn of CompCars' part II for the threshold
    web_longer: int = 1  # times that trainings on CompCars last as long
    # Further options of the renderer of CompCars for Table 3.
    drawn_models: tuple[str, ...] = ()
    # The first learning rate of classifiers with random weights; None: all others'.
    classifier_rate: float | None = None

    @property
    def vehicleid(self) -> TrainingData:
        """What Tables 4 and 6 and Fig. 10 are of."""
        return TrainingData(
            name=VEHICLEID,
            root=self.data or self.work / VEHICLEID,
            renderer=() if self.data else ("render_vehicleid.py", *self.drawn),
            training="train",
            prefix="",
            # A softmax learns nothing from an image without a label.
            mark="_labelled",
            options=("--labelled-only",),
            iterations=self.iterations,
            side=self.side,
        )

    @property
    def heldout(self) -> TrainingData:
        """Vehicles on which nothing was chosen: others are drawn.

        Of a data set that was given there are no others: its test vehicles are held
        out.
        """
        if self.data is not None:
            return self.vehicleid
        # Nothing learns from them: as few to train on as the check lets pass. Where the
        # preset is the renderer's own, it stays.
        fewest = ("--vehicles", "6") if self.drawn else ()
        return replace(
            self.vehicleid,
            name="heldout",
            root=self.work / "heldout",
            renderer=(*self.vehicleid.renderer, *fewest, "--seed", "2"),
            prefix="heldout_",
        )

    @property
    def softmax_world(self) -> TrainingData:
        """Drawn vehicles of other models: what ImageNet was to the paper's nets."""
        return replace(
            self.vehicleid,
            name="softmax_world",
            root=self.work / "softmax_world",
            renderer=("render_vehicleid.py", *self.world),
            prefix="world_",
            iterations=self.softmax_longer * self.iterations,
        )

    def few(self, *, world: bool = False) -> TrainingData:
        """Vehicles for the paper's own net, or the world of the softmax before it."""
        name, drawn = ("few_world", FEW_WORLD) if world else ("few", FEW)
        return replace(
            self.vehicleid,
            name=name,
            root=self.work / name,
            renderer=("render_vehicleid.py", *drawn),
            prefix=f"{name}_",
        )

    def grown(self, vehicles: int) -> TrainingData:
        """As many drawn vehicles to learn from, of the same models."""
        return replace(
            self.vehicleid,
            name=f"{vehicles}_vehicles",
            root=self.work / f"vehicles{vehicles}",
            renderer=(*self.vehicleid.renderer, "--vehicles", str(vehicles)),
            prefix=f"vehicles{vehicles}_",
        )

    def fold(self, number: int, part: str = "train") -> TrainingData:
        """Photographs of all vehicles but a fold's (part "test": of that fold's)."""
        folder = self.work / "photographs" / f"fold{number}"
        return TrainingData(
            name=f"fold{number}_{part}",
            root=folder / f"{part}.txt",
            renderer=("two_camera_lists.py",),
            training="all",
            prefix=f"fold{number}_",
            mark="",
            options=(),
            iterations=self.photograph_iterations,
            side=self.side,
            photographs=self.photographs,
        )

    @property
    def pretrained(self) -> Start:
        """From weights that a softmax learned from the softmax world."""
        return Start("pretrained", PAPER_FORM, self.tools.parent / PRETRAINED)

    @property
    def web(self) -> TrainingData:
        """CompCars, whose car models stand for vehicles."""
        return TrainingData(
            name=COMPCARS,
            root=self.compcars or self.work / COMPCARS,
            renderer=() if self.compcars else ("render_compcars.py",),
            training="part1",
            prefix="compcars_",
            # The baselines' softmax is over car models, not makes.
            mark="_models",
            options=("--vehicles-as-models",),
            iterations=self.web_longer * self.iterations,
            side=self.side,
        )

    @property
    def car_models(self) -> TrainingData:
        """What Table 3 is of: CompCars, of which more may be drawn for it."""
        if self.compcars or not self.drawn_models:
            return self.web
        return replace(
            self.web,
            name="car models",
            root=self.work / "CarModels",
            renderer=(*self.web.renderer, *self.drawn_models),
            prefix="carmodels_",
        )


def mini(work: Path, tools: Path) -> Setting:
    """A handful of iterations on a handful of vehicles: shows that all runs."""
    return Setting(
        "mini", work, tools, render="mini", base="demo", side=72,
        splits={_COLUMNS[0]: "test_12"},
        iterations=4, stepsize=2, snapshot=2, pairs=10, photograph_iterations=4,
        fewest=24, classifier_rate=0.1,
    )  # fmt: skip


def demo(work: Path, tools: Path) -> Setting:
    """Small nets on rendered vehicles: minutes on two CPU cores."""
    splits = ("test_50", "test_100", "test_200")
    return Setting(
        "demo", work, tools, render="demo", base="demo", side=72,
        splits=dict(zip(_COLUMNS, splits, strict=True)),
        iterations=300, stepsize=100, snapshot=50, pairs=2000,
        world=("--vehicles", "3000", "--models", "200", "--images", "6",
               "--test-vehicles", "200", "--seed", "3"),
        softmax_longer=10,
        # Cars of many colours from all sides take longer to learn.
        web_longer=2,
        classifier_rate=0.1,
    )  # fmt: skip


def full(work: Path, tools: Path) -> Setting:
    """The paper's nets and training (Sec. 3.4) on VehicleID: days on a GPU."""
    return Setting(
        "paper", work, tools, render="paper", base="paper", side=256,
        splits={split.name: f"test_{split.vehicles}" for split in paper.TEST_SPLITS},
        iterations=64000, stepsize=8000, snapshot=8000,
    )  # fmt: skip


def larger(work: Path, tools: Path) -> Setting:
    """Five times the demo's vehicles and iterations; the paper's solver in small."""
    splits = ("test_200", "test_400", "test_800")
    tests = (word for n in (200, 400, 800) for word in ("--test-vehicles", str(n)))
    return replace(
        demo(work, tools),
        name="larger",
        splits=dict(zip(_COLUMNS, splits, strict=True)),
        drawn=("--vehicles", "1500", "--models", "50", *tests),
        drawn_models=("--models", "300", "100", "100",
                      "--images", "6000", "1500", "1500"),
        iterations=1600, stepsize=200, snapshot=400, web_longer=1, softmax_longer=2,
    )  # fmt: skip


PRESETS = {"mini": mini, "demo": demo, "larger": larger, "paper": full}

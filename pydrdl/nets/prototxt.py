"""The prototxt files as text: what stands in prototxt/, and nets for own data."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from pydrdl import messages
from pydrdl.errors import InputError, reading
from pydrdl.files import exists, read_bytes
from pydrdl.lmdb import labels
from pydrdl.lmdb.environment import AGAIN, to_read
from pydrdl.lmdb.pair_index import read_pair_index
from pydrdl.nets import softmax, structures

HEADER = "# Written by tools/make_nets.py from pydrdl/nets/{module}.py; edit there.\n"
# For files that hold paths.
PATHS = "# Relative paths start from the folder in which caffe is started.\n"

TITLES: dict[str, str] = {
    "mixed_difference": "mixed difference net with coupled clusters loss (Fig. 6)",
    "ccl": "one branch with coupled clusters loss (Eq. 6)",
    "triplet": "one branch with triplet loss (Eq. 3)",
    "vgg_softmax": "vehicle models by softmax (Fig. 10)",
    "googlenet_softmax": "vehicle models by softmax (Fig. 10)",
}
# Everything that a family has files of.
Net = structures.Structure | softmax.Baseline
NETS: tuple[Net, ...] = (*structures.STRUCTURES, *softmax.BASELINES)
# Those with a softmax over vehicle models, which learns from labelled images.
LEARN_MODELS: tuple[Net, ...] = ("mixed_difference", *softmax.BASELINES)

# VehicleID has 250 vehicle models (Sec. 4).
VEHICLEID = structures.Training(
    train_lmdb="data/VehicleID/train_lmdb",
    test_lmdb="data/VehicleID/test_800_lmdb",
    num_models=250,
)
# Without the images that have no model label: more than half of them, and all
# of test_800. The whole test part (Table 1) has labelled ones.
VEHICLEID_LABELLED = replace(
    VEHICLEID,
    train_lmdb="data/VehicleID/train_labelled_lmdb",
    test_lmdb="data/VehicleID/test_labelled_lmdb",
)
RENDERED = structures.Training(
    train_lmdb="data/demo/train_lmdb",
    test_lmdb="data/demo/test_100_lmdb",
    num_models=20,
    cache="DECODED",
)
DEMO_SCHEDULE = structures.Schedule(
    max_iter=300, stepsize=100, snapshot=300, display=10, test_interval=100, test_iter=2
)


class NetFiles(NamedTuple):
    """Where a net's files lie."""

    folder: str  # of its prototxt files
    solver: str  # path of its solver
    # The snapshot_prefix; not a folder that exists, which Caffe would silently put
    # "solver" behind.
    snapshots: str


@dataclass(frozen=True)
class Family:
    """Nets of one size, trained on one data set."""

    backbone: structures.Backbone  # of the three structures and of vgg_softmax
    googlenet: softmax.GoogLeNet  # of googlenet_softmax
    training: structures.Training  # of the three structures
    labelled: structures.Training  # of the softmax nets
    schedule: structures.Schedule  # of all
    files: dict[Net, NetFiles]  # of each net

    def that_sees(self, **changes: Any) -> "Family":
        """The same nets with other images to see: changes are fields of Sizes."""
        return replace(
            self,
            backbone=replace(self.backbone, **changes),
            googlenet=replace(self.googlenet, **changes),
        )


def _committed(root: str, snapshots: str, **folders: str) -> dict[Net, NetFiles]:
    """Files in prototxt/, where the paper's net has its solver above its folder."""
    files = {}
    for net in NETS:
        folder = f"{root}/{folders.get(net, net)}"
        above = root if net == "mixed_difference" else folder
        files[net] = NetFiles(folder, f"{above}/solver.prototxt", f"{snapshots}/{net}")
    return files


PAPER_FAMILY = Family(
    structures.VGG_CNN_M_1024,
    softmax.GOOGLENET,
    VEHICLEID,
    VEHICLEID_LABELLED,
    structures.Schedule(),
    _committed("prototxt", "data/VehicleID", ccl="vgg_ccl", triplet="vgg_triplet"),
)
DEMO_FAMILY = Family(
    structures.DEMO,
    softmax.DEMO_GOOGLENET,
    RENDERED,
    RENDERED,
    DEMO_SCHEDULE,
    _committed("prototxt/demo", "data/demo"),
)
FAMILIES = {"demo": DEMO_FAMILY, "paper": PAPER_FAMILY}
# Below these sides of the input, a pooling of some net has too little to pool.
LEAST_CROP = {"demo": 15, "paper": 47}


def own_family(
    base: Family,
    folder: str,
    training: structures.Training,
    schedule: structures.Schedule,
) -> Family:
    """A family's nets for another data set, all files below one folder."""
    files = {
        net: NetFiles(
            f"{folder}/{net}",
            f"{folder}/{net}/solver.prototxt",
            f"{folder}/{net}/{net}",
        )
        for net in NETS
    }
    return replace(
        base, training=training, labelled=training, schedule=schedule, files=files
    )


def prototxt_files(
    family: Family, nets: Sequence[Net] = NETS
) -> Iterator[tuple[str, str]]:
    """Yields (path, text) of every file of some of a family's nets."""
    for name in nets:
        files = family.files[name]
        spec = family.googlenet if name == "googlenet_softmax" else family.backbone
        title = f"{spec.name}: {TITLES[name]}"
        module = "softmax" if name in softmax.BASELINES else "structures"
        train_val, deploy = _train_val_and_deploy(name, family)
        net = f"{files.folder}/train_val.prototxt"
        yield net, _text(train_val, title, module, PATHS)
        deployed = _text(deploy, f"{title}, its feature", module)
        yield f"{files.folder}/deploy.prototxt", deployed
        values = {
            "resize": spec.resize,
            "crop": spec.crop,
            "mean": list(spec.mean),
            "scale": spec.scale,
        }
        yield f"{files.folder}/preprocess.json", json.dumps(values, indent=2) + "\n"
        solver = structures.solver(net, files.snapshots, family.schedule)
        title += ", Sec. 3.4"
        yield files.solver, _text(solver, title, "structures", PATHS)


def _train_val_and_deploy(name: Net, family: Family) -> tuple[Any, Any]:
    """The net that is trained, and the one that gives its feature."""
    backbone, training = family.backbone, family.training
    if name == "vgg_softmax" or name == "googlenet_softmax":
        spec = backbone if name == "vgg_softmax" else family.googlenet
        trained = softmax.train_val_net(spec, family.labelled)
        return trained, softmax.deploy_net(spec)
    trained = structures.train_val_net(name, backbone, training)
    wide = training.wide_fc8
    return trained, structures.deploy_net(name, backbone, wide_fc8=wide)


def _text(message: Any, title: str, module: str, more: str = "") -> str:
    header = HEADER.format(module=module) + more
    return f"# {title}.\n{header}{text_format.MessageToString(message)}"


# Nets for an image LMDB of one's own: which can learn from it, and what is next.

FEWEST_MODELS = 2  # of one alone, a softmax has nothing to tell apart
WITHOUT_MODELS = tuple(net for net in NETS if net not in LEARN_MODELS)
LABEL = "write a model_id behind every vehicle_id in the list, and build the LMDB again"


@dataclass(frozen=True)
class TrainingImages:
    """What nets need to know of the image LMDB that they learn from."""

    lmdb: Path  # its folder
    # Model labels lie in 0 .. num_models - 1.
    num_models: int
    seen_models: int  # those of them that images have
    size: tuple[int, int]  # height and width of its first image, pixels

    @property
    def labels(self) -> str:
        """What model labels it has, where too few."""
        if self.seen_models:
            return f"all labelled images of {self.lmdb} are of one vehicle model"
        return f"no image of {self.lmdb} has a model label"


def look(lmdb: Path) -> TrainingImages:
    """Looks at an image LMDB; InputError where it is missing or damaged."""
    index = read_pair_index(lmdb)
    with (
        reading("the LMDB", lmdb, AGAIN),
        to_read(lmdb) as environment,
        environment.begin() as transaction,
    ):
        value = next(iter(transaction.cursor().iternext(keys=False)), b"")
    try:
        first = messages.Datum.FromString(value)
    except DecodeError as error:
        raise InputError("the first record is no Datum", lmdb, AGAIN) from error
    seen = {vehicle.model_id for vehicle in index.vehicles} - {-1}
    return TrainingImages(
        lmdb, index.num_models, len(seen), (first.height, first.width)
    )


def choose(data: TrainingImages, asked: Sequence[Net]) -> tuple[Net, ...]:
    """The nets to write: those asked for, or all that can learn from the data.

    Raises:
        InputError: one that was asked for learns vehicle models, and there are
            too few.
    """
    if data.seen_models >= FEWEST_MODELS:
        return tuple(asked) or NETS
    refused = [net for net in asked if net in LEARN_MODELS]
    if refused:
        raise InputError(
            f"{', '.join(refused)} would learn nothing of vehicle models, the softmax "
            f"loss being 0 from the start: {data.labels}",
            data.lmdb,
            f"train {' or '.join(WITHOUT_MODELS)}; or {LABEL}",
        )
    return tuple(asked) or WITHOUT_MODELS


def left_out(data: TrainingImages, nets: Sequence[Net], family: Family) -> list[str]:
    """Which nets are not written, all that can learn being, and why; a line each."""
    others = [net for net in NETS if net not in nets]
    if not others:
        return []
    found = [
        f"not written: {', '.join(others)}, which learn vehicle models: "
        f"{data.labels}; to train them, {LABEL}"
    ]
    if old := [net for net in others if exists(Path(family.files[net].solver))]:
        found.append(
            f"warning: {', '.join(old)} there are of earlier data: delete them"
        )
    return found


def size_warning(data: TrainingImages, family: Family) -> str:
    """How the images differ from those that the nets are for; "" where they do not."""
    resize, crop = family.backbone.resize, family.backbone.crop
    if data.size == (resize, resize):
        return ""
    wanted = "need" if is_too_small(data, family) else "see no more of them than"
    return (
        f"warning: the images of {data.lmdb} have {data.size[1]} x {data.size[0]} "
        f"pixels; these nets are for {resize} x {resize}, and {wanted} {crop} x "
        f"{crop}: build it with tools/build_lmdb.py --size {resize}, or give --crop"
    )


def is_too_small(data: TrainingImages, family: Family) -> bool:
    """Whether the images are smaller than the nets' input."""
    return min(data.size) < family.backbone.crop


def label_files(lmdb: Path, family: Family, nets: Sequence[Net]) -> dict[Path, bytes]:
    """An LMDB's labels.json, for the folder of each net that is trained from it.

    Raises:
        InputError: it is missing or damaged.
    """
    labels.read_labels(lmdb)
    data = read_bytes(lmdb / labels.FILE_NAME, labels.WHAT, AGAIN)
    return {Path(family.files[net].folder) / labels.FILE_NAME: data for net in nets}

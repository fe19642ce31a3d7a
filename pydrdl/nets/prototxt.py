"""The prototxt files as text: what stands in prototxt/, and nets for own data."""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from pydrdl import messages
from pydrdl.errors import InputError, reading
from pydrdl.files import exists, read_bytes
from pydrdl.lmdb import labels
from pydrdl.lmdb.environment import AGAIN, to_read
from pydrdl.lmdb.pair_index import read_pair_index
from pydrdl.nets import softmax, structures
from pydrdl.nets.softmax import (
    BASELINES,
    DEMO_GOOGLENET,
    GOOGLENET,
    Baseline,
    GoogLeNet,
)
from pydrdl.nets.structures import (
    DEMO,
    VGG_CNN_M_1024,
    Backbone,
    Schedule,
    Structure,
    Training,
)

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
Net = Structure | Baseline
NETS: tuple[Net, ...] = (*structures.STRUCTURES, *BASELINES)
# Those with a softmax over vehicle models, which learns from labelled images.
LEARN_MODELS: tuple[Net, ...] = ("mixed_difference", *BASELINES)

# VehicleID has 250 vehicle models (Sec. 4).
VEHICLEID = Training(
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
RENDERED = Training(
    train_lmdb="data/demo/train_lmdb",
    test_lmdb="data/demo/test_100_lmdb",
    num_models=20,
    cache="DECODED",
)
DEMO_SCHEDULE = Schedule(
    max_iter=300, stepsize=100, snapshot=300, display=10, test_interval=100, test_iter=2
)


@dataclass(frozen=True)
class Family:
    """Nets of one size, trained on one data set.

    Attributes:
        backbone: of the three structures and of vgg_softmax.
        googlenet: of googlenet_softmax.
        training: of the three structures.
        labelled: of the softmax nets.
        folder: of each net's files.
        solvers: path of each net's solver.
        snapshots: each net's snapshot_prefix; not a folder that exists, which
            Caffe would silently put "solver" behind.
    """

    backbone: Backbone
    googlenet: GoogLeNet
    training: Training
    labelled: Training
    schedule: Schedule
    folder: dict[Net, str]
    solvers: dict[Net, str]
    snapshots: dict[Net, str]


PAPER_FAMILY = Family(
    VGG_CNN_M_1024,
    GOOGLENET,
    VEHICLEID,
    VEHICLEID_LABELLED,
    Schedule(),
    folder={
        "mixed_difference": "prototxt/mixed_difference",
        "ccl": "prototxt/vgg_ccl",
        "triplet": "prototxt/vgg_triplet",
        "vgg_softmax": "prototxt/vgg_softmax",
        "googlenet_softmax": "prototxt/googlenet_softmax",
    },
    solvers={
        "mixed_difference": "prototxt/solver.prototxt",
        "ccl": "prototxt/vgg_ccl/solver.prototxt",
        "triplet": "prototxt/vgg_triplet/solver.prototxt",
        "vgg_softmax": "prototxt/vgg_softmax/solver.prototxt",
        "googlenet_softmax": "prototxt/googlenet_softmax/solver.prototxt",
    },
    snapshots={s: f"data/VehicleID/{s}" for s in NETS},
)
DEMO_FAMILY = Family(
    DEMO,
    DEMO_GOOGLENET,
    RENDERED,
    RENDERED,
    DEMO_SCHEDULE,
    folder={s: f"prototxt/demo/{s}" for s in NETS},
    solvers={
        "mixed_difference": "prototxt/demo/solver.prototxt",
        "ccl": "prototxt/demo/ccl/solver.prototxt",
        "triplet": "prototxt/demo/triplet/solver.prototxt",
        "vgg_softmax": "prototxt/demo/vgg_softmax/solver.prototxt",
        "googlenet_softmax": "prototxt/demo/googlenet_softmax/solver.prototxt",
    },
    snapshots={s: f"data/demo/{s}" for s in NETS},
)
FAMILIES = {"demo": DEMO_FAMILY, "paper": PAPER_FAMILY}


def own_family(
    base: Family, folder: str, training: Training, schedule: Schedule
) -> Family:
    """A family's nets for another data set, all files below one folder."""
    return replace(
        base,
        training=training,
        labelled=training,
        schedule=schedule,
        folder={s: f"{folder}/{s}" for s in NETS},
        solvers={s: f"{folder}/{s}/solver.prototxt" for s in NETS},
        snapshots={s: f"{folder}/{s}/{s}" for s in NETS},
    )


def prototxt_files(
    family: Family, nets: Sequence[Net] = NETS
) -> Iterator[tuple[str, str]]:
    """Yields (path, text) of every file of some of a family's nets."""
    for name in nets:
        folder = family.folder[name]
        spec = family.googlenet if name == "googlenet_softmax" else family.backbone
        title = f"{spec.name}: {TITLES[name]}"
        train_val, deploy = _nets(name, family)
        module = "softmax" if name in BASELINES else "structures"
        yield f"{folder}/train_val.prototxt", _text(train_val, title, module, PATHS)
        deployed = _text(deploy, f"{title}, its feature", module)
        yield f"{folder}/deploy.prototxt", deployed
        yield f"{folder}/preprocess.json", _preprocess(spec)
        solver = structures.solver(
            f"{folder}/train_val.prototxt", family.snapshots[name], family.schedule
        )
        title += ", Sec. 3.4"
        yield family.solvers[name], _text(solver, title, "structures", PATHS)


def _nets(name: Net, family: Family) -> tuple[Any, Any]:
    """The net that is trained, and the one that gives its feature."""
    if name == "vgg_softmax" or name == "googlenet_softmax":
        spec = family.backbone if name == "vgg_softmax" else family.googlenet
        return (
            softmax.train_val_net(spec, family.labelled),
            softmax.deploy_net(spec),
        )
    training = family.training
    return (
        structures.train_val_net(name, family.backbone, training),
        structures.deploy_net(name, family.backbone, wide_fc8=training.wide_fc8),
    )


def _text(message: Any, title: str, module: str, more: str = "") -> str:
    header = HEADER.format(module=module) + more
    return f"# {title}.\n{header}{text_format.MessageToString(message)}"


def _preprocess(spec: Backbone | GoogLeNet) -> str:
    """What the data layer does to an image, for those that read images."""
    values = {
        "resize": spec.resize,
        "crop": spec.crop,
        "mean": list(spec.mean),
        "scale": spec.scale,
    }
    return json.dumps(values, indent=2) + "\n"


# Nets for an image LMDB of one's own: which can learn from it, and what is next.

FEWEST_MODELS = 2  # of one alone, a softmax has nothing to tell apart
LABEL = "write a model_id behind every vehicle_id in the list, and build the LMDB again"


@dataclass(frozen=True)
class Data:
    """What nets need to know of the image LMDB that they learn from.

    Attributes:
        lmdb: its folder.
        num_models: model labels lie in 0 .. num_models - 1.
        seen_models: those of them that images have.
        size: height and width of its first image, pixels.
    """

    lmdb: Path
    num_models: int
    seen_models: int
    size: tuple[int, int]

    @property
    def has_models(self) -> bool:
        """Whether a softmax over vehicle models can learn from it."""
        return self.seen_models >= FEWEST_MODELS

    @property
    def labels(self) -> str:
        """What model labels it has, where too few."""
        if self.seen_models:
            return f"all labelled images of {self.lmdb} are of one vehicle model"
        return f"no image of {self.lmdb} has a model label"


def look(lmdb: Path) -> Data:
    """Looks at an image LMDB.

    Raises:
        InputError: it is missing or damaged.
    """
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
    return Data(lmdb, index.num_models, len(seen), (first.height, first.width))


def choose(data: Data, asked: Sequence[Net]) -> tuple[Net, ...]:
    """The nets to write: those asked for, or all that can learn from the data.

    Raises:
        InputError: one that was asked for learns vehicle models, and there are
            too few.
    """
    if data.has_models:
        return tuple(asked) or NETS
    refused = [net for net in asked if net in LEARN_MODELS]
    if refused:
        raise InputError(
            f"{', '.join(refused)} would learn nothing of vehicle models, the softmax "
            f"loss being 0 from the start: {data.labels}",
            data.lmdb,
            f"train {' or '.join(_without_models())}; or {LABEL}",
        )
    return tuple(asked) or _without_models()


def left_out(data: Data, nets: Sequence[Net], family: Family) -> list[str]:
    """Which nets are not written, and why; a line each.

    Args:
        data: what the nets learn from.
        nets: those that are written, all that can learn.
        family: of their sizes.
    """
    found = []
    others = [net for net in NETS if net not in nets]
    if others:
        old = [n for n in others if exists(Path(family.solvers[n]))]
        found.append(
            f"not written: {', '.join(others)}, which learn vehicle models: "
            f"{data.labels}; to train them, {LABEL}"
        )
        if old:
            found.append(
                f"warning: {', '.join(old)} there are of earlier data: delete them"
            )
    return found


def size_warning(data: Data, family: Family) -> str:
    """How the images differ from those that the nets are for; "" where they do not."""
    resize, crop = family.backbone.resize, family.backbone.crop
    if data.size == (resize, resize):
        return ""
    wanted = "need" if is_too_small(data, family) else "see no more of them than"
    return (
        f"warning: the images of {data.lmdb} have {data.size[1]} x {data.size[0]} "
        f"pixels; these nets are for {resize} x {resize}, and {wanted} {crop} x "
        f"{crop}: build it with tools/build_lmdb.py --size {resize}"
    )


def is_too_small(data: Data, family: Family) -> bool:
    """Whether the images are smaller than the nets' input."""
    return min(data.size) < family.backbone.crop


def label_files(lmdb: Path, family: Family, nets: Sequence[Net]) -> dict[Path, bytes]:
    """An LMDB's labels.json, for the folder of each net that is trained from it.

    Raises:
        InputError: it is missing or damaged.
    """
    labels.read_labels(lmdb)
    data = read_bytes(lmdb / labels.FILE_NAME, labels.WHAT, AGAIN)
    return {Path(family.folder[net]) / labels.FILE_NAME: data for net in nets}


def next_command(family: Family, nets: Sequence[Net]) -> str:
    """The command that trains the paper's net, or the first that there is."""
    solver = family.solvers[nets[0]]
    return shlex.join(["caffe", "train", "--solver", solver])


def _without_models() -> tuple[Net, ...]:
    return tuple(net for net in NETS if net not in LEARN_MODELS)

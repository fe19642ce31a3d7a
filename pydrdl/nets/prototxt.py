"""The prototxt files as text: what stands in prototxt/, and nets for own data."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf import text_format

from pydrdl.nets import softmax, structures
from pydrdl.nets.googlenet import DEMO_GOOGLENET, GOOGLENET, GoogLeNet
from pydrdl.nets.softmax import Baseline
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
NETS: tuple[Net, ...] = (*structures.STRUCTURES, *softmax.BASELINES)
# Those with a softmax over vehicle models, which learns from labelled images.
LEARN_MODELS: tuple[Net, ...] = ("mixed_difference", *softmax.BASELINES)

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


def files(family: Family, nets: Sequence[Net] = NETS) -> Iterator[tuple[str, str]]:
    """Yields (path, text) of every file of some of a family's nets."""
    for name in nets:
        folder = family.folder[name]
        spec = family.googlenet if name == "googlenet_softmax" else family.backbone
        title = f"{spec.name}: {TITLES[name]}"
        train_val, deploy = _nets(name, family)
        module = "softmax" if name in softmax.BASELINES else "structures"
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

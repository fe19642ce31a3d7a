"""The prototxt files as text: what stands in prototxt/, and nets for own data."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf import text_format

from pydrdl import nets
from pydrdl.nets import DEMO, VGG_CNN_M_1024, Backbone, Schedule, Structure, Training

HEADER = "# Written by tools/make_nets.py from pydrdl/nets.py; edit there.\n"

TITLES: dict[str, str] = {
    "mixed_difference": "mixed difference net with coupled clusters loss (Fig. 6)",
    "ccl": "one branch with coupled clusters loss (Eq. 6)",
    "triplet": "one branch with triplet loss (Eq. 3)",
}

# VehicleID has 250 vehicle models (Sec. 4).
VEHICLEID = Training(
    train_lmdb="data/VehicleID/train_lmdb",
    test_lmdb="data/VehicleID/test_800_lmdb",
    num_models=250,
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
    """One backbone, trained on one data set in all three structures.

    Attributes:
        folder: of each structure's files.
        solvers: path of each structure's solver.
        snapshots: each structure's snapshot_prefix; not a folder that exists,
            which Caffe would silently put "solver" behind.
    """

    backbone: Backbone
    training: Training
    schedule: Schedule
    folder: dict[Structure, str]
    solvers: dict[Structure, str]
    snapshots: dict[Structure, str]


PAPER_FAMILY = Family(
    VGG_CNN_M_1024,
    VEHICLEID,
    Schedule(),
    folder={
        "mixed_difference": "prototxt/mixed_difference",
        "ccl": "prototxt/vgg_ccl",
        "triplet": "prototxt/vgg_triplet",
    },
    solvers={
        "mixed_difference": "prototxt/solver.prototxt",
        "ccl": "prototxt/vgg_ccl/solver.prototxt",
        "triplet": "prototxt/vgg_triplet/solver.prototxt",
    },
    snapshots={s: f"data/VehicleID/{s}" for s in nets.STRUCTURES},
)
DEMO_FAMILY = Family(
    DEMO,
    RENDERED,
    DEMO_SCHEDULE,
    folder={s: f"prototxt/demo/{s}" for s in nets.STRUCTURES},
    solvers={
        "mixed_difference": "prototxt/demo/solver.prototxt",
        "ccl": "prototxt/demo/ccl/solver.prototxt",
        "triplet": "prototxt/demo/triplet/solver.prototxt",
    },
    snapshots={s: f"data/demo/{s}" for s in nets.STRUCTURES},
)


def own_family(
    base: Family, folder: str, training: Training, schedule: Schedule
) -> Family:
    """A family's nets for another data set, all files below one folder."""
    return replace(
        base,
        training=training,
        schedule=schedule,
        folder={s: f"{folder}/{s}" for s in nets.STRUCTURES},
        solvers={s: f"{folder}/{s}/solver.prototxt" for s in nets.STRUCTURES},
        snapshots={s: f"{folder}/{s}/{s}" for s in nets.STRUCTURES},
    )


def files(family: Family) -> Iterator[tuple[str, str]]:
    """Yields (path, text) of every file of a family."""
    for structure in nets.STRUCTURES:
        folder = family.folder[structure]
        backbone, training = family.backbone, family.training
        title = f"{backbone.name}: {TITLES[structure]}"
        train_val = nets.train_val_net(structure, backbone, training)
        deploy = nets.deploy_net(structure, backbone, wide_fc8=training.wide_fc8)
        yield f"{folder}/train_val.prototxt", _text(train_val, title)
        yield f"{folder}/deploy.prototxt", _text(deploy, f"{title}, its feature")
        yield f"{folder}/preprocess.json", _preprocess(backbone)
        solver = nets.solver(
            f"{folder}/train_val.prototxt",
            family.snapshots[structure],
            family.schedule,
        )
        yield family.solvers[structure], _text(solver, f"{title}, Sec. 3.4")


def _text(message: Any, title: str) -> str:
    return f"# {title}.\n{HEADER}{text_format.MessageToString(message)}"


def _preprocess(backbone: Backbone) -> str:
    """What the data layer does to an image, for those that read images."""
    values = {
        "resize": backbone.resize,
        "crop": backbone.crop,
        "mean": list(backbone.mean),
        "scale": backbone.scale,
    }
    return json.dumps(values, indent=2) + "\n"

"""Nets for an image LMDB of one's own: which can learn from it, and what is next."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from pydrdl import files, messages, paths
from pydrdl.errors import InputError
from pydrdl.nets.prototxt import LEARN_MODELS, NETS, Family, Net
from pydrdl.records import labels
from pydrdl.records.environment import AGAIN, to_read
from pydrdl.records.pair_index import read_pair_index
from pydrdl.system_errors import reading

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
        old = [n for n in others if paths.exists(Path(family.solvers[n]))]
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
    data = files.read_bytes(lmdb / labels.FILE_NAME, labels.WHAT, AGAIN)
    return {Path(family.folder[net]) / labels.FILE_NAME: data for net in nets}


def next_command(family: Family, nets: Sequence[Net]) -> str:
    """The command that trains the paper's net, or the first that there is."""
    solver = family.solvers[nets[0]]
    return shlex.join(["caffe", "train", "--solver", solver])


def _without_models() -> tuple[Net, ...]:
    return tuple(net for net in NETS if net not in LEARN_MODELS)

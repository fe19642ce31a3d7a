"""Dense labels: a data set's own ids, numbered from 0 as a softmax needs them.

labels.json, which says what each dense label stands for, lies in the LMDB's
folder; tools/make_nets.py lays it beside the nets that are trained from it, so
that it travels with the model.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import field_validator

from pydrdl.datasets.dataset import Image
from pydrdl.errors import InputError
from pydrdl.lmdb.environment import AGAIN
from pydrdl.strict_json import Ascending, Form, read_declared

FILE_NAME = "labels.json"
VERSION = 1
WHAT = "what the labels stand for"
# A float holds whole numbers below 2^24 exactly, and Caffe's blobs are floats.
MAX_VEHICLE_ID = 2**24 - 1


class Labels(NamedTuple):
    """The data set's own ids of each dense label, ascending."""

    vehicle_ids: tuple[int, ...]
    model_ids: tuple[int, ...]


def dense_labels(
    images: Sequence[Image], num_models: int, model_ids: Sequence[int] | None = None
) -> Labels:
    """Numbers vehicles and models.

    Model ids stay as they are where the data set says how many there are and
    they lie in 0 .. num_models - 1; otherwise those that occur are numbered in
    ascending order.

    Args:
        images: in any order.
        num_models: as in Dataset; 0 where unknown.
        model_ids: number the models by these instead, as another LMDB's labels
            do; images of others are refused, see with_known_models.

    Raises:
        InputError: a vehicle id outside 0 .. 2^24 - 1, a vehicle with two
            models, or a model that model_ids lacks.
    """
    model_of: dict[int, int] = {}
    for image in images:
        if not 0 <= image.vehicle_id <= MAX_VEHICLE_ID:
            what = (
                f"vehicle id {image.vehicle_id} is not in 0 .. {MAX_VEHICLE_ID}, the "
            )
            what += "whole numbers that Caffe's floats hold exactly"
            raise InputError(what, image.path, "number the vehicles anew")
        known = model_of.setdefault(image.vehicle_id, image.model_id)
        if known != image.model_id:
            models = f"{known} and {image.model_id} (-1 = unlabelled)"
            what = f"vehicle {image.vehicle_id} has two models, {models}"
            advice = "give all images of a vehicle the same model"
            raise InputError(what, image.path, advice)
    occurring = tuple(sorted(set(model_of.values()) - {-1}))
    if model_ids is None:
        model_ids = numbered_models(occurring, num_models)
    elif unknown := sorted(set(occurring) - set(model_ids)):
        raise InputError(
            f"{len(unknown):,} vehicle models, such as {unknown[0]}, are not among the "
            f"{len(model_ids):,} that are to number them",
            FILE_NAME,
            "leave their images unlabelled, or number the models anew",
        )
    return Labels(tuple(sorted(model_of)), tuple(model_ids))


def numbered_models(occurring: Collection[int], num_models: int) -> tuple[int, ...]:
    """The data set's model id of each dense label; see dense_labels, without -1."""
    kept = num_models > 0 and all(0 <= model < num_models for model in occurring)
    return tuple(range(num_models)) if kept else tuple(sorted(occurring))


def with_known_models(
    images: Iterable[Image], model_ids: Collection[int], *, labelled_only: bool = False
) -> tuple[Image, ...]:
    """The images, those of other vehicle models unlabelled (-1) or left out."""
    known = {-1, *model_ids}
    kept = (
        image if image.model_id in known else replace(image, model_id=-1)
        for image in images
    )
    return tuple(i for i in kept if i.model_id >= 0 or not labelled_only)


def to_json(labels: Labels, stored: str) -> str:
    """The text of labels.json; stored: which of the two the records carry."""
    content = {"version": VERSION, "label": stored, **labels._asdict()}
    return json.dumps(content) + "\n"


class _LabelsFile(Form):
    """labels.json; ids ascend."""

    version: Literal[1]
    label: Literal["vehicle", "model"]
    vehicle_ids: Ascending
    model_ids: Ascending

    @field_validator("vehicle_ids")
    @classmethod
    def _fit(cls, ids: list[int]) -> list[int]:
        if ids and ids[-1] > MAX_VEHICLE_ID:
            raise ValueError(f"id {ids[-1]} is above {MAX_VEHICLE_ID}")
        return ids


def read_labels(folder: Path) -> Labels:
    """Reads labels.json from an image LMDB's folder.

    Raises:
        InputError: it is missing, damaged or of another version.
    """
    content = _read(folder)
    return Labels(tuple(content.vehicle_ids), tuple(content.model_ids))


def read_stored(folder: Path) -> str:
    """Reads which label the records carry, "vehicle" or "model"; see read_labels."""
    return _read(folder).label


def _read(folder: Path) -> _LabelsFile:
    return read_declared(_LabelsFile, Path(folder) / FILE_NAME, WHAT, AGAIN)


def same_models(one: Path, other: Path) -> bool:
    """Whether the models have the same labels in two image LMDBs.

    Where a data set does not say how many models there are, each LMDB numbers
    those that occur in it. InputError as in read_labels.
    """
    return read_labels(one).model_ids == read_labels(other).model_ids

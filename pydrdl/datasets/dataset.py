"""What every data set reader returns."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

from pydrdl.errors import InputError
from pydrdl.files import read_text


@dataclass(frozen=True, slots=True)
class Image:
    """One photograph of one vehicle."""

    path: str  # relative to the data set's root, with "/" and the extension
    vehicle_id: int  # the data set's own number
    model_id: int = -1  # the data set's own number of the vehicle model; -1 unlabelled
    camera_id: int = -1  # the data set's own number; -1 unknown
    # (left, top, right, bottom) of the vehicle in the photograph, in pixels from 0,
    # right and bottom excluded; None: the photograph is of the vehicle alone.
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photographs to verify; same: whether the data set calls them a match."""

    first: Image
    second: Image
    same: bool


@dataclass(frozen=True)
class Dataset:
    """A data set on disk: its images by split."""

    name: str  # for messages and reports, such as "VehicleID"
    root: Path  # the folder that image paths are relative to
    # Images by the split's name, in the list's order. Splits may overlap, as
    # VehicleID's test lists do.
    splits: Mapping[str, tuple[Image, ...]] = field(default_factory=dict)
    # Model ids lie in 0 .. num_models - 1; 0 where the data set does not say (then they
    # are numbered densely when a LMDB is built).
    num_models: int = 0
    # Names by model id, as far as the data set gives them.
    model_names: Mapping[int, str] = field(default_factory=dict)
    # Pairs to verify by the name of their level, in the file's order; empty where the
    # data set has none.
    pairs: Mapping[str, tuple[Pair, ...]] = field(default_factory=dict)
    # By the split that is tested, the one that nets learn from; "train" for all others.
    learned: Mapping[str, str] = field(default_factory=dict)


def images_of_split(dataset: Dataset, split: str) -> tuple[Image, ...]:
    """A split's images, in the list's order.

    Raises:
        InputError: there is no such split, or it is empty.
    """
    if images := dataset.splits.get(split):
        return images
    choice = f"choose one of: {', '.join(dataset.splits)}"
    if split not in dataset.splits:
        what = f"{dataset.name} has no split {split!r}"
        raise InputError(what, dataset.root, choice)
    what = f"split {split!r} of {dataset.name} is empty"
    raise InputError(what, dataset.root, f"check its list, or {choice}")


def unique_images(dataset: Dataset) -> tuple[Image, ...]:
    """Every image of any split once, in the splits' order."""
    first: dict[str, Image] = {}
    for images in dataset.splits.values():
        for image in images:
            first.setdefault(image.path, image)
    return tuple(first.values())


def images_sha256(images: Iterable[Image]) -> str:
    """SHA-256 of all that is known of images, in their order."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(f"{astuple(image)!r}\n".encode())
    return digest.hexdigest()


def is_drawn(dataset: Dataset) -> bool:
    """Whether tools/render_*.py drew it, by the README that they write."""
    try:
        text = read_text(dataset.root / "README.md", "", "")
    except InputError:
        return False
    return text.startswith("# A rendered ")


def full_name(dataset: Dataset) -> str:
    """Its name, "drawn VehicleID" where it only has VehicleID's layout."""
    return f"drawn {dataset.name}" if is_drawn(dataset) else dataset.name


def labelled_only(dataset: Dataset) -> Dataset:
    """The data set without the images that have no model label."""
    splits = {
        name: tuple(image for image in images if image.model_id >= 0)
        for name, images in dataset.splits.items()
    }
    return replace(dataset, splits=splits)


def vehicles_as_models(dataset: Dataset) -> Dataset:
    """The data set with every vehicle a vehicle model of its own.

    A softmax over models then tells vehicles, which in CompCars are the car
    models, where its models are makes.
    """
    splits = {
        name: tuple(replace(image, model_id=image.vehicle_id) for image in images)
        for name, images in dataset.splits.items()
    }
    return replace(dataset, splits=splits, num_models=0, model_names={})

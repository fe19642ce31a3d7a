"""What every data set reader returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Image:
    """One photograph of one vehicle.

    Attributes:
        path: relative to the data set's root, with "/" and the extension.
        vehicle_id: the data set's own number.
        model_id: the data set's own number of the vehicle model; -1 unlabelled.
        camera_id: the data set's own number; -1 unknown.
        box: (left, top, right, bottom) of the vehicle in the photograph, in
            pixels from 0, right and bottom excluded; None: the photograph is
            of the vehicle alone.
    """

    path: str
    vehicle_id: int
    model_id: int = -1
    camera_id: int = -1
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photographs whose likeness a verification protocol asks for.

    Attributes:
        first: one of them.
        second: the other.
        same: whether the data set's file calls them a match.
    """

    first: Image
    second: Image
    same: bool


@dataclass(frozen=True)
class Dataset:
    """A data set on disk: its images by split.

    Attributes:
        name: for messages and reports, such as "VehicleID".
        root: the folder that image paths are relative to.
        splits: images by the split's name, in the list's order. Splits may
            overlap, as VehicleID's test lists do.
        num_models: model ids lie in 0 .. num_models - 1; 0 where the data set
            does not say (then they are numbered densely when a LMDB is built).
        model_names: names by model id, as far as the data set gives them.
        pairs: pairs to verify by the name of their level, in the file's order;
            empty where the data set has none.
    """

    name: str
    root: Path
    splits: Mapping[str, tuple[Image, ...]] = field(default_factory=dict)
    num_models: int = 0
    model_names: Mapping[int, str] = field(default_factory=dict)
    pairs: Mapping[str, tuple[Pair, ...]] = field(default_factory=dict)

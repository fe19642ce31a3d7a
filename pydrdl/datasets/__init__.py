"""Data sets of vehicles as they lie on disk; nothing here knows Caffe.

Which data set lies at a path is told by the files that only it has.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pydrdl.datasets.compcars import read_compcars, read_surveillance
from pydrdl.datasets.dataset import Dataset, Image, Pair, images_of_split
from pydrdl.datasets.image_list import read_image_list
from pydrdl.datasets.vehicleid import read_vehicleid
from pydrdl.datasets.veri import read_veri
from pydrdl.datasets.veri_wild import read_veri_wild
from pydrdl.errors import InputError
from pydrdl.files import exists, is_folder

__all__ = [
    "LAYOUTS", "Dataset", "Image", "Pair", "images_of_split", "open_dataset",
    "read_compcars", "read_image_list", "read_surveillance", "read_vehicleid",
    "read_veri", "read_veri_wild",
]  # fmt: skip


class KnownLayout(NamedTuple):
    """How a data set is known."""

    name: str
    markers: tuple[str, ...]  # files, and folders with "/" at the end, that it has
    read: Callable[[Path], Dataset]

    def missing(self, folder: Path) -> list[str]:
        """The markers that a folder has not."""
        return [
            marker
            for marker in self.markers
            if not (is_folder if marker.endswith("/") else _is_a_file)(folder / marker)
        ]


def _is_a_file(path: Path) -> bool:
    """Whether a file is there, of any kind: readers refuse pipes by their name."""
    return exists(path) and not is_folder(path)


_VERI = ("name_train.txt", "name_query.txt", "name_test.txt")
_VERI_WILD = ("images/", "train_test_split/vehicle_info.txt")
_SURVEILLANCE = ("train_surveillance.txt", "test_surveillance.txt")
LAYOUTS = (
    KnownLayout("VehicleID", ("attribute/", "train_test_split/"), read_vehicleid),
    KnownLayout("VeRi-776", _VERI, read_veri),
    KnownLayout("VERI-Wild", _VERI_WILD, read_veri_wild),
    KnownLayout(
        "CompCars", ("label/", "train_test_split/classification/"), read_compcars
    ),
    KnownLayout("CompCars surveillance", _SURVEILLANCE, read_surveillance),
)


def open_dataset(path: Path, root: Path | None = None) -> Dataset:
    """Reads the data set at a path, whichever kind it is.

    That of VehicleID, VeRi-776, VERI-Wild, CompCars or its sv_data, or a file, an
    image list; to that goes a root, see read_image_list.

    Raises:
        InputError: nothing known lies there, it is damaged, or it may not be
            looked at.
    """
    path = Path(path)
    if _is_a_file(path):
        return read_image_list(path, root)
    if root is not None:
        what = "a root goes with an image list only, and this is no file"
        raise InputError(what, path, "leave out --root, or name the list file")
    for layout in LAYOUTS:
        if not layout.missing(path):
            return layout.read(path)
    looked_for = ", ".join(f"{x.name} ({' '.join(x.markers)})" for x in LAYOUTS)
    what = f"no known data set; looked for {looked_for} and an image list (a file)"
    raise InputError(what, path, _advice(path))


def _advice(path: Path) -> str:
    """What to do where no known data set lies."""
    if not exists(path):
        return "check the path: nothing is there"
    gaps = [(layout, layout.missing(path)) for layout in LAYOUTS]
    partly = [
        f"if this is {layout.name}, get its {' and '.join(gap)}"
        for layout, gap in gaps
        if len(gap) < len(layout.markers)
    ]
    if partly:
        return "; ".join(partly)
    with contextlib.suppress(OSError, InputError):  # one that may not be looked at
        for child in sorted(path.iterdir()):
            if any(not layout.missing(child) for layout in LAYOUTS):
                return f"give the folder in it, {child}"
    return "check the path"

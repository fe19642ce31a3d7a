"""Which data set lies at a path: told by the files that only it has."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydrdl.datasets.compcars import read_compcars, read_surveillance
from pydrdl.datasets.dataset import Dataset
from pydrdl.datasets.image_list import read_image_list
from pydrdl.datasets.vehicleid import read_vehicleid
from pydrdl.datasets.veri import read_veri
from pydrdl.datasets.veri_wild import read_veri_wild
from pydrdl.errors import InputError
from pydrdl.files import exists, is_folder


@dataclass(frozen=True)
class Layout:
    """How a data set is known.

    Attributes:
        name: the data set's.
        markers: files, and folders with "/" at the end, that it has.
        read: reads it.
    """

    name: str
    markers: tuple[str, ...]
    read: Callable[[Path], Dataset]

    def missing(self, folder: Path) -> list[str]:
        """The markers that a folder has not."""
        return [marker for marker in self.markers if not _has(folder, marker)]


def _has(folder: Path, marker: str) -> bool:
    return (is_folder if marker.endswith("/") else _is_no_folder)(folder / marker)


def _is_no_folder(path: Path) -> bool:
    """Whether a file is there, of any kind: readers refuse pipes by their name."""
    return exists(path) and not is_folder(path)


LAYOUTS = (
    Layout("VehicleID", ("attribute/", "train_test_split/"), read_vehicleid),
    Layout(
        "VeRi-776",
        ("name_train.txt", "name_query.txt", "name_test.txt"),
        read_veri,
    ),
    Layout(
        "VERI-Wild", ("images/", "train_test_split/vehicle_info.txt"), read_veri_wild
    ),
    Layout("CompCars", ("label/", "train_test_split/classification/"), read_compcars),
    Layout(
        "CompCars surveillance",
        ("train_surveillance.txt", "test_surveillance.txt"),
        read_surveillance,
    ),
)


def open_dataset(path: Path, root: Path | None = None) -> Dataset:
    """Reads the data set at a path, whichever kind it is.

    Args:
        path: the folder of VehicleID, VeRi-776, VERI-Wild, CompCars or its
            sv_data, or a file (an image list).
        root: for an image list, the folder that its paths are relative to;
            None takes the list's own folder.

    Raises:
        InputError: nothing known lies there, it is damaged, or it may not be
            looked at.
    """
    path = Path(path)
    if _is_no_folder(path):
        return read_image_list(path, root)
    if root is not None:
        raise InputError(
            "a root goes with an image list only, and this is no file",
            path,
            "leave out --root, or name the list file",
        )
    for layout in LAYOUTS:
        if not layout.missing(path):
            return layout.read(path)
    raise _unknown(path)


def _unknown(path: Path) -> InputError:
    looked_for = ", ".join(f"{x.name} ({' '.join(x.markers)})" for x in LAYOUTS)
    what = f"no known data set; looked for {looked_for} and an image list (a file)"
    if not exists(path):
        return InputError(what, path, "check the path: nothing is there")
    gaps = {layout.name: layout.missing(path) for layout in LAYOUTS}
    partly = [x.name for x in LAYOUTS if 0 < len(gaps[x.name]) < len(x.markers)]
    if partly:
        near = [f"if this is {n}, get its {' and '.join(gaps[n])}" for n in partly]
        return InputError(what, path, "; ".join(near))
    with contextlib.suppress(OSError, InputError):  # one that may not be looked at
        for child in sorted(path.iterdir()):
            if any(not layout.missing(child) for layout in LAYOUTS):
                return InputError(what, path, f"give the folder in it, {child}")
    return InputError(what, path, "check the path")

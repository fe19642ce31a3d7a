"""What costs nothing on the photographs of two cameras, in the nets' folds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from rendered_hardness import Features, Image, hsv_histogram, lab_histogram
from typer import Argument, Option

from pydrdl import cli
from pydrdl.datasets.image_list import read_two_camera
from pydrdl.datasets.images import read_image
from pydrdl.protocols import reid
from pydrdl.reproduce import tables
from pydrdl.reproduce.setting import FOLDS

SIDE = 16  # pixels of a thumbnail
GALLERY_CAMERA = 1


def grey_thumbnail(image: Image) -> Features:
    """The image in 16 x 16 pixels of grey, on the unit sphere."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    values = small.astype(np.float32).ravel()
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-6)


DESCRIPTORS: Mapping[str, Callable[[Image], Features]] = {
    "Lab histogram, 8 x 8 x 8 bins": lab_histogram,
    "HSV histogram, 16 x 4 x 4 bins": hsv_histogram,
    "16 x 16 grey pixels, without their mean": grey_thumbnail,
}


def _curves(folder: Path, fold: int) -> dict[str, list[float]]:
    """Match rates of every descriptor on a fold's vehicles, from rank 1."""
    images = read_two_camera(folder, 0, fold=(fold, FOLDS)).splits["test"]
    names = [image.path for image in images]
    vehicles, cameras = (
        np.array([getattr(image, field) for image in images], np.int64)
        for field in ("vehicle_id", "camera_id")
    )
    pixels = [read_image(folder, image, None) for image in images]
    split = reid.camera_split(names, vehicles, cameras, GALLERY_CAMERA)
    found = {}
    for name, describe in DESCRIPTORS.items():
        features = np.stack([describe(image) for image in pixels])
        result = reid.evaluate(features, names, vehicles, split, where=name)
        found[name] = result.cmc.mean
    return found


def measure(
    folder: Annotated[Path, Argument(help="Holds <class>_<number>_cam<n>.jpg")],
    output: Annotated[Path, Option(help="Results as JSON; replaced.")] = Path(
        "docs/two_camera_baselines.json"
    ),
) -> None:
    """Measure colour histograms and a thumbnail on every fold of the photographs.

    Example: python benchmarks/two_camera_baselines.py IMAGES
    """
    folds = [_curves(folder, fold) for fold in range(1, FOLDS + 1)]
    rows = {
        name: tuple(
            tables.Cell(tuple(fold[name][rank - 1] for fold in folds), None)
            for rank in tables.PHOTOGRAPH_RANKS
        )
        for name in DESCRIPTORS
    }
    columns = tuple(f"rank-{rank}" for rank in tables.PHOTOGRAPH_RANKS)
    table = tables.PaperTable("Baselines", columns, rows)
    cli.console.print(tables.render(table, same_data=False))
    conditions = f"{FOLDS} folds over vehicles; nothing is learned."
    cli.write_json(output, tables.to_json([table], conditions=conditions))


if __name__ == "__main__":
    cli.run(measure)

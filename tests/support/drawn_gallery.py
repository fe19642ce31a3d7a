"""Galleries of drawn features, for the tests of vehicle search."""

from pathlib import Path

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.datasets.dataset import Image
from pydrdl.gallery.folder import GalleryFolder, Origin, make_gallery
from pydrdl.gallery.rows import GalleryRow

ORIGIN = Origin(
    net="/nets/deploy.prototxt",
    net_sha256="1" * 64,
    weights="/nets/a.caffemodel",
    weights_sha256="2" * 64,
    layer="fc8",
    preprocess='{"resize": 72, "crop": 64, "mean": [1, 2, 3], "scale": 1.0}',
)
NOON = 1_700_000_000.0


def drawn_rows(count: int, width: int = 16) -> tuple[list[GalleryRow], Float32]:
    """Vehicles of 4 images, cameras 1 to 5, one row in seven without a time."""
    rng = np.random.default_rng(count)
    vehicles = np.arange(count) // 4
    centres = rng.standard_normal((count // 4 + 1, width))
    vectors = centres[vehicles] + 0.4 * rng.standard_normal((count, width))
    rows = [
        GalleryRow(
            "/photos",
            Image(
                f"车/{k}.jpg",
                int(vehicles[k]),
                int(vehicles[k]) % 3,
                k % 5 + 1,
                (1, 2, 30 + k, 40) if k % 2 else None,
            ),
            None if k % 7 == 0 else NOON + 0.5 * k,
        )
        for k in range(count)
    ]
    return rows, vectors.astype(np.float32)


def drawn_gallery(folder: Path, count: int, width: int = 16) -> GalleryFolder:
    gallery = make_gallery(folder, ORIGIN, width)
    gallery.rows.add(*drawn_rows(count, width))
    return gallery


def nearest(query, rows, vectors, count, keep=lambda row: True):
    """Names and distances by plain NumPy."""
    kept = [k for k, row in enumerate(rows) if keep(row)]
    apart = vectors[kept].astype(np.float64) - query.astype(np.float64)
    distances = (apart**2).sum(axis=1)
    order = np.argsort(distances, kind="stable")[:count]
    return [rows[kept[k]].image.path for k in order], distances[order]

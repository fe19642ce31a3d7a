"""Features of vehicles for the tests of the tools that draw a gallery."""

from pathlib import Path

import numpy as np

from pydrdl.features import FeatureSet, Source, write_features


def make(vehicles: int, images: int, noise: float = 0.6) -> FeatureSet:
    """Vehicles in order, two of each model, each seen by cameras 1, 2, .. 4, 1, .."""
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(vehicles), images)
    centres = rng.standard_normal((vehicles, 8))
    features = centres[ids] + noise * rng.standard_normal((ids.size, 8))
    return FeatureSet(
        features.astype(np.float32),
        tuple(f"image/{i:05d}.jpg" for i in range(ids.size)),
        ids,
        ids // 2,
        np.tile(np.arange(images) % 4 + 1, vehicles),
        Source(weights="a.caffemodel", layer="fc8"),
    )


def two_nets(folder: Path, images: int) -> tuple[Path, Path]:
    """Writes features of 40 vehicles by a good and by a bad net."""
    good, bad = folder / "good.h5", folder / "bad.h5"
    write_features(good, make(40, images))
    write_features(bad, make(40, images, noise=2))
    return good, bad

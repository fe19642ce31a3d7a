"""Images made small enough to stand in a page."""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import read_image
from pydrdl.errors import InputError

SIDE = 96  # pixels of the longer side: 2 to 4 kB each
QUALITY = 80
Thumbnail = Callable[[str], bytes]


def thumbnail_maker(root: Path, images: Iterable[Image], where: object) -> Thumbnail:
    """Makes a function from image names to JPEG files; it keeps what it made.

    Args:
        root: the data set's folder.
        images: of the split that the features are of; cut to their boxes.
        where: the data set, for messages.
    """
    known = {image.path: image for image in images}
    made: dict[str, bytes] = {}

    def thumbnail(name: str) -> bytes:
        if name not in known:
            raise InputError(
                f"image {name!r} of the features is not in the data set",
                where,
                "give the data set and the split that the features were made of",
            )
        if name not in made:
            pixels = read_image(root, known[name], None)
            height, width = pixels.shape[:2]
            factor = min(1.0, SIDE / max(height, width))
            size = max(1, round(width * factor)), max(1, round(height * factor))
            small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
            quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
            made[name] = np.asarray(cv2.imencode(".jpg", small, quality)[1]).tobytes()
        return made[name]

    return thumbnail


def no_thumbnail(name: str) -> bytes:
    """Stands for thumbnail_maker's function where there is no data set."""
    del name
    return b""

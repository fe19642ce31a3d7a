"""One image to one Caffe Datum."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl import messages
from pydrdl.datasets.dataset import Image

MAX_KEY = 511  # bytes; LMDB's own limit


def record_key(record: int, image: Image) -> bytes:
    """The key of an image's record: its number, then its path."""
    return f"{record:08d}_{image.path}".encode()[:MAX_KEY]


def to_datum(
    pixels: NDArray[np.uint8], label: int, jpeg_quality: int | None
) -> messages.Datum:
    """Packs an image as Caffe's Data layer reads it.

    Args:
        pixels: height x width x 3, uint8, BGR.
        label: the label.
        jpeg_quality: 1 to 100 for an encoded Datum; None stores the pixels as
            channels x height x width.
    """
    height, width, channels = pixels.shape
    datum = messages.Datum(channels=channels, height=height, width=width, label=label)
    if jpeg_quality is None:
        datum.data = b"".join(plane.data for plane in cv2.split(pixels))
    else:
        quality = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
        datum.data = cv2.imencode(".jpg", pixels, quality)[1].tobytes()
        datum.encoded = True
    return datum

"""A look at one image's file."""

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.datasets.types import Image


@dataclass(frozen=True)
class Look:
    """What a look at an image's file has shown.

    Attributes:
        missing: there is no such file.
        unreadable: why its image cannot be read; "" where it can.
        outside: the photograph's size, where the image's box leaves it; "".
        digest: of the file's bytes; b"" where they were not read as an image.
    """

    missing: bool = False
    unreadable: str = ""
    outside: str = ""
    digest: bytes = b""


def stat_image(root: Path, image: Image) -> Look:
    """Looks at a file's size only."""
    try:
        found = (root / image.path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return Look(missing=True)
    except OSError as error:
        return Look(unreadable=error.strerror or str(error))
    if not stat.S_ISREG(found.st_mode):
        return Look(unreadable="no regular file")
    return Look(unreadable="" if found.st_size else "0 bytes")


def decode_image(root: Path, image: Image) -> Look:
    """Reads and decodes a file, as the LMDB's builder will.

    Without a box, JPEG is decoded at an eighth of its size, which leaves out
    the transforms but no byte of the file: the verdict is the same.
    """
    path = root / image.path
    try:
        data = np.fromfile(path, np.uint8)
    except (FileNotFoundError, NotADirectoryError):
        return Look(missing=True)
    except OSError as error:
        return Look(unreadable=error.strerror or str(error))
    reduced = image.box is None
    flags = cv2.IMREAD_REDUCED_COLOR_8 if reduced else cv2.IMREAD_COLOR
    shape = _decoded_shape(data, flags)
    if shape is None:
        return Look(unreadable=f"its {data.size:,} bytes cannot be decoded")
    digest = hashlib.blake2b(data.data, digest_size=16).digest()
    if image.box is None or _inside(image.box, *shape):
        return Look(digest=digest)
    return Look(outside=f"photograph {shape[1]} x {shape[0]}", digest=digest)


def _decoded_shape(data: NDArray[np.uint8], flags: int) -> tuple[int, int] | None:
    """(height, width) of the decoded image; None where it cannot be decoded."""
    if not data.size:
        return None
    try:
        pixels = cv2.imdecode(data, flags)
    except cv2.error:  # a header that claims more pixels than OpenCV takes
        return None
    return None if pixels is None else (pixels.shape[0], pixels.shape[1])


def _inside(box: tuple[int, int, int, int], height: int, width: int) -> bool:
    left, top, right, bottom = box
    return 0 <= left < right <= width and 0 <= top < bottom <= height

"""Bytes of an image file to pixels, or the reason why not; nothing is read here.

How many pixels an image has is read from its header; one with too many is refused
before it is decoded. OpenCV decides what is an image. JPEG is first given to
libjpeg-turbo by way of simplejpeg, which tells what is damaged, where OpenCV prints
it without a name; the pixels are the same.
"""

import contextlib
import io
import re
import threading
import warnings
from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from pydrdl.pixel_limit import VARIABLE, most_pixels

Pixels = NDArray[np.uint8]

AGAIN = "get the file again, or take it out of the list"
# Whose headers Pillow reads as OpenCV does; JPEG is asked for by simplejpeg.
KINDS = ("PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF", "SUN", "JPEG")
_PLAIN = ("YCbCr", "Gray")  # colours in which both decoders give the same pixels
_one_header = threading.Lock()


class UnreadableImageError(ValueError):
    """A file's bytes are no image that is decoded.

    Args:
        what: why not.
        next_step: what to do about it.
    """

    def __init__(self, what: str, next_step: str = AGAIN) -> None:
        self.what, self.next_step = what, next_step
        super().__init__(what)


@dataclass(frozen=True)
class Photo:
    """A decoded image.

    Attributes:
        pixels: height x width x 3, uint8, BGR.
        damage: what libjpeg says of damage that leaves it decodable; "".
    """

    pixels: Pixels
    damage: str = ""


@dataclass(frozen=True)
class Glance:
    """What is known of an image without its pixels; see Photo."""

    height: int
    width: int
    damage: str = ""


def decode(data: bytes) -> Photo:
    """Decodes an image file's bytes.

    Raises:
        UnreadableImageError: they are no image, cut off, or of too many pixels.
    """
    colours = _refuse_large(data)
    plain = colours in _PLAIN and not _may_be_turned(data)
    pixels, damage = _ask_libjpeg(data, reduced=not plain) if colours else (None, "")
    if plain and pixels is not None:
        return Photo(pixels)
    return Photo(_decode_by_opencv(data), damage)


def glance(data: bytes, *, turned: bool) -> Glance:
    """As decode, but faster where the pixels are not needed: the verdict is the same.

    JPEG is decoded at an eighth of its size, which leaves out the transforms but no
    byte of the file.

    Args:
        data: the file's bytes.
        turned: whether height and width are wanted as decode gives them; else
            those of a photograph that the camera says to turn may be exchanged.

    Raises:
        UnreadableImageError: as decode does.
    """
    colours = _refuse_large(data)
    if colours and not (turned and _may_be_turned(data)):
        pixels, _ = _ask_libjpeg(data, reduced=True)
        if pixels is not None:
            height, width = simplejpeg.decode_jpeg_header(data)[:2]
            return Glance(height, width)
    photo = decode(data)
    height, width = photo.pixels.shape[:2]
    return Glance(height, width, photo.damage)


def _refuse_large(data: bytes) -> str:
    """Refuses a header that claims too many pixels.

    Returns:
        The colours of a JPEG that libjpeg-turbo understands, such as "YCbCr"; "".
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:  # no JPEG, or of unusual sampling
        height, width = _header_size(data)
        colours = ""
    _check_size(height, width)
    return str(colours)


def _check_size(height: int, width: int) -> None:
    if height * width > most_pixels():
        raise _too_large(f"{width:,} x {height:,} pixels, which are more")


def _header_size(data: bytes) -> tuple[int, int]:
    """(height, width) as Pillow reads it; (0, 0) where it cannot.

    OpenCV may know more kinds, and has the same bound (pydrdl/pixel_limit.py).

    Its plugins are asked one by one, because Image.open() has a bound of its own.
    """
    import PIL.Image

    with _one_header, warnings.catch_warnings():  # which is not made for threads
        warnings.simplefilter("ignore")
        PIL.Image.init()
        for kind in KINDS:
            if kind not in PIL.Image.OPEN:  # of a Pillow built without it
                continue
            open_kind, accepts = PIL.Image.OPEN[kind]
            if accepts is None or accepts(data[:16]) is not True:
                continue
            with (
                contextlib.suppress(Exception),  # of every kind, by what is damaged
                open_kind(io.BytesIO(data), "") as file,
            ):
                return file.height, file.width
    return 0, 0


def _ask_libjpeg(data: bytes, *, reduced: bool) -> tuple[Pixels | None, str]:
    """The pixels (BGR) of a JPEG without any fault, or None and its first fault."""
    eighth = {"min_height": 1, "min_width": 1, "min_factor": 8}
    try:
        pixels = simplejpeg.decode_jpeg(data, "BGR", **(eighth if reduced else {}))
    except ValueError as error:
        # What TurboJPEG's own interface cannot do is no damage.
        return None, "" if str(error).startswith("tj") else str(error)
    return np.asarray(pixels, np.uint8), ""


def _may_be_turned(data: bytes) -> bool:
    """Whether a JPEG may hold Exif, in which cameras note how they were held.

    OpenCV turns by it, libjpeg does not. It stands behind the marker APP1, which
    compressed data do not hold.
    """
    return b"\xff\xe1" in data


def _decode_by_opencv(data: bytes) -> Pixels:
    pixels = None
    if data:
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError("an image's pixels do not fit into it") from error
            if re.search("CV_IO_MAX_IMAGE_(WIDTH|HEIGHT)", str(error)):
                raise UnreadableImageError(
                    "a side has more pixels than OpenCV decodes",
                    "make it smaller, or raise the bound with the variables "
                    "OPENCV_IO_MAX_IMAGE_WIDTH and OPENCV_IO_MAX_IMAGE_HEIGHT",
                ) from error
            if "CV_IO_MAX" in str(error):
                raise _too_large("its header claims more pixels") from error
    if pixels is None:
        raise UnreadableImageError(f"its {len(data):,} bytes cannot be decoded")
    _check_size(*pixels.shape[:2])
    return np.asarray(pixels, np.uint8)


def _too_large(claims: str) -> UnreadableImageError:
    return UnreadableImageError(
        f"{claims} than the {most_pixels():,} that are decoded",
        f"make it smaller, or raise the bound with the variable {VARIABLE}",
    )

"""The one reader of photographs, of files or of the bytes in them; it knows no Caffe.

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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg

from pydrdl.arrays import Pixels
from pydrdl.datasets.dataset import Image
from pydrdl.errors import InputError
from pydrdl.files import read_bytes
from pydrdl.start import VARIABLE, most_pixels

AGAIN = "get the file again, or take it out of the list"
# Whose headers Pillow reads as OpenCV does; JPEG is asked for by simplejpeg.
KINDS = ("PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF", "SUN", "JPEG")
_PLAIN = ("YCbCr", "Gray")  # colours in which both decoders give the same pixels
_one_header = threading.Lock()
MAX_BYTES = 2**30  # of a file: more than the largest image takes up undecoded
# Is told of an image whose damage leaves it decodable, and of what is damaged.
Note = Callable[[Image, str], object]


def pass_on(noted: Iterable[tuple[Image, str]], note: Note | None) -> None:
    """Tells what was noted elsewhere, on another machine say."""
    if note is not None:
        for image, damage in noted:
            note(image, damage)


class UnreadableImageError(ValueError):
    """A file's bytes are no image that is decoded: why not, and what to do about it."""

    def __init__(self, what: str, next_step: str = AGAIN) -> None:
        self.what, self.next_step = what, next_step
        super().__init__(what)


class Photo(NamedTuple):
    """A decoded image."""

    pixels: Pixels  # height x width x 3, uint8, BGR
    damage: str = ""  # what libjpeg says of damage that leaves it decodable


class Verified(NamedTuple):
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


def header_size(data: bytes) -> tuple[int, int]:
    """(height, width) that an image file's header claims; (0, 0) where none does."""
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:  # no JPEG, or of unusual sampling
        return _header_size(data)
    return int(height), int(width)


def verify(data: bytes, *, turned: bool) -> Verified:
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
            return Verified(*simplejpeg.decode_jpeg_header(data)[:2])
    pixels, damage = decode(data)
    height, width = pixels.shape[:2]
    return Verified(height, width, damage)


def _refuse_large(data: bytes) -> str:
    """Refuses a header that claims too many pixels.

    Returns: the colours of a JPEG that libjpeg-turbo understands, as "YCbCr", or "".
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

    OpenCV may know more kinds, and has the same bound (pydrdl/start.py). Pillow's
    plugins are asked one by one, because Image.open() has a bound of its own.
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


def read_image(
    root: Path,
    image: Image,
    size: tuple[int, int] | None,
    note: Note | None = None,
    *,
    again: str = AGAIN,
) -> Pixels:
    """Decodes an image, cuts out its box and resizes that.

    Args:
        root: the folder that image.path is relative to.
        image: which one; without a box all of it is taken.
        size: (height, width) in pixels, the aspect ratio not kept; None keeps
            the size of the box, or the file's own.
        note: is told of damage that leaves it decodable.
        again: what to do where it cannot be read.

    Returns:
        height x width x 3, uint8, BGR.

    Raises:
        InputError: the file is missing, no regular file, empty, cut off, too large
            or no image, or the box reaches beyond it.
    """
    path = Path(root) / image.path
    whose = f" of vehicle {image.vehicle_id}" if image.vehicle_id >= 0 else ""
    data = read_bytes(path, f"an image{whose}", again, most=MAX_BYTES)
    try:
        photo = decode(data)
    except UnreadableImageError as error:
        what = f"corrupt image{whose}: {error.what}"
        advice = again if error.next_step == AGAIN else error.next_step
        raise InputError(what, path, advice) from error
    if note is not None and photo.damage:
        note(image, photo.damage)
    pixels = photo.pixels
    if image.box is not None:
        height, width = pixels.shape[:2]
        if not lies_inside(image.box, height, width):
            raise InputError(
                f"box {image.box} (left, top, right, bottom){whose} is not in its "
                f"photograph of {width} x {height} pixels",
                path,
                "get label and photograph from the same release, or correct the label",
            )
        pixels = cut_out(pixels, image.box)
    return pixels if size is None else resized(pixels, size)


def cut_out(pixels: Pixels, box: tuple[int, int, int, int]) -> Pixels:
    """The part of an image in a box (left, top, right, bottom), which lies in it."""
    left, top, right, bottom = box
    return pixels[top:bottom, left:right]


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """An image at another size (height, width), its aspect ratio not kept."""
    if pixels.shape[:2] == size:
        return pixels
    shrinks = pixels.shape[0] >= size[0] and pixels.shape[1] >= size[1]
    # Areas are averaged when both sides shrink, which avoids aliasing.
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size[::-1], interpolation=method), np.uint8)


def read_file(path: Path, what: str = "an image") -> bytes:
    """Reads an image's file; InputError where it is missing, irregular or too large."""
    return read_bytes(path, what, AGAIN, most=MAX_BYTES)


def lies_inside(box: tuple[int, int, int, int], height: int, width: int) -> bool:
    """Whether a box (left, top, right, bottom) lies in a photograph of that size."""
    left, top, right, bottom = box
    return 0 <= left < right <= width and 0 <= top < bottom <= height

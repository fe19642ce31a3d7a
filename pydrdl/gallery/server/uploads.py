"""Photographs from outside: bytes are looked at before anything decodes them."""

from pydrdl.arrays import Pixels
from pydrdl.datasets.images import UnreadableImageError, decode, header_size
from pydrdl.errors import InputError
from pydrdl.gallery.query import Box, box_of

MOST_BYTES = 20 * 2**20
MOST_PIXELS = 50_000_000
UPLOAD = "the photograph"
KINDS = {  # how a file begins that may be decoded, and its ending
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG\r\n\x1a\n": ".png",
    b"BM": ".bmp",
    b"RIFF": ".webp",
}


def ending_of(data: bytes) -> str:
    """The ending of a photograph's file, by how it begins.

    Raises:
        InputError: it is of no kind that is taken.
    """
    for begin, ending in KINDS.items():
        if data.startswith(begin) and (ending != ".webp" or data[8:12] == b"WEBP"):
            return ending
    what = "the file is no photograph" + ("" if data else ": it is empty")
    raise InputError(what, UPLOAD, "give a JPEG, PNG, WebP or BMP file")


def decode_upload(data: bytes) -> Pixels:
    """Pixels (height, width, 3), BGR, of a photograph from outside.

    Raises:
        InputError: too many bytes or pixels, another kind of file, or damaged.
    """
    if len(data) > MOST_BYTES:
        what = f"{len(data):,} bytes, more than the {MOST_BYTES:,} that are taken"
        raise InputError(what, UPLOAD, "make it smaller")
    ending_of(data)
    height, width = header_size(data)
    if height * width > MOST_PIXELS:
        what = f"{width:,} x {height:,} pixels, more than the {MOST_PIXELS:,} taken"
        raise InputError(what, UPLOAD, "make it smaller")
    try:
        return decode(data).pixels
    except UnreadableImageError as error:
        raise InputError(error.what, UPLOAD, "give another photograph") from error


def box_given(text: str) -> Box | None:
    """Parses a box, see box_of; None where it is empty.

    Raises:
        InputError: it is none.
    """
    if not text.strip():
        return None
    try:
        return box_of(text)
    except ValueError as error:
        raise InputError(str(error), "box", "correct it") from error

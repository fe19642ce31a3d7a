"""A look at one image's file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydrdl.datasets.decoding import UnreadableImageError, glance
from pydrdl.datasets.images import lies_inside, read_file
from pydrdl.datasets.types import Image
from pydrdl.errors import InputError
from pydrdl.files import irregular
from pydrdl.system_errors import reason


@dataclass(frozen=True)
class Look:
    """What a look at an image's file has shown.

    Attributes:
        missing: there is no such file.
        unreadable: why its image cannot be read; "" where it can.
        damage: what libjpeg says of damage that leaves it decodable; "".
        outside: the photograph's size, where the image's box leaves it; "".
        digest: of the file's bytes; b"" where they were not read as an image.
    """

    missing: bool = False
    unreadable: str = ""
    damage: str = ""
    outside: str = ""
    digest: bytes = b""


def stat_image(root: Path, image: Image) -> Look:
    """Looks at a file's kind and size only."""
    try:
        found = (root / image.path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return Look(missing=True)
    except OSError as error:
        return Look(unreadable=reason(error))
    if odd := irregular(found.st_mode):
        return Look(unreadable=odd)
    return Look(unreadable="" if found.st_size else "its 0 bytes cannot be decoded")


def decode_image(root: Path, image: Image) -> Look:
    """Reads and decodes a file, as the LMDB's builder and all others do."""
    seen = stat_image(root, image)
    if seen.missing or seen.unreadable:
        return seen
    try:
        data = read_file(root / image.path)
        photo = glance(data, turned=image.box is not None)
    except (InputError, UnreadableImageError) as error:
        return Look(unreadable=error.what)
    digest = hashlib.blake2b(data, digest_size=16).digest()
    outside = ""
    if image.box is not None and not lies_inside(image.box, photo.height, photo.width):
        outside = f"photograph {photo.width} x {photo.height}"
    return Look(damage=photo.damage, outside=outside, digest=digest)

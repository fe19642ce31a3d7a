"""Whether two lists of images are the same one."""

import hashlib
from collections.abc import Iterable
from dataclasses import astuple

from pydrdl.datasets.types import Image


def images_sha256(images: Iterable[Image]) -> str:
    """SHA-256 of all that is known of images, in their order."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(f"{astuple(image)!r}\n".encode())
    return digest.hexdigest()

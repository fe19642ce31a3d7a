"""Search in thirty lines: which photographs of a gallery are like this one?

python examples/search.py PHOTO GALLERY [PICTURE.jpg]
"""

import sys
from pathlib import Path

import cv2

from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import read_image
from pydrdl.errors import InputError
from pydrdl.files import write_bytes
from pydrdl.gallery.folder import open_gallery
from pydrdl.gallery.query import ask, input_of, open_net_of
from pydrdl.gallery.strip import draw_strip


def search(photo: Path, folder: Path, picture: Path | None = None) -> None:
    """Prints the seven photographs that are most like one, and draws them."""
    gallery = open_gallery(folder)
    net = open_net_of(gallery)  # that of the gallery's features, told by its hash
    pixels = read_image(Path(), Image(str(photo), -1), None)
    (vector,) = net([input_of(pixels, None, net, photo)], [str(photo)])
    cells = []
    for match in ask(gallery, vector, 8).matches:
        image, path = match.row.image, match.row.photograph
        if path and path.resolve() == photo.resolve():
            continue  # the gallery holds the query too
        known = "" if match.probability is None else f"  p {match.probability:.2f}"
        lines = [f"vehicle {image.vehicle_id}", f"d {match.distance:.2f}{known}"]
        print(image.path, *lines)
        if path:
            cells.append((read_image(Path(match.row.root), image, None), lines))
    if picture:
        strip = draw_strip(pixels, cells[:7])
        write_bytes(picture, cv2.imencode(picture.suffix, strip)[1].tobytes())


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    try:
        search(*map(Path, sys.argv[1:]))
    except InputError as error:
        sys.exit(f"error: {error}")

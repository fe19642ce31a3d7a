"""Search in thirty lines: which photographs of a gallery are like this one?

python examples/search.py PHOTO GALLERY [PICTURE.jpg]
"""

import sys
from pathlib import Path

import cv2

from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import read_image
from pydrdl.errors import InputError
from pydrdl.files import refuse_unwritable, write_bytes
from pydrdl.gallery.folder import open_gallery
from pydrdl.gallery.query import ask, input_of, open_net_of
from pydrdl.gallery.strip import draw_strip


def search(photo: Path, folder: Path, picture: Path | None = None) -> None:
    """Prints the photographs that are most like one, and draws seven of them."""
    if picture:
        refuse_unwritable(picture)
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
        _, data = cv2.imencode(picture.suffix, draw_strip(pixels, cells[:7]))
        write_bytes(picture, data.tobytes())


if __name__ == "__main__":
    given = sys.argv[1:]
    if not 2 <= len(given) <= 3 or not all(map(cv2.haveImageWriter, given[2:])):
        sys.exit(__doc__)
    try:
        search(*map(Path, given))
    except InputError as error:
        sys.exit(f"error: {error}")

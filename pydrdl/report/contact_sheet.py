"""A contact sheet: vehicles in rows, beside each its look-alikes of the same model."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import cv2
import numpy as np

from pydrdl.arrays import Pixels
from pydrdl.datasets.dataset import Image
from pydrdl.pictures import in_square, write_line

MARGIN = 18  # pixels around the sheet
GAP = 6  # between photographs of a row
BLOCK = 30  # between a vehicle's photographs and its look-alikes
LINE = 16  # height of a line of text
HEADING = LINE + 10
LEADING = 10  # between a row's captions and the next row
WHITE, INK, FAINT, RULE = 255, 40, 120, 205  # grey levels
GROUND = 238  # beside photographs that are not square


class SheetRow(NamedTuple):
    """Photographs of a vehicle, and one each of some others of its model."""

    images: tuple[Image, ...]
    neighbours: tuple[Image, ...] = ()


def choose_rows(
    images: Sequence[Image], vehicles: int, per_vehicle: int, neighbours: int, seed: int
) -> tuple[SheetRow, ...]:
    """Chooses at random what a sheet shows.

    Vehicles with several photographs and with others of their model come first, as
    far as there are such. At most so many vehicles are shown, photographs of each and
    neighbours, which are others of its model.
    """
    random = np.random.default_rng(seed)
    images_of: dict[int, list[Image]] = defaultdict(list)
    vehicles_of: dict[int, set[int]] = defaultdict(set)
    for image in images:
        images_of[image.vehicle_id].append(image)
        if image.model_id >= 0:
            vehicles_of[image.model_id].add(image.vehicle_id)

    def draw(items: Sequence[int], count: int) -> list[int]:
        return [items[k] for k in random.permutation(len(items))[:count]]

    def alike(vehicle: int) -> list[int]:
        model = images_of[vehicle][0].model_id
        return sorted(vehicles_of[model] - {vehicle})

    order = draw(sorted(images_of), len(images_of))
    # Stable: chance decides within the preferred and within the others.
    order.sort(key=lambda v: (len(images_of[v]) < 2) + (not alike(v)))
    rows = []
    for vehicle in order[:vehicles]:
        own = images_of[vehicle]
        shown = [own[k] for k in sorted(draw(range(len(own)), per_vehicle))]
        others = [images_of[v] for v in draw(alike(vehicle), neighbours)]
        one_each = [other[random.integers(len(other))] for other in others]
        rows.append(SheetRow(tuple(shown), tuple(one_each)))
    return tuple(rows)


class SheetGrid(NamedTuple):
    """Where things stand on a sheet, in pixels."""

    size: int  # side of a photograph's square cell
    columns: int  # cells of a vehicle's own photographs
    neighbours: int  # cells of look-alikes, right of them
    rows: int

    @property
    def width(self) -> int:
        """The sheet's width."""
        return self.cell(0, self.columns + self.neighbours - 1)[0] + self.size + MARGIN

    @property
    def height(self) -> int:
        """The sheet's height."""
        return self.cell(self.rows - 1, 0)[1] + self.size + 2 * LINE + MARGIN

    def cell(self, row: int, column: int) -> tuple[int, int]:
        """(left, top) of a photograph; look-alikes follow the vehicle's own."""
        apart = BLOCK - GAP if column >= self.columns else 0
        pitch = self.size + 2 * LINE + LEADING
        left = MARGIN + column * (self.size + GAP) + apart
        return left, MARGIN + HEADING + row * pitch


def grid_of(rows: Sequence[SheetRow], size: int) -> SheetGrid:
    """The smallest grid that holds these rows, in cells of so many pixels a side."""
    columns = max(len(row.images) for row in rows)
    return SheetGrid(size, columns, max(len(row.neighbours) for row in rows), len(rows))


def contact_sheet(
    rows: Sequence[SheetRow], size: int, read: Callable[[Image], Pixels]
) -> Pixels:
    """Draws a contact sheet.

    Args:
        rows: what it shows, at least one.
        size: pixels a side of a photograph's cell; aspect ratios are kept.
        read: gives an image's pixels, height x width x 3, uint8, BGR.

    Returns:
        height x width x 3, uint8, BGR.
    """
    grid = grid_of(rows, size)
    sheet = np.full((grid.height, grid.width, 3), WHITE, np.uint8)
    for column, text, columns in (
        (0, "one vehicle", grid.columns),
        (grid.columns, "others of its model", grid.neighbours),
    ):
        left, room = grid.cell(0, column)[0], columns * (size + GAP) - GAP
        if columns:
            write_line(sheet, text, left, MARGIN + LINE - 4, room, INK)
    if grid.neighbours:
        x = grid.cell(0, grid.columns)[0] - BLOCK // 2
        cv2.line(sheet, (x, MARGIN), (x, grid.height - MARGIN), (RULE,) * 3, 1)
    for number, row in enumerate(rows):
        cells = [*enumerate(row.images), *enumerate(row.neighbours, grid.columns)]
        for column, image in cells:
            left, top = grid.cell(number, column)
            sheet[top : top + size, left : left + size] = in_square(
                read(image), size, GROUND
            )
            model = f"  model {image.model_id}" if image.model_id >= 0 else ""
            seen_by = PurePosixPath(image.path).name
            if image.camera_id >= 0:
                seen_by = f"camera {image.camera_id}"
            base, vehicle = top + size + 14, f"vehicle {image.vehicle_id}"
            write_line(sheet, vehicle + model, left, base, size, INK)
            write_line(sheet, seen_by, left, base + LINE, size, FAINT)
    return sheet

"""Pictures of curves as files."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pydrdl.atomic import whole_file
from pydrdl.errors import InputError
from pydrdl.system_errors import writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")


def check_format(path: Path) -> str:
    """The format that a picture's name asks for.

    Raises:
        InputError: it is not offered.
    """
    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise InputError(
            f"no such format; pictures end in .{', .'.join(FORMATS)}",
            path,
            "name it curves.png",
        )
    return kind


def save(figure: "Figure", path: Path, *, dpi: int = 120) -> None:
    """Writes a figure; the file appears, or is replaced, only when whole.

    Raises:
        InputError: a format that is not offered, or no such folder.
    """
    kind = check_format(path)
    with (
        writing("the picture", path),
        whole_file(path) as part,
        warnings.catch_warnings(),
    ):
        # Names may have characters that the font lacks: a box stands there.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(part, format=kind, dpi=dpi)

"""What a report is made of, whatever it is written as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

# none: not known, or does not apply.
Value = str | int | float | None
Row = Mapping[str, Value]
# How a value is shown:
#   text    as it is
#   hash    its first digits
#   count   a whole number with commas
#   rate    a fraction of one, .381
#   change  a difference of rates with its sign, +.012
#   number  four significant digits
Kind = Literal["text", "hash", "count", "rate", "change", "number"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: under which rows hold its values.
        title: its head.
        kind: how values are shown.
        spread: key of what stands behind ± with them.
    """

    key: str
    title: str
    kind: Kind = "text"
    spread: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that belong together, under a heading of their own if it has one."""

    heading: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        key: its name among files.
        title: what it shows.
        columns: the first names the rows.
        groups: its rows.
        folded: whether it is detail: shown when asked for, left out of LaTeX.
    """

    key: str
    title: str
    columns: Sequence[Column]
    groups: Sequence[Group]
    folded: bool = False


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes:
        text: of any signs.
        kind: warning where a number must not be taken as it stands; command for
            what is typed at a prompt.
    """

    text: str
    kind: Literal["plain", "warning", "command"] = "plain"


@dataclass(frozen=True)
class Figure:
    """A drawing.

    Attributes:
        key: its name among files.
        caption: what it shows.
        alt: what can be seen, for those who cannot.
        svg: the drawing, for light ground.
        pdf: the same.
        data: the drawn numbers.
    """

    key: str
    caption: str
    alt: str
    svg: str
    pdf: bytes
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """An image in a strip.

    Attributes:
        image: its name.
        vehicle: its vehicle's id.
        model: its vehicle model's id; -1 unlabelled.
        rank: its place in the gallery, from 1; 0 for the probe.
        distance: squared L2 distance to the probe; None for the probe.
        right: whether it shows the probe's vehicle.
        same_model: whether its model is the probe's; None where one of the two
            is unlabelled.
        jpeg: the thumbnail; empty without the data set.
    """

    image: str
    vehicle: int
    model: int
    rank: int = 0
    distance: float | None = None
    right: bool = True
    same_model: bool | None = True
    jpeg: bytes = b""


@dataclass(frozen=True)
class Strip:
    """A probe and what was found for it.

    Attributes:
        probe: the image searched for.
        found: the nearest gallery images, nearest first.
        match: the gallery image of the probe's vehicle.
        tied: other gallery images exactly as far as the match.
    """

    probe: Item
    found: Sequence[Item]
    match: Item
    tied: int


@dataclass(frozen=True)
class Strips:
    """Strips under a title."""

    key: str
    title: str
    strips: Sequence[Strip]


Block = Text | Table | Figure | Strips


@dataclass(frozen=True)
class Section:
    """A part of the report with a heading."""

    key: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """All of it.

    Attributes:
        title: its heading.
        date: of the report; empty where none was given.
        sections: in order.
    """

    title: str
    date: str
    sections: Sequence[Section] = field(default_factory=tuple)

    def tables(self) -> list[Table]:
        """All tables, in order."""
        return [b for s in self.sections for b in s.blocks if isinstance(b, Table)]

    def figures(self) -> list[Figure]:
        """All figures, in order."""
        return [b for s in self.sections for b in s.blocks if isinstance(b, Figure)]

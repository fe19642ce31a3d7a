"""What a report is made of, whatever it is written as; tables are pydrdl.table's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydrdl.table import Table, plural

SAME, OTHER, UNLABELLED = "same model", "other model", "unlabelled"


@dataclass(frozen=True)
class Text:
    """A paragraph of any signs."""

    text: str
    # "warning" where a number must not be taken as it stands; "command" for what is
    # typed at a prompt.
    kind: Literal["plain", "warning", "command"] = "plain"


@dataclass(frozen=True)
class Figure:
    """A drawing for light ground, twice, and the numbers that are drawn."""

    key: str  # its name among files
    caption: str
    alt: str  # what can be seen, for those who cannot
    svg: str
    pdf: bytes
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Picture:
    """A picture of pixels under its caption."""

    key: str  # its name among files
    caption: str
    alt: str  # what can be seen, for those who cannot
    jpeg: bytes
    data: Mapping[str, Any]  # what it says in numbers


@dataclass(frozen=True)
class Item:
    """An image in a strip, by its name and its vehicle's and model's ids."""

    image: str
    vehicle: int
    model: int  # -1 unlabelled
    rank: int = 0  # its place in the gallery, from 1; 0 for the probe
    # Squared L2 distance to the probe; None for the probe.
    distance: float | None = None
    right: bool = True  # whether it shows the probe's vehicle
    # As the probe; None where one of the two is unlabelled.
    same_model: bool | None = True
    jpeg: bytes = b""  # the thumbnail; empty without the data set

    @property
    def mark(self) -> str:
        """Right or wrong, without colour."""
        return "✓" if self.right else "✗"

    @property
    def relation(self) -> str:
        """How a wrong one is related to the probe; empty for a right one."""
        relation = {None: UNLABELLED, True: SAME, False: OTHER}[self.same_model]
        return "" if self.right else relation

    @property
    def alt(self) -> str:
        """What it shows, for those who cannot see it."""
        if not self.rank:
            return f"probe {self.image}, vehicle {self.vehicle}"
        verdict = "right" if self.right else f"wrong, {self.relation}"
        return f"rank {self.rank:,}: {self.image}, vehicle {self.vehicle}, {verdict}"


@dataclass(frozen=True)
class Strip:
    """A probe and what was found for it."""

    probe: Item  # the image searched for
    found: Sequence[Item]  # the nearest gallery images, nearest first
    match: Item  # the gallery image of the probe's vehicle
    tied: int  # other gallery images exactly as far as the match

    @property
    def summary(self) -> str:
        """What it shows, in one line."""
        probe = self.probe
        model = f"model {probe.model}" if probe.model >= 0 else UNLABELLED
        tied = f", tied with {plural(self.tied, 'other')}" if self.tied else ""
        return (
            f"{probe.image}, vehicle {probe.vehicle}, {model}: match at rank "
            f"{self.match.rank:,}{tied}"
        )

    @property
    def match_is_shown(self) -> bool:
        """Whether the match is among those found."""
        return any(item.image == self.match.image for item in self.found)


@dataclass(frozen=True)
class Strips:
    """Strips under a title."""

    key: str
    title: str
    strips: Sequence[Strip]


Block = Text | Table | Figure | Picture | Strips


@dataclass(frozen=True)
class Section:
    """A part of the report with a heading."""

    key: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """All of it; date is empty where none was given."""

    title: str
    date: str
    sections: Sequence[Section] = ()

    def tables(self) -> list[Table]:
        """All tables, in order."""
        return [b for s in self.sections for b in s.blocks if isinstance(b, Table)]

    def figures(self) -> list[Figure]:
        """All figures, in order."""
        return [b for s in self.sections for b in s.blocks if isinstance(b, Figure)]

    def pictures(self) -> list[Picture]:
        """All pictures, in order."""
        return [b for s in self.sections for b in s.blocks if isinstance(b, Picture)]

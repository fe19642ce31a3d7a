"""What the paper leaves open, changed (docs/choices.md)."""

from dataclasses import dataclass

from pydrdl import paper

SEEDS = 3  # trainings of each change, at most


@dataclass(frozen=True)
class Ablation:
    """One change to one of the paper's methods.

    Attributes:
        method: the method, as the paper's rows name it.
        title: what is changed; "" for nothing.
        change: the same, for file names.
        options: the change, as make_nets.py takes it.
    """

    method: str
    title: str = ""
    change: str = ""
    options: tuple[str, ...] = ()

    @property
    def row(self) -> str:
        """The title of its row."""
        return f"{self.method}, {self.title}" if self.title else self.method


_CHANGES = {
    "margin 0.5": ("margin_0.5", ("--margin", "0.5")),
    "margin 2": ("margin_2", ("--margin", "2")),
    "centre held fixed": ("center_constant", ("--gradient", "CENTER_CONSTANT")),
    "the paper's gradient": ("paper_gradient", ("--gradient", "PAPER")),
    "2048 box as a layer": ("wide_fc8", ("--wide-fc8",)),
    "half of the negatives of its model": ("hard", ("--hard-negatives", "0.5")),
    # The demo's features leave batch normalisation with a mean squared length
    # of 128, so that this margin is to them what 1 is to unit vectors.
    "features not normalised, margin 128": (
        "no_normalize_128",
        ("--no-normalize", "--margin", "128"),
    ),
}


def _of(method: str, *titles: str) -> list[Ablation]:
    return [Ablation(method), *(Ablation(method, t, *_CHANGES[t]) for t in titles)]


# Triplet loss knows no gradient modes, and only the mixed difference net has a
# 2048 box.
ABLATIONS = (
    *_of(paper.VGG_TRIPLET, "margin 0.5", "margin 2"),
    *_of(
        paper.VGG_CCL,
        "margin 0.5",
        "margin 2",
        "centre held fixed",
        "the paper's gradient",
    ),
    *_of(paper.MIXED_CCL, *_CHANGES),
)

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
    "margin 0.25": ("margin_0.25", ("--margin", "0.25")),
    "margin 1": ("margin_1", ("--margin", "1")),
    "exact gradient": ("exact", ("--gradient", "EXACT")),
    "exact gradient, margin 1": (
        "exact_margin_1",
        ("--gradient", "EXACT", "--margin", "1"),
    ),
    "the paper's gradient": ("paper_gradient", ("--gradient", "PAPER")),
    "2048 box as a layer": ("wide_fc8", ("--wide-fc8",)),
    "half of the negatives of its model": ("hard", ("--hard-negatives", "0.5")),
    # The demo's features leave batch normalisation with a mean squared length
    # of 128, so that this margin is to them what 0.5 is to unit vectors.
    "features not normalised, margin 64": (
        "no_normalize_64",
        ("--no-normalize", "--margin", "64"),
    ),
}


def _of(method: str, *titles: str) -> list[Ablation]:
    return [Ablation(method), *(Ablation(method, t, *_CHANGES[t]) for t in titles)]


# Triplet loss knows no gradient modes, and only the mixed difference net has a
# 2048 box.
ABLATIONS = (
    *_of(paper.VGG_TRIPLET, "margin 0.25", "margin 1"),
    *_of(
        paper.VGG_CCL,
        "margin 0.25",
        "margin 1",
        "exact gradient",
        "exact gradient, margin 1",
        "the paper's gradient",
    ),
    *_of(paper.MIXED_CCL, *_CHANGES),
)

# The methods as they are, and with what the ablations found best for them.
TUNED = (
    *_of(paper.VGG_TRIPLET, "margin 1"),
    *_of(paper.VGG_CCL, "exact gradient, margin 1"),
    *_of(paper.MIXED_CCL, "exact gradient, margin 1"),
)

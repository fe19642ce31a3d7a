"""Which net output is drawn in which of the stacked panels."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydrdl.logs.reader import TrainingLog

# A top, or None for the smoothed total loss, which is none.
Top = str | None


@dataclass(frozen=True)
class Panel:
    """One of the stacked plots.

    Attributes:
        title: what its y axis shows.
        holds: whether a top belongs to it, given the top and whether it is a
            loss. The first panel that holds a top shows it.
    """

    title: str
    holds: Callable[[str, bool], bool]


PANELS = (
    Panel("loss", lambda top, is_loss: is_loss),
    Panel("squared distance", lambda top, is_loss: top.endswith(("_d_pos", "_d_neg"))),
    Panel(
        "share",
        lambda top, is_loss: (
            top.endswith("_active")
            or any(word in top for word in ("accuracy", "top-1", "top-5"))
        ),
    ),
    Panel("other outputs", lambda top, is_loss: True),
)


def sorted_into_panels(logs: Iterable[TrainingLog]) -> dict[Panel, list[Top]]:
    """The tops of each panel, each once; the total loss is the last loss."""
    tops: dict[Panel, list[Top]] = {panel: [] for panel in PANELS}
    for log in logs:
        for top in [*log.tops("train"), *log.tops("test")]:
            is_loss = top in log.loss_weights
            panel = next(panel for panel in PANELS if panel.holds(top, is_loss))
            if top not in tops[panel]:
                tops[panel].append(top)
    tops[PANELS[0]].append(None)
    return tops

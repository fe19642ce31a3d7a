"""Which of the paper's numbers a row can be compared with."""

import re

from pydrdl import paper
from pydrdl.datasets import vehicleid
from pydrdl.report.results import Origin
from pydrdl.results.shared import training_of

# Names without signs and spaces, as prototxt/ and people write them.
_NAMES = {
    "mixeddifferenceccl": paper.MIXED_CCL,
    "mixeddifference": paper.MIXED_CCL,
    "mixed": paper.MIXED_CCL,
    "vggccl": paper.VGG_CCL,
    "ccl": paper.VGG_CCL,
    "vggtriplet": paper.VGG_TRIPLET,
    "triplet": paper.VGG_TRIPLET,
    "googlenetsvm": paper.GOOGLENET_SVM,
    "googlenetjointbayesian": paper.GOOGLENET_JB,
}


def paper_method(name: str) -> str | None:
    """The paper's name of a method; None where the paper has no such method.

    Only whole names count: "ccl without margin" is not the paper's CCL, but
    "ccl, seed 3" is, as a training of it.
    """
    method, _ = training_of(name)
    return _NAMES.get(re.sub(r"[^a-z0-9]", "", method.lower()))


def paper_split(
    origin: Origin, vehicles: int, *, drawn: bool
) -> paper.TestSplit | None:
    """The paper's split that a result is of; None for other data or another size.

    Args:
        origin: of the result.
        vehicles: in its gallery.
        drawn: its images were rendered, whatever the data set is called.
    """
    if drawn or origin.of("dataset") not in ("", vehicleid.NAME):
        return None
    return paper.split_of_gallery(vehicles)


def why_no_difference(vehicles: int) -> str:
    """What stands below a table whose results paper_split has nothing for."""
    split = paper.split_of_gallery(vehicles)
    if split is not None:
        return (
            f"As many vehicles as in the paper's {split.name} split, but not its "
            "photographs: its rows stand for orientation, and no difference is given."
        )
    small = paper.TEST_SPLITS[0]
    return (
        f"The paper has no split of {vehicles:,} vehicles: its {small.name} rows "
        f"({small.vehicles:,}) stand for orientation, and no difference is given, "
        "because fewer vehicles are easier to search."
    )

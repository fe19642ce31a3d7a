"""Every kind of thing that may be wrong with a data set, or worth knowing about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from pydrdl.datasets.dataset import Image
from pydrdl.datasets.vehicleid import ALL_IMAGES
from pydrdl.datasets.veri import JUNK, MATCHES, TRACKS
from pydrdl.lmdb.labels import MAX_VEHICLE_ID

EXAMPLES = 5  # shown of each problem


class Severity(StrEnum):
    """How bad a problem is.

    error: training or evaluation would stop, or learn and measure something
    false. warning: it runs, but look at it. info: worth knowing.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class ProblemKind(NamedTuple):
    """What its cases are, with numbers in braces, and what to do about them."""

    severity: Severity
    what: str
    next: str


@dataclass(frozen=True)
class Problem:
    """A kind of problem, with all its cases."""

    code: str  # its name for machines, such as "missing_images"
    severity: Severity
    what: str  # one line, with numbers
    count: int  # of cases: images, vehicles, lines
    examples: tuple[str, ...]  # the first few: a path, an id, a file:line
    next: str  # what to do about it


Case = tuple[str, str]  # a problem's code, and one example of it


def problems(cases: Iterable[Case], **numbers: int) -> list[Problem]:
    """The problems of these cases, the worst first; their texts name the numbers."""
    found: dict[str, list[str]] = {}
    for code, case in cases:
        found.setdefault(code, []).append(case)
    return [
        Problem(
            code,
            kind.severity,
            f"{kind.what.format(**numbers)}: {len(found[code]):,}",
            len(found[code]),
            tuple(found[code][:EXAMPLES]),
            kind.next,
        )
        for code, kind in KINDS.items()
        if code in found
    ]


def named(image: Image) -> str:
    """An image as examples show it."""
    return f"{image.path} (vehicle {image.vehicle_id})"


_LEAK = "both in a training and in a test split"
_AGAIN = "get the files again, or take them out of the lists"
# What the cases of each kind are, and what to do about them.
_ERRORS = {
    "empty_splits": ("splits without an image", "get the lists again"),
    "images_of_two_vehicles": (
        "images listed for two vehicles",
        "find out which it is, and correct the lists",
    ),
    "vehicles_of_two_models": (
        "vehicles with images of different models (-1: no label)",
        "give all images of a vehicle the same model",
    ),
    "ids_too_large": (
        f"vehicle ids outside 0 .. {MAX_VEHICLE_ID}, the whole numbers that Caffe's "
        "floats hold exactly",
        "number the vehicles anew",
    ),
    "vehicles_trained_and_tested": (
        f"vehicles {_LEAK}",
        "take them out of the training list",
    ),
    "photographs_trained_and_tested": (
        f"photographs {_LEAK}",
        "take them out of the training list",
    ),
    "pairs_contradict": (
        "pairs whose label contradicts their paths",
        "get the pair files again",
    ),
    "too_few_vehicles": (
        "training splits with fewer than the {vehicles} vehicles of a set (one, and "
        "one for each of {negatives} negatives)",
        "add vehicles, or train with fewer negatives (--negatives)",
    ),
    "no_positives": (
        "training splits where no vehicle has two images",
        "add images: without a second one there is no distance to reduce",
    ),
    "probes_without_match": (
        "probes without an image of their vehicle in the gallery",
        "take them out of the query list, or complete the gallery",
    ),
    "wrong_answers": (
        f"lines of {MATCHES}, {JUNK} or {TRACKS} that contradict the lists",
        "get lists and answers from the same release",
    ),
    "wrong_image_list": (f"faults of {ALL_IMAGES}", "get the file again"),
    "other_vehicles": (
        f"listed images that {ALL_IMAGES} gives to another vehicle",
        "get all lists from the same release",
    ),
    "missing_images": (
        "listed images that are missing",
        "name an image list's folder with --root, get the images, or take them out of "
        "the lists",
    ),
    "unreadable_images": ("files that cannot be read as an image", _AGAIN),
    "boxes_outside": (
        "boxes that do not lie inside their photographs",
        "get label and photograph from the same release",
    ),
    "copies_across_vehicles": (
        "photographs that are there for several vehicles, byte for byte",
        "find out which vehicle it is, and remove the other files",
    ),
}
_WARNINGS = {
    "few_images": (
        "training vehicles with fewer than the {positives} images (positives) of a set",
        "nothing: PairSetData takes some images again (short_vehicles: REPEAT; SKIP "
        "leaves such vehicles out)",
    ),
    "single_images": (
        "vehicles with one image only: no positive pair, and no probe",
        "add images; otherwise they serve as negatives and in the gallery only",
    ),
    "probes_of_one_camera": (
        "probes matched by images of their own camera only",
        "take them out of the query list where the protocol leaves those out",
    ),
    "absent_answers": (
        "answer files of VeRi-776 that are missing",
        "get them from the release; training does not need them",
    ),
    "absent_from_image_list": (
        f"listed images that {ALL_IMAGES} does not name",
        "get all lists from the same release",
    ),
    "other_counts": (
        "splits whose counts are neither the release's nor the paper's",
        "nothing, where they were cut down or drawn; otherwise get the lists again",
    ),
    "damaged_images": (
        "damaged photographs that can be decoded, some with wrong pixels",
        "look at them; get the files again, or take them out of the list",
    ),
    "copies_within_vehicle": (
        "photographs that a vehicle has several times, byte for byte",
        "remove the copies: as gallery and probe they match by themselves",
    ),
}
_INFOS = {
    "no_model_label": (
        "training splits with images ({unlabelled:,}) that have no model label",
        "nothing: the softmax on models leaves them out; where none has a label, train "
        "a net without that branch (ccl, triplet)",
    ),
    "probes_in_gallery": (
        "probes that lie in the gallery too",
        "nothing, where the protocol leaves out images of the probe's own camera",
    ),
    "unlisted_images": (
        "photographs on disk that are in no list",
        "nothing, where they are not meant to be used",
    ),
}
# In the order in which they are shown.
KINDS: Final[Mapping[str, ProblemKind]] = {
    code: ProblemKind(severity, *texts)
    for severity, table in zip(Severity, (_ERRORS, _WARNINGS, _INFOS), strict=True)
    for code, texts in table.items()
}

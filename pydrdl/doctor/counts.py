"""What a data set holds, beside what the paper and the release say it holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydrdl import paper
from pydrdl.datasets import release, vehicleid
from pydrdl.datasets.types import Dataset, Image
from pydrdl.doctor.files import unique_images
from pydrdl.doctor.problem import Problem, Severity, problem

ALL = "all lists"
HERE, RELEASE, PAPER = "here", "release", "paper"
PAPER_SPLITS = {
    "train": paper.TABLE_1["training"],
    **{f"test_{split.vehicles}": split for split in paper.TEST_SPLITS},
    # The released list of all test vehicles is named after its own count.
    "test_13164": paper.TABLE_1["testing"],
    "test_13133": paper.TABLE_1["testing"],
}


@dataclass(frozen=True)
class SplitCount:
    """Numbers of one split from one source; None where it does not say.

    Attributes:
        split: its name, or ALL for all lists together.
        source: HERE for what was counted, RELEASE or PAPER.
        images: number of images.
        vehicles: number of vehicles.
        models: number of vehicle models among the labelled images.
        cameras: number of cameras; 0 where they are unknown.
        labelled: images with a model label.
    """

    split: str
    source: str
    images: int | None
    vehicles: int | None
    models: int | None = None
    cameras: int | None = None
    labelled: int | None = None


def count_dataset(dataset: Dataset) -> tuple[SplitCount, ...]:
    """Counts each split and all lists together, each followed by its references."""
    groups: dict[str, Sequence[Image]] = dict(dataset.splits)
    if len(groups) > 1:
        groups[ALL] = unique_images(dataset)
    counts: list[SplitCount] = []
    for split, images in groups.items():
        counts += [_count(split, images), *_references(dataset.name, split)]
    return tuple(counts)


def check_counts(counts: Sequence[SplitCount]) -> list[Problem]:
    """Finds splits that are neither the release's nor the paper's.

    A drawn or a cut-down data set is told from a damaged copy by its size:
    where no split has half of the release's images, it is worth knowing only.
    """
    differing, largest = [], 0.0
    for here in counts:
        known = [c for c in counts if c.split == here.split and c.source != HERE]
        if here.source != HERE or here.split == ALL or not known:
            continue
        images = next((c.images for c in known if c.images), None)
        largest = max(largest, (here.images or 0) / images if images else 0.0)
        if not any(_agree(here, reference) for reference in known):
            says = "; ".join(f"{c.source}: {_shown(c)}" for c in known)
            differing.append(f"{here.split}: {_shown(here)}; {says}")
    return problem(
        "other_counts",
        Severity.WARNING if largest >= 0.5 else Severity.INFO,
        "{n} splits are neither the release's nor the paper's",
        differing,
        "nothing, where they were cut down or drawn; otherwise get the lists again",
    )


def _count(split: str, images: Sequence[Image]) -> SplitCount:
    return SplitCount(
        split,
        HERE,
        images=len(images),
        vehicles=len({image.vehicle_id for image in images}),
        models=len({image.model_id for image in images} - {-1}),
        cameras=len({image.camera_id for image in images} - {-1}),
        labelled=sum(image.model_id >= 0 for image in images),
    )


def _references(dataset: str, split: str) -> list[SplitCount]:
    """What the release and the paper say of a split."""
    if dataset == vehicleid.NAME and split == ALL:
        return [
            SplitCount(
                ALL,
                RELEASE,
                paper.RELEASED_IMAGES,
                paper.RELEASED_VEHICLES,
                labelled=paper.RELEASED_LABELLED_IMAGES,
            ),
            SplitCount(
                ALL,
                PAPER,
                paper.IMAGES,
                paper.VEHICLES,
                paper.MODELS,
                labelled=paper.LABELLED_IMAGES,
            ),
        ]
    found = []
    if released := release.RELEASED.get(dataset, {}).get(split):
        found.append(SplitCount(split, RELEASE, released.images, released.vehicles))
    if dataset == vehicleid.NAME and split in PAPER_SPLITS:
        printed = PAPER_SPLITS[split]
        labelled = printed.labelled if isinstance(printed, paper.Part) else None
        found.append(
            SplitCount(
                split, PAPER, printed.images, printed.vehicles, labelled=labelled
            )
        )
    return found


def _agree(here: SplitCount, reference: SplitCount) -> bool:
    return reference.images in (None, here.images) and reference.vehicles in (
        None,
        here.vehicles,
    )


def _shown(count: SplitCount) -> str:
    return " of ".join(
        f"{number:,} {what}"
        for number, what in ((count.images, "images"), (count.vehicles, "vehicles"))
        if number is not None
    )

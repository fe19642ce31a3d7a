"""What a data set holds, beside what the paper and the release say it holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydrdl import paper
from pydrdl.check.problems import Case
from pydrdl.datasets import release, vehicleid
from pydrdl.datasets.dataset import Dataset, Image, unique_images
from pydrdl.lmdb.labels import numbered_models
from pydrdl.strict_json import Count, Form

ALL = "all lists"
HERE, RELEASE, PAPER = "here", "release", "paper"
# Images with a model label, and their vehicles, by split (Table 1, Sec. 4) and source.
LABELLED = {
    ("train", PAPER): (paper.TABLE_1["training"].labelled, None),
    ("test_13164", PAPER): (paper.TABLE_1["testing"].labelled, None),
    (ALL, PAPER): (paper.LABELLED_IMAGES, paper.LABELLED_VEHICLES),
    (ALL, RELEASE): (paper.RELEASED_LABELLED_IMAGES, paper.RELEASED_LABELLED_VEHICLES),
}


class SplitCount(Form):
    """Numbers of one split from one source; None where it does not say."""

    split: str  # or ALL, for all lists together
    source: str  # HERE for what was counted, RELEASE or PAPER
    images: Count
    vehicles: Count
    models: Count | None = None  # among the labelled images
    cameras: Count | None = None  # 0 where they are unknown
    labelled: Count | None = None  # images with a model label
    labelled_vehicles: Count | None = None
    # Outputs of a softmax: models that occur, or all that the data set says there are.
    model_labels: Count | None = None

    def __str__(self) -> str:
        return f"{self.images:,} images of {self.vehicles:,} vehicles"


@dataclass(frozen=True)
class PairCount:
    """Pairs to verify: how many there are, and how many of them match."""

    pairs: int
    same: int


def count_dataset(dataset: Dataset) -> tuple[SplitCount, ...]:
    """Counts each split and all lists together, each followed by its references."""
    groups: dict[str, Sequence[Image]] = dict(dataset.splits)
    if len(groups) > 1:
        groups[ALL] = unique_images(dataset)
    counts: list[SplitCount] = []
    for split, images in groups.items():
        here = count_images(split, images, dataset.num_models)
        counts += [here, *_references(dataset.name, split)]
    return tuple(counts)


def count_pairs(dataset: Dataset) -> dict[str, PairCount]:
    """Counts the pairs of each level."""
    return {
        level: PairCount(len(pairs), sum(pair.same for pair in pairs))
        for level, pairs in dataset.pairs.items()
    }


def count_images(split: str, images: Sequence[Image], num_models: int) -> SplitCount:
    """Counts a split's images as both the check and the LMDB's builder show them."""
    labelled = [image for image in images if image.model_id >= 0]
    models = {image.model_id for image in labelled}
    return SplitCount(
        split=split,
        source=HERE,
        images=len(images),
        vehicles=len({image.vehicle_id for image in images}),
        models=len(models),
        cameras=len({image.camera_id for image in images} - {-1}),
        labelled=len(labelled),
        labelled_vehicles=len({image.vehicle_id for image in labelled}),
        model_labels=len(numbered_models(models, num_models)),
    )


def _references(dataset: str, split: str) -> list[SplitCount]:
    """What the release and the paper say of a split."""
    name = release.ALL if split == ALL else split
    labelled = LABELLED if dataset == vehicleid.NAME else {}
    counts = []
    for source, size in (
        (RELEASE, release.released_size(dataset, name)),
        (PAPER, release.paper_size(dataset, name)),
    ):
        if size is not None:
            images, vehicles = labelled.get((split, source), (None, None))
            known = {"labelled": images, "labelled_vehicles": vehicles}
            here = {"split": split, "source": source, **size._asdict(), **known}
            counts.append(SplitCount.model_validate(here))
    return counts


def _with_references(
    counts: Sequence[SplitCount],
) -> Iterator[tuple[SplitCount, list[SplitCount]]]:
    """Yields the splits of which the release or the paper says something, and what."""
    for here in counts:
        known = [c for c in counts if c.split == here.split and c.source != HERE]
        if here.source == HERE and here.split != ALL and known:
            yield here, known


def check_counts(counts: Sequence[SplitCount]) -> Iterator[Case]:
    """Finds splits that are neither the release's nor the paper's."""
    for here, known in _with_references(counts):
        sizes = [(c.images, c.vehicles) for c in known]
        if (here.images, here.vehicles) not in sizes:
            says = "; ".join(f"{c.source}: {c}" for c in known)
            yield "other_counts", f"{here.split}: {here}; {says}"


def is_nearly_whole(counts: Sequence[SplitCount]) -> bool:
    """Whether some split has half of the release's images, as a damaged copy has.

    And none that is drawn, or was cut down.
    """
    shares = (here.images / known[0].images for here, known in _with_references(counts))
    return max(shares, default=0) >= 0.5

"""All checks of a data set, together."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydrdl.datasets.types import Dataset
from pydrdl.doctor import files, lists
from pydrdl.doctor.counts import (
    PairCount,
    SplitCount,
    check_counts,
    count_dataset,
    count_pairs,
)
from pydrdl.doctor.problem import Problem, Severity
from pydrdl.doctor.roles import probe_paths
from pydrdl.doctor.vehicleid import check_all_images
from pydrdl.doctor.veri import check_answers


@dataclass(frozen=True)
class Checkup:
    """What was found.

    Attributes:
        name: the data set's name.
        root: its folder.
        fast: whether the files' contents were left out.
        counts: what it holds, beside the paper and the release.
        pairs: pairs to verify, by level.
        problems: the worst first.
    """

    name: str
    root: str
    fast: bool
    counts: tuple[SplitCount, ...]
    pairs: Mapping[str, PairCount]
    problems: tuple[Problem, ...]

    @property
    def fit(self) -> bool:
        """Whether it can be trained on and evaluated: there is no error."""
        return all(p.severity is not Severity.ERROR for p in self.problems)


def check_dataset(
    dataset: Dataset,
    *,
    positives: int = 5,
    negatives: int = 5,
    whole: bool = True,
    fast: bool = False,
    workers: int | None = None,
    progress: files.Progress = lambda items, what, total: items,
) -> Checkup:
    """Checks a data set's lists and files.

    Args:
        dataset: as open_dataset returns it, or with some of its splits.
        positives: images of one vehicle in a training set.
        negatives: images of other vehicles in a training set.
        whole: whether it has all its splits, so that photographs in no list
            can be told.
        fast: look at the files' names and sizes only.
        workers: threads that decode; None takes one a processor.
        progress: shows how far it is.
    """
    images = files.unique_images(dataset)
    counts = count_dataset(dataset)
    found = [
        *lists.check_lists(dataset, positives, negatives),
        *check_answers(dataset),
        *check_all_images(dataset),
        *check_counts(counts),
        *files.check_files(
            dataset.root,
            images,
            probes=probe_paths(dataset.splits),
            fast=fast,
            workers=workers,
            progress=progress,
        ),
    ]
    if whole:
        found += files.check_unlisted(dataset.root, images)
    order = list(Severity)
    found.sort(key=lambda p: order.index(p.severity))
    return Checkup(
        dataset.name,
        str(dataset.root),
        fast,
        counts,
        count_pairs(dataset),
        tuple(found),
    )

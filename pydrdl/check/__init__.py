"""What is right and what is wrong with a data set on disk."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pydrdl import __version__
from pydrdl.check.counts import (
    HERE,
    PairCount,
    SplitCount,
    check_counts,
    count_dataset,
    count_pairs,
    is_nearly_whole,
)
from pydrdl.check.images import check_files, check_unlisted
from pydrdl.check.lists import check_lists, is_training, probe_paths
from pydrdl.check.problems import Problem, Severity, problems
from pydrdl.datasets.dataset import Dataset, unique_images
from pydrdl.datasets.release import COMPCARS_PAIRS
from pydrdl.parallel import Progress, unseen

__all__ = ["Checkup", "Problem", "Severity", "check_dataset"]

SCHEMA = "drdl.dataset_check/1"
UNKNOWN = "-"
STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


@dataclass(frozen=True)
class Checkup:
    """What was found."""

    name: str  # the data set's
    root: str  # its folder
    fast: bool  # whether the files' contents were left out
    counts: tuple[SplitCount, ...]  # beside the paper's and the release's
    pairs: Mapping[str, PairCount]  # by level
    problems: tuple[Problem, ...]  # the worst first

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
    progress: Progress = unseen,
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
    photographs, root = unique_images(dataset), dataset.root
    counts = count_dataset(dataset)
    cases = [
        *check_lists(dataset, positives, negatives),
        *check_counts(counts),
        *check_files(
            root,
            photographs,
            probes=probe_paths(dataset.splits),
            fast=fast,
            workers=workers,
            progress=progress,
        ),
        *(check_unlisted(root, photographs) if whole else ()),
    ]
    unlabelled = (
        image.model_id < 0
        for split, images in dataset.splits.items()
        if is_training(split)
        for image in images
    )
    found = problems(
        cases,
        positives=positives,
        negatives=negatives,
        vehicles=negatives + 1,
        unlabelled=sum(unlabelled),
    )
    if not is_nearly_whole(counts):  # then other counts are worth knowing only
        found = [
            replace(p, severity=Severity.INFO) if p.code == "other_counts" else p
            for p in found
        ]
    found.sort(key=lambda p: list(Severity).index(p.severity))
    pairs = count_pairs(dataset)
    return Checkup(dataset.name, str(root), fast, counts, pairs, tuple(found))


def counts_table(checkup: Checkup) -> Table:
    """A line for each split; below it the release's and the paper's numbers."""
    padding = (0, 1, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=padding)
    table.add_column("split", no_wrap=True)
    titles = ["images", "vehicles", "models", "cameras"]
    for title in [*titles, "labelled\nimages", "labelled\nvehicles"]:
        table.add_column(title, justify="right", no_wrap=True)
    for count in checkup.counts:
        here = count.source == HERE
        numbers = (count.images, count.vehicles, count.models, count.cameras)
        table.add_row(
            Text(count.split if here else f"  {count.source}"),
            *("" if n is None else f"{n:,}" if n else UNKNOWN for n in numbers),
            _share(count.labelled, count.images),
            _share(count.labelled_vehicles, count.vehicles),
            style="" if here else "dim",
        )
    return table


def notes(checkup: Checkup) -> list[str]:
    """What must be known to read the table."""
    found = []
    if checkup.pairs:
        levels = ", ".join(
            f"{level} {count.pairs:,} ({count.same:,} match)"
            for level, count in checkup.pairs.items()
        )
        found.append(
            f"pairs to verify: {levels}; release: {COMPCARS_PAIRS:,} each, half of "
            "which match"
        )
    if checkup.name.startswith("CompCars"):
        found.append(
            "CompCars has no single vehicles: a vehicle is a car model here, and a "
            "model its make."
        )
    for count in checkup.counts:
        outputs = count.model_labels
        if is_training(count.split) and outputs != count.models and outputs:
            found.append(
                f"{count.split}: a softmax over vehicle models has {outputs:,} "
                f"outputs, as the data set has {outputs:,} models; {count.models:,} of "
                "them occur here"
            )
    return found


def print_problems(problems: Iterable[Problem], console: Console) -> None:
    """Prints each as what, examples, and what to do; no terminal breaks the lines."""
    for problem in problems:
        label = f"{problem.severity.value}: "
        lines = [Text.assemble((label, STYLES[problem.severity]), problem.what)]
        lines += [Text(f"  {example}") for example in problem.examples]
        more = problem.count - len(problem.examples)
        lines += [Text(f"  and {more:,} more")] if more else []
        for line in [*lines, Text(f"  next: {problem.next}")]:
            console.print(line, soft_wrap=True)


def summary(checkup: Checkup) -> str:
    """How many problems of which severity, in one line."""
    number = Counter(problem.severity for problem in checkup.problems)
    found = ", ".join(
        f"{number[severity]} {severity.value}{'' if number[severity] == 1 else 's'}"
        for severity in (Severity.ERROR, Severity.WARNING)
    )
    verdict = "fit to train on" if checkup.fit else "NOT fit to train on"
    if checkup.fast:
        verdict += "; not looked for (--fast): damaged images, copies, boxes outside"
    return f"{checkup.name} in {checkup.root}: {found}: {verdict}"


def checkup_json(checkup: Checkup) -> dict[str, object]:
    """All of it, for machines."""
    return {
        "schema": SCHEMA,
        "pydrdl": __version__,
        "dataset": checkup.name,
        "root": checkup.root,
        "fast": checkup.fast,
        "fit": checkup.fit,
        "counts": [count.model_dump() for count in checkup.counts],
        "pairs": {level: asdict(count) for level, count in checkup.pairs.items()},
        "problems": [asdict(problem) for problem in checkup.problems],
    }


def _share(labelled: int | None, of: int) -> str:
    """Images or vehicles with a model label, and what share they are."""
    if labelled is None:
        return ""
    if not labelled or not of:
        return UNKNOWN
    return f"{labelled:,} ({labelled / of:.0%})"

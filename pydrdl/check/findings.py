"""All checks of a data set, together."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pydrdl import __version__
from pydrdl.check import images, lists
from pydrdl.check.counts import (
    HERE,
    PairCount,
    SplitCount,
    check_counts,
    count_dataset,
    count_pairs,
)
from pydrdl.check.lists import check_all_images, check_answers, is_training, probe_paths
from pydrdl.check.problem import Problem, Severity
from pydrdl.datasets.dataset import Dataset
from pydrdl.datasets.release import COMPCARS_PAIRS


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
    progress: images.Progress = lambda items, what, total: items,
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
    photographs = images.unique_images(dataset)
    counts = count_dataset(dataset)
    found = [
        *lists.check_lists(dataset, positives, negatives),
        *check_answers(dataset),
        *check_all_images(dataset),
        *check_counts(counts),
        *images.check_files(
            dataset.root,
            photographs,
            probes=probe_paths(dataset.splits),
            fast=fast,
            workers=workers,
            progress=progress,
        ),
    ]
    if whole:
        found += images.check_unlisted(dataset.root, photographs)
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


# The findings as tables and as JSON.


SCHEMA = "drdl.dataset_check/1"
UNKNOWN = "-"
STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def counts_table(checkup: Checkup) -> Table:
    """A line for each split; below it the release's and the paper's numbers."""
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("split", no_wrap=True)
    for title in (
        "images", "vehicles", "models", "cameras", "labelled\nimages",
        "labelled\nvehicles",
    ):  # fmt: skip
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


def problem_lines(problem: Problem) -> list[Text]:
    """A problem as what, its examples, and what to do next."""
    label = f"{problem.severity.value}: "
    lines = [Text.assemble((label, STYLES[problem.severity]), problem.what)]
    lines += [Text(f"  {example}") for example in problem.examples]
    more = problem.count - len(problem.examples)
    if more > 0:
        lines.append(Text(f"  and {more:,} more"))
    return [*lines, Text(f"  next: {problem.next}")]


def print_problems(problems: Iterable[Problem], console: Console) -> None:
    """Prints problems, each on lines that no width of the terminal breaks."""
    for problem in problems:
        for line in problem_lines(problem):
            console.print(line, soft_wrap=True)


def summary(checkup: Checkup) -> str:
    """How many problems of which severity, in one line."""
    number = Counter(problem.severity for problem in checkup.problems)
    found = ", ".join(
        f"{number[severity]} {severity.value}{'' if number[severity] == 1 else 's'}"
        for severity in (Severity.ERROR, Severity.WARNING)
    )
    verdict = "fit to train on" if checkup.fit else "NOT fit to train on"
    left_out = (
        "; not looked for (--fast): damaged images, copies, boxes outside"
        if checkup.fast
        else ""
    )
    return f"{checkup.name} in {checkup.root}: {found}: {verdict}{left_out}"


def checkup_json(checkup: Checkup) -> dict[str, object]:
    """All of it, for machines."""
    return {
        "schema": SCHEMA,
        "pydrdl": __version__,
        "dataset": checkup.name,
        "root": checkup.root,
        "fast": checkup.fast,
        "fit": checkup.fit,
        "counts": [asdict(count) for count in checkup.counts],
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

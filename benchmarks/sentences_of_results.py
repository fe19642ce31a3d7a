"""What docs/results.md says of its tables."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from sentences import Said, in_words, span
from tables_of_results import named

from pydrdl import paper
from pydrdl.nets.structures import Schedule, Training
from pydrdl.render import compcars, vehicleid
from pydrdl.reproduce.setting import demo, larger
from pydrdl.reproduce.tables import PaperTable
from pydrdl.table import rate

Content = dict[str, Any]
TRIPLET, CCL, MIXED = paper.VGG_TRIPLET, paper.VGG_CCL, paper.MIXED_CCL
METHODS = TRIPLET, CCL, MIXED
STEPS = (CCL, TRIPLET), (MIXED, CCL)  # the paper's
SMALL, MEDIUM, LARGE = (split.name for split in paper.TEST_SPLITS)
FIXED, PAPER = "centre held fixed", "the paper's gradient"
LEVEL = 0.02  # a difference of rates that is called none, or a little
FAR = 0.15  # one that is called far


@dataclass(frozen=True)
class Difference:
    """Of two rows' means in a column; meet: their intervals do."""

    value: float
    meet: bool


@dataclass(frozen=True)
class Compared:
    """A table whose rows are compared, column by column."""

    table: PaperTable

    def over(self, one: str, other: str, only: str = "") -> dict[str, Difference]:
        """One row over another, in columns whose title ends so; by title before it."""
        rows = self.table.rows
        found = {}
        for title, a, b in zip(self.table.columns, rows[one], rows[other], strict=True):
            if title.endswith(only):
                reach = (a.interval or 0) + (b.interval or 0)
                value = a.mean - b.mean
                found[title.removesuffix(only).strip()] = Difference(
                    value, abs(value) <= reach
                )
        return found

    def means(self, row: str) -> list[float]:
        """Of a row, in the columns' order."""
        return [cell.mean for cell in self.table.rows[row]]


def given(words: Sequence[str], option: str) -> int:
    """What a command's words say of an option, such as "--models"."""
    return given_numbers(words, option, 1)[0]


def given_numbers(words: Sequence[str], option: str, count: int) -> list[int]:
    """The same of an option of so many numbers."""
    first = words.index(option) + 1
    return [int(word) for word in words[first : first + count]]


def of_larger(option: str) -> int:
    """What preset larger gives the renderer of vehicles, as of "--models"."""
    return given(larger(Path(), Path()).drawn, option)


def points(differences: dict[str, Difference]) -> str:
    """From the smallest to the largest, in words."""
    return span(100 * d.value for d in differences.values())


def ahead(differences: dict[str, Difference]) -> bool:
    """In every column."""
    return all(d.value > 0 for d in differences.values())


def meet(differences: dict[str, Difference]) -> list[str]:
    """Where intervals do."""
    return [title for title, d in differences.items() if d.meet]


def level(differences: dict[str, Difference]) -> bool:
    """Whether intervals meet everywhere."""
    return len(meet(differences)) == len(differences)


def near(differences: dict[str, Difference]) -> bool:
    """Whether intervals meet everywhere, and no mean is four points away."""
    small = all(abs(d.value) < 2 * LEVEL for d in differences.values())
    return small and level(differences)


def results(
    content: Content,
    ablated: Content,
    ranked: Content,
    verified: Content,
    tuned: Content,
) -> list[Said]:
    """All of the document's, of its five files."""
    return [
        *_setting(content),
        *_order(content),
        *_heldout(content),
        *_convergence(content),
        *_ablations(ablated),
        *_fig10(ranked),
        *_table3(verified),
        Said(
            "goes nearer to it, and the order holds there with wider gaps.",
            wider(tuned, content),
        ),
    ]


def _setting(content: Content) -> Iterator[Said]:
    tests = [name.removeprefix("test_") for name in content["splits"].values()]
    chosen, fleet = demo(Path(), Path()), vehicleid.PRESETS["demo"]
    theirs = paper.TABLE_1["training"].vehicles
    yield Said("± is half of the 95 % confidence interval")
    yield Said(f"Test vehicles: {', '.join(tests[:-1])} and {tests[-1]}")
    yield Said(f"{chosen.iterations} iterations from random weights")
    yield Said(
        f"a pretrained net for {Schedule.max_iter:,}; and {fleet.train} vehicles, "
        f"where it has {theirs:,}."
    )


def in_order(content: Content) -> bool:
    """Whether the methods stand in the paper's order, at rank 1 and in MAP."""
    rates = Compared(named(content, "Table 6"))
    precision = Compared(named(content, "Table 4"))
    return all(
        ahead(rates.over(*step, " rank-1")) and ahead(precision.over(*step))
        for step in STEPS
    )


def faster(content: Content) -> bool:
    """Whether coupled clusters loss is ahead after every number of iterations."""
    return ahead(Compared(named(content, "Convergence")).over(CCL, TRIPLET))


def wider(tuned: Content, random: Content) -> bool:
    """Whether the order holds with wider gaps at rank 1 than from random weights."""
    both = [
        [Compared(named(content, "Table 6")).over(*step, " rank-1") for step in STEPS]
        for content in (tuned, random)
    ]
    gaps = [
        [min(d.value for d in step.values()) for step in both[0]],
        [fmean(d.value for d in step.values()) for step in both[1]],
    ]
    return all(least > other > 0 for least, other in zip(*gaps, strict=True))


def _order(content: Content) -> Iterator[Said]:
    rates = Compared(named(content, "Table 6"))
    precision = Compared(named(content, "Table 4"))
    yield Said(
        "**The paper's order holds** at rank 1 and in MAP on every size: triplet "
        "loss, then CCL, then mixed difference + CCL.",
        in_order(content),
    )
    first, fifth = (rates.over(CCL, TRIPLET, f" rank-{k}") for k in (1, 5))
    yield Said(
        f"{points(first)} points at rank 1; the intervals meet on Small only. In MAP "
        f"{points(precision.over(CCL, TRIPLET))} points.",
        meet(first) == [SMALL],
    )
    yield Said(
        "At rank 5 CCL is behind on Small and level or a little ahead on the others.",
        fifth[SMALL].value < -LEVEL
        and all(0 <= fifth[size].value < LEVEL for size in (MEDIUM, LARGE)),
    )
    first, fifth = (rates.over(MIXED, CCL, f" rank-{k}") for k in (1, 5))
    maps = precision.over(MIXED, CCL)
    yield Said(
        f"{points(first)} points at rank 1, {points(fifth)} at rank 5, "
        f"{points(maps)} in MAP. The intervals meet on Small only.",
        meet(first) == meet(maps) == meet(fifth) == [SMALL],
    )
    first, maps = rates.over(MIXED, TRIPLET, " rank-1"), precision.over(MIXED, TRIPLET)
    yield Said(f"{points(first)} points at rank 1, {points(maps)} in MAP.")


def _heldout(content: Content) -> Iterator[Said]:
    rates = Compared(named(content, "Held-out"))
    yield Said(
        "The order is the same on every size and measure.",
        all(ahead(rates.over(*step)) for step in STEPS),
    )
    first = rates.over(CCL, TRIPLET, " rank-1")
    yield Said(
        f"CCL over triplet loss: {points(first)} points at rank 1; the intervals meet "
        "on Small only.",
        meet(first) == [SMALL],
    )
    both = rates.over(MIXED, CCL)
    yield Said(
        f"Mixed difference over one branch: {points(both)} points; the intervals meet.",
        level(both),
    )
    first = rates.over(MIXED, TRIPLET, " rank-1")
    yield Said(
        f"Mixed difference over triplet loss: {points(first)} points at rank 1; the "
        "intervals do not meet, nor in MAP.",
        not meet(rates.over(MIXED, TRIPLET)),
    )


def _convergence(content: Content) -> Iterator[Said]:
    table = named(content, "Convergence")
    rates, titles = Compared(table), table.columns
    trainings = len(table.rows[CCL][0].values)
    vehicles = content["splits"][LARGE].removeprefix("test_")
    yield Said(
        f"Match rate at rank 1 on {vehicles} vehicles after so many iterations, "
        f"{in_words(trainings)} trainings each"
    )
    lead = rates.over(CCL, TRIPLET)
    caught = next(
        title
        for title, mean in zip(titles, rates.means(CCL), strict=True)
        if mean > rates.means(TRIPLET)[-1]
    )
    yield Said(
        "CCL is ahead of triplet loss after every number of iterations, by "
        f"{in_words(100 * min(d.value for d in lead.values()))} points and more, and "
        f"after {caught} it is where triplet loss is not after {titles[-1]}.",
        faster(content),
    )
    over = [rates.over(MIXED, other) for other in (CCL, TRIPLET)]
    since = [title for title in titles if all(d[title].value > 0 for d in over)]
    yield Said(
        f"With mixed difference it is ahead of both from {since[0]} iterations on.",
        tuple(since) == titles[titles.index(since[0]) :],
    )
    pairs = zip(table.rows[CCL], table.rows[TRIPLET], strict=True)
    narrower = [(a.interval or 0) < (b.interval or 0) for a, b in pairs]
    ends = (i for i in range(len(narrower)) if not all(narrower[i:]))
    first = max(ends, default=-1) + 1
    yield Said(
        f"the intervals over trainings are narrower for CCL from {titles[first]} "
        "iterations on",
        0 < first < len(titles),
    )


def margins(content: Content) -> bool:
    """Whether the ablations show of margins what documents say.

    0.5 is worse for CCL; 2 is near 1 for it, and worse for triplet loss, for which 0.5
    is near 1.
    """
    rates = Compared(named(content, "Ablations"))

    def lost(of: str, margin: str) -> dict[str, Difference]:
        return rates.over(of, f"{of}, margin {margin}")

    return (
        ahead(lost(CCL, "0.5"))
        and ahead(lost(MIXED, "0.5"))
        and near(lost(MIXED, "2"))
        and near(lost(CCL, "2"))
        and all(d.value > LEVEL for d in lost(TRIPLET, "2").values())
        and near(lost(TRIPLET, "0.5"))
    )


def _ablations(content: Content) -> Iterator[Said]:
    table = named(content, "Ablations")
    rates = Compared(table)
    trainings = len(table.rows[CCL][0].values)

    def change(of: str, what: str, only: str = "") -> dict[str, Difference]:
        return rates.over(f"{of}, {what}", of, only)

    def loss(of: str, what: str, only: str = "") -> dict[str, Difference]:
        return rates.over(of, f"{of}, {what}", only)

    def far(of: str, what: str) -> bool:
        return all(d.value > FAR and not d.meet for d in loss(of, what).values())

    margin = f"{Training.margin:g}"
    yield Said(f"(margin {margin}, unit vectors, gradient {Training.gradient}, random")
    yield Said(
        f"{in_words(trainings).capitalize()} trainings each, with the seeds 1 to "
        f"{trainings}, the unchanged nets too"
    )
    yield Said(
        f"for CCL 0.5 is worse than {margin}, with one branch and with two. 2 is level "
        f"with {margin} or lower, by less than four points and within the intervals, "
        f"for both, and worse for triplet loss, for which 0.5 is as near to {margin}.",
        margins(content),
    )
    one, two = (loss(of, FIXED, " rank-1") for of in (CCL, MIXED))
    yield Said(
        f"on every size and measure: by {points(one)} points of rank 1 with one "
        f"branch, by {points(two)} with two.",
        ahead(loss(CCL, FIXED)) and ahead(loss(MIXED, FIXED)),
    )
    yield Said("is far worse: the pull", far(CCL, PAPER) and far(MIXED, PAPER))
    alone = [rates.over(f"{CCL}, {c}", TRIPLET) for c in ("margin 0.5", FIXED)]
    yield Said(
        f"**CCL is ahead of triplet loss** here with both, margin {margin} and the "
        "gradient through the centre; with one of the two alone it is level with it "
        "or behind.",
        ahead(rates.over(CCL, TRIPLET))
        and all(d.meet or d.value < 0 for found in alone for d in found.values()),
    )
    wide, half = "2048 box as a layer", "half of the negatives of its model"
    yield Said("**The 2048 box as a layer**: no gain.", level(change(MIXED, wide)))
    yield Said(
        "**Half of the negatives of the positive's model**: no difference that can be "
        "seen.",
        level(change(MIXED, half)),
    )
    yield Said(
        "**Features not normalised** in the losses: far worse",
        far(MIXED, "features not normalised, margin 128"),
    )


def _table3(content: Content) -> Iterator[Said]:
    table = named(content, "Table 3")
    rates = Compared(table)
    plan, words = compcars.PRESETS["demo"], larger(Path(), Path()).drawn_models
    classifiers = paper.GOOGLENET_SVM, paper.GOOGLENET_JB
    svm, bayesian = classifiers
    embeddings = TRIPLET, MIXED
    learned, second, third = given_numbers(words, "--models", 3)
    images = given(words, "--images")
    yield Said(
        "Accuracy of verification on pairs of the drawn CompCars, "
        f"{plan.pairs:,} + {plan.pairs:,} a level. The nets learn from {learned} car "
        f"models, {images // learned} images of each; Joint Bayesian, the SVM and "
        f"every threshold from {second} others (part II), and the pairs are of {third} "
        "others again (part III)",
        images % learned == 0,
    )
    # As many pairs of one model as of two.
    yield Said(f"Chance is {rate(plan.pairs / (2 * plan.pairs))}.")
    yield Said(
        "In every row easy pairs are told best and hard ones worst, as in the paper.",
        all(_falls(rates.means(row)) for row in table.rows)
        and all(_falls(known) for known in paper.TABLE_3.values() if known),
    )
    trainings = len(table.rows[TRIPLET][0].values)
    yield Said(
        f"{in_words(trainings).capitalize()} trainings of each embedding, whose "
        "features L2 distance compares, and one of the classifier",
        all(len(table.rows[row][0].values) == trainings for row in embeddings)
        and all(len(table.rows[row][0].values) == 1 for row in classifiers),
    )
    easy, medium, hard = (
        round(100 * d) for d in _apart(rates.means(bayesian), paper.TABLE_3[bayesian])
    )
    yield Said(
        f"GoogLeNet with Joint Bayesian is {in_words(easy)} points above the paper's "
        f"numbers on easy pairs, {in_words(-medium)} below on medium and "
        f"{in_words(-hard)} below on hard ones."
    )
    over_svm = [d.value for d in rates.over(bayesian, svm).values()]
    yield Said(
        "It is ahead of the SVM on every level, as there, though by less than three "
        "points.",
        min(over_svm) > 0 and max(over_svm) < 0.03,
    )
    over_mixed = rates.over(bayesian, MIXED)
    known = paper.TABLE_3
    theirs = [100 * d for d in _apart(known[bayesian], known[MIXED])]
    yield Said(
        f"It is ahead of mixed difference + CCL by {points(over_mixed)} points, where "
        f"the paper has them level on easy pairs and {span(theirs[1:])} points apart "
        "on the others, the same way round.",
        ahead(over_mixed) and abs(theirs[0]) < 0.05 and min(theirs[1:]) > 0,
    )
    behind = rates.over(MIXED, svm)
    yield Said(
        "Mixed difference + CCL is behind the SVM too, which it leads in the paper.",
        all(d.value < 0 for d in behind.values())
        and min(_apart(known[MIXED], known[svm])) > 0,
    )
    lead = rates.over(TRIPLET, MIXED)
    yield Said(
        f"And it is ahead of mixed difference + CCL, by {points(lead)} points; the "
        "intervals meet on easy pairs only.",
        ahead(lead) and meet(lead) == ["easy"],
    )
    chosen = larger(Path(), Path())
    yield Said(
        f"with the classifier's rate at {Schedule.base_lr:g}, as all nets have it"
    )
    yield Said(f"at {chosen.classifier_rate:g} its loss")
    yield Said(f"(ln {learned} is {math.log(learned):.2f}).")


def _apart(one: Sequence[float] | None, other: Sequence[float] | None) -> list[float]:
    """One row's numbers over another's; of the paper's, None is an empty row."""
    return [a - b for a, b in zip(one or (), other or (), strict=True)]


def _falls(values: Iterable[float]) -> bool:
    return all(before > after for before, after in pairwise(values))


def _fig10(content: Content) -> Iterator[Said]:
    rates = Compared(named(content, "Fig. 10"))
    vehicles = content["splits"][SMALL].removeprefix("test_")
    yield Said(f"Match rates on {vehicles} drawn vehicles, as in Fig. 10")
    trainings = len(rates.table.rows[CCL][0].values)
    yield Said(
        f"{in_words(trainings).capitalize()} trainings of each embedding and one of "
        "each classifier, whose feature Joint Bayesian compares",
        all(
            len(cells[0].values) == (trainings if row in METHODS else 1)
            for row, cells in rates.table.rows.items()
        ),
    )
    embeddings, verified = (TRIPLET, CCL, MIXED), (paper.VGG_JB, paper.GOOGLENET_JB)
    behind = [
        rates.over(e, v)[rank].value
        for e in embeddings
        for v in (*verified, paper.COMPCARS_JB)
        for rank in ("rank-1", "rank-5")
    ]
    # All are found at rank 50, by whatever method.
    other = [list(rates.over(v, paper.COMPCARS_JB).values())[:-1] for v in verified]
    order = [rates.over(*step)["rank-1"].value for step in STEPS]
    yield Said(
        "Both classifiers with Joint Bayesian stay behind the embeddings at rank 1 and "
        "5, and the one of CompCars behind those of VehicleID, as in the paper; the "
        "embeddings stand in the paper's order at rank 1.",
        min(behind) > 0
        and all(d.value > 0 for found in other for d in found)
        and min(order) > 0,
    )
    far = [
        abs(rates.over(e, v)[rank].value)
        for e in (CCL, MIXED)
        for v in verified
        for rank in ("rank-10", "rank-20", "rank-50")
    ]
    yield Said(
        "From rank 10 on VehicleID's classifiers are level with CCL and mixed "
        "difference.",
        max(far) < LEVEL,
    )
    fifth = {row: rates.over(row, TRIPLET) for row in (CCL, MIXED)}
    beyond = [of[k].value for of in fifth.values() for k in ("rank-10", "rank-20")]
    yield Said(
        "At rank 5 mixed difference is ahead of triplet loss by less than a point, and "
        "CCL behind it; beyond, triplet loss is ahead.",
        0 < fifth[MIXED]["rank-5"].value < 0.01
        and fifth[CCL]["rank-5"].value < 0
        and max(beyond) <= 0,
    )

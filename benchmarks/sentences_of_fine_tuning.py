"""What docs/fine_tuning.md says of its tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentences import Said, in_words, span
from sentences_of_results import (
    CCL,
    FIXED,
    METHODS,
    MIXED,
    PAPER,
    STEPS,
    TRIPLET,
    Compared,
    ahead,
    level,
    meet,
    of_larger,
    points,
)
from tables_of_results import named

from pydrdl import paper
from pydrdl.nets.structures import Schedule
from pydrdl.reproduce.chain import GROWTH, VECTORS
from pydrdl.reproduce.setting import demo, larger

Content = dict[str, Any]
ITERATIONS = 600  # of the trainings whose gradients differ


def fine_tuning(
    start: Content,
    content: Content,
    classified: Content,
    random: Content,
    modes: Content,
    grown: Content,
    changed: Content,
) -> Iterator[Said]:
    """Of the files that SENTENCES in document_tables.py names, in their order."""
    yield from _setting()
    yield from _start(start)
    yield from _order(content, random)
    yield from _convergence(content)
    yield from _fig10(content, classified)
    yield from _growth(grown)
    yield from _gradients(modes, start)
    yield from _ablations(changed, start)


def _setting() -> Iterator[Said]:
    small, chosen = demo(Path(), Path()), larger(Path(), Path())
    tests = [name.removeprefix("test_") for name in chosen.splits.values()]
    yield Said(
        "with five times the vehicles and five times the iterations",
        (of_larger("--vehicles"), chosen.iterations // small.iterations) == (1500, 5),
    )
    yield Said(
        "the rate falling to 0.7 of itself seven times",
        # The last step would come with the end.
        chosen.iterations == 8 * chosen.stepsize,
    )
    yield Said(
        f"Small, Medium and Large are of {', '.join(tests[:-1])} and {tests[-1]} "
        "vehicles on this page."
    )
    yield Said(f"Rank 1 on {tests[-1]} vehicles while the nets learn")


def _start(content: Content) -> Iterator[Said]:
    rates = Compared(named(content, "Softmax"))
    yield Said(
        "By itself, its feature finds few held-out vehicles",
        max(rates.means("VGG by softmax")) < 0.2,
    )


def _order(content: Content, random: Content) -> Iterator[Said]:
    rates = Compared(named(content, "Table 6"))
    precision = Compared(named(content, "Table 4"))
    heldout = Compared(named(content, "Held-out"))
    everywhere = [
        found.over(*step) for found in (rates, precision, heldout) for step in STEPS
    ]
    yield Said(
        "**The paper's order holds** on every size and measure, rank 5 among them, and "
        "on held-out vehicles; no two intervals meet.",
        all(ahead(found) and not meet(found) for found in everywhere),
    )
    names = (
        "CCL over triplet loss** (Sec. 3.2)",
        ("Mixed difference over one branch** (Sec. 3.3)"),
    )
    for (one, other), name in zip(STEPS, names, strict=True):
        first, fifth = (rates.over(one, other, f" rank-{k}") for k in (1, 5))
        maps = precision.over(one, other)
        others = [heldout.over(one, other, title) for title in (" rank-1", " MAP")]
        yield Said(
            f"**{name}: {points(first)} points at rank 1, {points(fifth)} at rank 5, "
            f"{points(maps)} in MAP; on held-out vehicles {points(others[0])} and "
            f"{points(others[1])}."
        )
    gaps = [span(_theirs(*step)) for step in STEPS]
    sizes = [split.vehicles for split in paper.TEST_SPLITS]
    yield Said(
        f"The paper has {gaps[0]} points for the first step at rank 1 and {gaps[1]} "
        f"for the second, on {sizes[0]:,} to {sizes[-1]:,} vehicles."
    )
    normed = Compared(named(random, "Table 6")).over(CCL, TRIPLET, " rank-1")
    ours = [rates.over(*step, " rank-1") for step in STEPS]
    yield Said(
        "So mixed difference gains here what it gains there, and CCL more. With batch "
        "normalisation, from random weights, CCL's lead is "
        f"[{points(normed)} points](results.md#what-this-says).",
        min(d.value for d in ours[0].values()) > max(d.value for d in normed.values()),
    )


def _convergence(content: Content) -> Iterator[Said]:
    table = named(content, "Convergence")
    rates = Compared(table)
    lead = rates.over(CCL, TRIPLET)
    first, *_, last = table.columns
    yield Said(
        f"CCL has after {first} iterations what triplet loss has not after {last}",
        rates.means(CCL)[0] > rates.means(TRIPLET)[-1]
        and ahead(lead)
        and not meet(lead),
    )
    spread = [
        [cell.interval or 0 for cell in table.rows[row]] for row in (CCL, TRIPLET)
    ]
    yield Said(
        "Steadier does not: its intervals over trainings are the wider ones after "
        "every number of iterations.",
        all(a > b for a, b in zip(*spread, strict=True)),
    )


def _fig10(content: Content, classified: Content) -> Iterator[Said]:
    rates = Compared(named(content, "Fig. 10"))
    yield Said(
        "Match rates to rank 50 on Small, beside softmax and Joint Bayesian (Fig. 10)",
        rates.table.columns[-1] == "rank-50",
    )
    classifiers = paper.VGG_JB, paper.GOOGLENET_JB, paper.COMPCARS_JB
    behind = [rates.over(row, c) for row in (CCL, MIXED) for c in classifiers]
    yield Said(
        "At the paper's rate, on top of either Joint Bayesian stays behind CCL and "
        "mixed difference, as in the paper, up to rank 10; otherwise than there, both "
        "GoogLeNets are ahead of triplet loss at rank 1.",
        all(of[f"rank-{k}"].value > 0 for of in behind for k in (1, 5, 10))
        and all(rates.over(c, TRIPLET)["rank-1"].value > 0 for c in classifiers[1:])
        and rates.over(classifiers[0], TRIPLET)["rank-1"].value < 0,
    )
    chosen, rate = larger(Path(), Path()), Schedule.base_lr
    yield Said(
        f"at the paper's rate of {rate:g} it learns slowly. At "
        f"{chosen.classifier_rate:g}, which",
    )
    faster = Compared(named(classified, "Fig. 10"))
    google = paper.GOOGLENET_JB
    gain = faster.means(google)[0] - rates.means(google)[0]
    over = faster.over(google, CCL)
    yield Said(
        f"At ten times that rate GoogLeNet gains {in_words(round(100 * gain))} points "
        "at rank 1, is level with CCL there and ahead of it from rank 5 on; that of "
        "CompCars gains nothing.",
        faster.means(paper.COMPCARS_JB)[0] <= rates.means(paper.COMPCARS_JB)[0]
        and chosen.classifier_rate == 10 * rate
        and abs(over["rank-1"].value) < 0.01
        and all(d.value > 0 for d in list(over.values())[1:]),
    )
    leads = [faster.over(MIXED, c) for c in classifiers[1:]]
    yield Said(
        "Mixed difference stays ahead of both up to rank 10.",
        all(lead[f"rank-{k}"].value > 0 for lead in leads for k in (1, 5, 10))
        and leads[0]["rank-20"].value < 0,
    )


def _growth(content: Content) -> Iterator[Said]:
    table = named(content, "Growth")
    rates, columns = Compared(table), table.columns
    first, second, *_, last = columns
    vehicles = [n * larger(Path(), Path()).fewest for n in GROWTH]
    fewest, most = f"{vehicles[0]:,}", f"{vehicles[-1]:,}"
    yield Said(
        f"From {fewest} to {most} vehicles of the same "
        f"{of_larger('--models')} models, and over iterations; rank 1 "
        f"on {content['splits']['Large'].removeprefix('test_')} held-out vehicles"
    )

    def row(method: str, n: int) -> str:
        return f"{method}, {n:,} vehicles"

    def gaps(one: str, other: str, column: str) -> list[float]:
        """In points, by the number of vehicles."""
        found = (rates.over(row(one, n), row(other, n))[column] for n in vehicles)
        return [100 * difference.value for difference in found]

    later = columns[1:]
    yield Said(
        f"**The order holds** with every number of vehicles, from {second} iterations "
        "on.",
        all(min(gaps(*step, column)) > 0 for step in STEPS for column in later)
        and min(gap for step in STEPS for gap in gaps(*step, first)) < 0,
    )
    gained = {
        (method, n): rates.over(row(method, n), row(method, vehicles[0]))[last]
        for method in METHODS
        for n in vehicles[1:]
    }
    better = [of for of, difference in gained.items() if not difference.meet]
    yield Said(
        "**More vehicles of the same models do not help**, as long as the trainings "
        f"are: after {last} iterations CCL is two points better with {vehicles[1]} "
        f"than with {fewest}; everywhere else the interval meets that of {fewest}.",
        better == [(CCL, vehicles[1])] and round(100 * gained[better[0]].value) == 2,
    )
    lead = {column: gaps(CCL, TRIPLET, column) for column in columns}
    yield Said(
        "**CCL's lead over triplet loss grows** with the iterations, from "
        f"{span(lead[first])} points after {first} to {span(lead[last])} after {last}, "
        "and not with the vehicles.",
        all(a < b for a, b in zip(lead[first], lead[last], strict=True))
        and sorted(lead[last]) != lead[last],
    )
    more = {column: gaps(MIXED, CCL, column) for column in columns}
    yield Said(
        f"**Mixed difference over one branch** grows with the iterations too, from at "
        f"most {in_words(max(more[first]))} points to {span(more[last])}, and is the "
        f"smaller the more vehicles there are: {in_words(more[last][0])} points with "
        f"{fewest}, {in_words(more[last][-1])} with {most}; the intervals meet there "
        "in the end.",
        sorted(more[last], reverse=True) == more[last]
        and all(a < b for a, b in zip(more[first], more[last], strict=True))
        and rates.over(row(MIXED, vehicles[-1]), row(CCL, vehicles[-1]))[last].meet,
    )
    sizes = paper.TABLE_1["training"].vehicles
    yield Said(
        "So the gaps do not close toward the paper's as far as these trainings go: "
        "CCL's stays several times as large, and mixed difference gains less than "
        f"there with the most vehicles. The paper has {sizes:,} vehicles to learn from "
        f"and {Schedule.max_iter:,} iterations.",
        min(lead[last]) > 2 * max(_theirs(CCL, TRIPLET))
        and more[last][-1] < min(_theirs(MIXED, CCL)),
    )


def _theirs(one: str, other: str) -> list[float]:
    """The paper's gap at rank 1 on each of its tests, in points."""
    rates = paper.TABLE_6
    return [100 * (rates[one][s].top1 - rates[other][s].top1) for s in rates[one]]


def _gradients(content: Content, start: Content) -> Iterator[Said]:
    table = named(content, "Gradients")
    ends = {row: [cell.mean for cell in cells] for row, cells in table.rows.items()}
    _, (*_, margin, _, rate) = VECTORS["not normalised"]
    largest = content["splits"]["Large"].removeprefix("test_")
    yield Said(
        f"with a margin of {margin}, their mean squared length at the pretrained "
        f"start, and a rate of 0.01 / {margin}; at 0.01 such losses end in NaN within "
        "four iterations.",
        abs(float(rate) - 0.01 / float(margin)) < 1e-6,
    )
    yield Said(f"Of {largest} held-out vehicles; d pos and d neg are")

    def collapsed(mode: str, of: str) -> bool:
        """Distances are below a twentieth of the margin, which all began beyond."""
        unit, raw = (ends[f"{mode}, {v}, {of}"][2:] for v in VECTORS)
        return max(*unit, *(distance / float(margin) for distance in raw)) < 0.05

    softmax = Compared(named(start, "Softmax")).means("VGG by softmax")[-2]
    printed = [ends[f"PAPER, {v}, pretrained"][0] for v in VECTORS]
    yield Said(
        "from the pretrained start too, PAPER draws all features to one point, with "
        "unit vectors and without; the nearest negative ends as near to the centre as "
        "the positives. The net finds fewer vehicles than the softmax that it started "
        "from.",
        collapsed("PAPER", "pretrained") and max(printed) < softmax,
    )
    yield Said(
        "CENTER_CONSTANT ends likewise, from either start.",
        all(collapsed("CENTER_CONSTANT", of) for of in ("random", "pretrained")),
    )
    learned = [ends[f"EXACT, unit vectors, {of}"][0] for of in ("random", "pretrained")]
    yield Said(
        "**EXACT learns** on unit vectors, from both starts, and more from the "
        "pretrained one in the mean; the intervals of three trainings are wide.",
        softmax < learned[0] < learned[1]
        and all(len(cells[0].values) == 3 for cells in table.rows.values()),
    )
    raw = [ends[f"EXACT, not normalised, {of}"] for of in ("random", "pretrained")]
    yield Said(
        f"even EXACT learns next to nothing in {ITERATIONS} iterations at that rate: "
        "distances grow to nine times the margin and more instead.",
        f" {ITERATIONS} iterations;" in content["conditions"]
        and all(of[0] < softmax and min(of[2:]) > 9 * float(margin) for of in raw),
    )


def better_margin(content: Content) -> bool:
    """Whether margin 2 is worse for all three methods than 1, and 0.5 no worse."""
    rates = Compared(named(content, "Ablations"))
    return all(
        ahead(rates.over(row, f"{row}, margin 2"))
        and ahead(rates.over(f"{row}, margin 0.5", row))
        for row in METHODS
    )


def _ablations(content: Content, start: Content) -> Iterator[Said]:
    table = named(content, "Ablations")
    rates = Compared(table)
    trainings = len(table.rows[CCL][0].values)
    yield Said(
        f"after {ITERATIONS} iterations, {in_words(trainings)} trainings each",
        f" {ITERATIONS} iterations;" in content["conditions"],
    )
    softmax = Compared(named(start, "Softmax")).means("VGG by softmax")
    printed, fixed = (
        [
            100 * (ours - theirs)
            for ours, theirs in zip(rates.means(f"{MIXED}, {of}"), softmax, strict=True)
        ]
        for of in (PAPER, FIXED)
    )
    yield Said(
        "**The printed gradient does not work in the paper's own net either.** With "
        "mixed difference, where a softmax stands beside the losses, PAPER finds what "
        "the softmax finds that it started from, to within a point, and "
        f"CENTER_CONSTANT {span(fixed)} points more; EXACT finds more than twice as "
        "many.",
        max(map(abs, printed)) < 1
        and min(fixed) > 0
        and rates.means(MIXED)[0] > 2 * rates.means(f"{MIXED}, {FIXED}")[0],
    )

    def by(one: str, other: str) -> str:
        """In points of rank 1."""
        return points(rates.over(one, other, " rank-1"))

    smaller, greater = ", margin 0.5", ", margin 2"
    worse = [by(row, row + greater) for row in METHODS]
    won = [rates.over(row + smaller, row) for row in METHODS]
    yield Said(
        f"2 is worse than 1 for all three, by {worse[0]} points of rank 1 for triplet "
        f"loss, {worse[1]} for CCL and {worse[2]} for mixed difference, where alone no "
        "two intervals meet. 0.5 is better in the mean for all three on every size and "
        "measure, most for triplet loss, within the intervals.",
        better_margin(content)
        and [not meet(rates.over(row, row + greater)) for row in METHODS]
        == [False, False, True]
        and all(map(level, won))
        and all(
            won[0][title].value > max(of[title].value for of in won[1:])
            for title in won[0]
        ),
    )
    yield Said(
        f"**A part of CCL's lead is the margin's.** At rank 1 it is {by(CCL, TRIPLET)} "
        f"points with 1 and {by(CCL + smaller, TRIPLET + smaller)} with 0.5; CCL with "
        f"1 is ahead of triplet loss with 0.5 by {by(CCL, TRIPLET + smaller)}, where "
        "the intervals meet.",
        level(rates.over(CCL, TRIPLET + smaller)),
    )
    yield Said(
        "The paper's order holds with each of the three margins.",
        all(
            ahead(rates.over(one + margin, other + margin))
            for one, other in STEPS
            for margin in ("", smaller, greater)
        ),
    )
    wide, half = (
        rates.over(f"{MIXED}, {change}", MIXED)
        for change in ("2048 box as a layer", "half of the negatives of its model")
    )
    yield Said(
        "**The 2048 box as a layer** is one to two points worse in the mean, **half of "
        "the negatives of the positive's model** one to two better, both within the "
        "intervals.",
        level(wide)
        and level(half)
        and span(100 * d.value for d in wide.values()) == "-2 to -1"
        and points(half) == "one to two",
    )

"""What docs/two_camera.md says of photographs by two cameras."""

from collections.abc import Iterator
from statistics import fmean
from typing import Any

from sentences import Said, in_words, span
from sentences_of_results import (
    CCL,
    METHODS,
    MIXED,
    TRIPLET,
    Compared,
    level,
    of_larger,
)
from tables_of_results import named

from pydrdl.nets.structures import DEMO
from pydrdl.reproduce.photographs import CHANGES
from pydrdl.reproduce.setting import CHOOSING, FOLDS, STARTS
from pydrdl.reproduce.tables import PaperTable
from pydrdl.table import rate

Content = dict[str, Any]
NORMED, RANDOM, PRETRAINED, DRAWN = STARTS.values()
VEHICLES = 507
LEAST = 2  # points at rank 1, by which a change has helped
HISTOGRAM, THUMBNAIL = (
    "HSV histogram, 16 x 4 x 4 bins",
    "16 x 16 grey pixels, without their mean",
)


def two_camera(free: Content, methods: Content, changed: Content) -> Iterator[Said]:
    """Of two_camera_baselines, two_camera_methods and two_camera_changes.json."""
    baselines, nets = named(free, "Baselines"), named(methods, "Photographs")
    yield from _setting(nets)
    yield from _normed(baselines, nets)
    yield from _papers_form(baselines, nets)
    yield from _unseen(baselines, nets)
    yield from _changes(named(changed, "Generalisation"))


def in_short(free: Content, methods: Content) -> Said:
    """What README says of them."""
    nets = named(methods, "Photographs")
    found = [fmean(_first(nets, method, NORMED)) for method in METHODS]
    histogram = fmean(_first(named(free, "Baselines"), HISTOGRAM))
    return Said(
        f"On real photographs of {VEHICLES} vehicles seen by two cameras the same "
        "small nets find three of four vehicles that they have not learned from at "
        "rank 1, where a colour histogram finds fewer than half.",
        all(abs(of - 0.75) < 0.03 for of in found) and histogram < 0.5,
    )


def _gains(one: tuple[float, ...], other: tuple[float, ...]) -> list[float]:
    """In points, fold by fold."""
    return [100 * (a - b) for a, b in zip(one, other, strict=True)]


def _first(table: PaperTable, method: str, start: str = "") -> tuple[float, ...]:
    """At rank 1, by fold."""
    return table.rows[f"{method}, {start}" if start else method][0].values


def _setting(nets: PaperTable) -> Iterator[Said]:
    cells = [cell for row in nets.rows.values() for cell in row]
    few, rest = divmod(VEHICLES, FOLDS)
    yield Said(
        f"in {in_words(FOLDS)} folds over the vehicles: nets learn from four fifths of "
        f"them, the other {few} or {few + 1} are searched",
        rest > 0 and all(len(cell.values) == FOLDS for cell in cells),
    )
    yield Said("± is half of the 95 % confidence interval over folds")
    yield Said(f"Chance at rank 1 is {rate(1 / few)}.")
    yield Said(f"at {DEMO.crop} x {DEMO.crop} pixels")
    vehicles = of_larger("--vehicles")
    yield Said(f"a training on {vehicles:,} drawn vehicles that began there")


def _normed(baselines: PaperTable, nets: PaperTable) -> Iterator[Said]:
    free = _first(baselines, HISTOGRAM)
    found = [_first(nets, method, NORMED) for method in METHODS]
    over = [gain for net in found for gain in _gains(net, free)]
    yield Said(
        f"find {span(100 * fmean(net) for net in found)} vehicles of a hundred at rank "
        f"1, where the better colour histogram finds {round(100 * fmean(free))}; in "
        f"every fold at least {int(min(over))} more.",
        all(fmean(of[0].values) <= fmean(free) for of in baselines.rows.values()),
    )
    rows, compared = [f"{method}, {NORMED}" for method in METHODS], Compared(nets)
    yield Said(
        "Which of the three it is makes no difference that five folds could tell: all "
        "intervals meet.",
        all(level(compared.over(a, b)) for a in rows for b in rows if a != b),
    )
    untrained = [fmean(_first(nets, "VGG, untrained", s)) for s in (NORMED, RANDOM)]
    yield Said(
        "Untrained, either form finds little more than a grey thumbnail, and both the "
        "same",
        all(0 < of - fmean(_first(baselines, THUMBNAIL)) < 0.05 for of in untrained)
        and untrained[0] == untrained[1],
    )


def _papers_form(baselines: PaperTable, nets: PaperTable) -> Iterator[Said]:
    free = _first(baselines, HISTOGRAM)
    random = {method: _first(nets, method, RANDOM) for method in METHODS}
    fewest = min(fmean(of[0].values) for of in baselines.rows.values())
    yield Said(
        "In the paper's form, from random weights, none is ahead of the histogram in "
        "the mean, and triplet loss ends behind all that costs nothing.",
        all(fmean(of) < fmean(free) for of in random.values())
        and fmean(random[TRIPLET]) < fewest,
    )
    steps = [
        [_gains(_first(nets, m, end), _first(nets, m, begin)) for m in METHODS]
        for begin, end in ((RANDOM, PRETRAINED), (PRETRAINED, DRAWN))
    ]
    means = [span(map(fmean, step)) for step in steps]
    yield Said(
        f"a softmax over drawn car models first adds {means[0]} points at rank 1 in "
        f"the mean, a training on drawn vehicles after it another {means[1]}, in no "
        "fold less than nothing.",
        min(min(of) for of in steps[1]) >= 0,
    )
    drawn = {method: _first(nets, method, DRAWN) for method in METHODS}
    yield Said(
        "Only mixed difference is then ahead of the histogram in every fold.",
        [min(_gains(drawn[method], free)) > 0 for method in METHODS]
        == [False, False, True],
    )
    starts = (RANDOM, PRETRAINED, DRAWN)
    ccl, mixed = (
        [_gains(_first(nets, a, start), _first(nets, b, start)) for start in starts]
        for a, b in ((CCL, TRIPLET), (MIXED, CCL))
    )
    yield Said(
        f"from each start CCL is ahead of triplet loss in every fold, by "
        f"{span(map(fmean, ccl))} points in the mean; mixed difference ahead of one "
        f"branch by {span(map(fmean, mixed))}, and not in every fold.",
        min(min(of) for of in ccl) > 0 and all(min(of) <= 0 for of in mixed),
    )
    left = _gains(_first(nets, MIXED, NORMED), drawn[MIXED])
    yield Said(
        "Nothing that is drawn makes up for batch normalisation: from random weights, "
        f"mixed difference with it is ahead by {round(fmean(left))} points, in every "
        f"fold by {int(min(left))} at least.",
        max(map(fmean, drawn.values())) == fmean(drawn[MIXED]),
    )


def _unseen(baselines: PaperTable, nets: PaperTable) -> Iterator[Said]:
    free, alone = _first(baselines, HISTOGRAM), "drawn vehicles alone"
    normed = _first(nets, CCL, f"{alone}, batch normalisation")
    yield Said(
        "one branch with batch normalisation that learned drawn vehicles alone finds "
        f"{round(100 * fmean(normed))} vehicles of a hundred, in every fold more than "
        "the histogram.",
        min(_gains(normed, free)) > 0,
    )
    untrained = fmean(_first(nets, "VGG, untrained", RANDOM))
    yield Said(
        "In the paper's form, none of the three finds more so than an untrained net.",
        all(fmean(_first(nets, method, alone)) < untrained for method in METHODS),
    )


def _changes(table: PaperTable) -> Iterator[Said]:
    as_it_is, *single, both = CHANGES
    base = table.rows[as_it_is]

    def gain(change: str, column: int) -> list[float]:
        """In points at rank 1: on the folds to choose by (0), on the others (2)."""
        return _gains(table.rows[change][column].values, base[column].values)

    chosen = {change: fmean(gain(change, 0)) for change in single}
    helped = [change for change in single if chosen[change] >= LEAST]
    yield Said(
        "chosen on the first three folds; the last two",
        (CHOOSING, FOLDS - CHOOSING) == (3, 2),
    )
    longer, drawn = single[-2:]
    yield Said(
        f"**Two changes help on the folds to choose by**: {longer}, by "
        f"{chosen[longer]:.1f} points at rank 1, and {drawn}, by {chosen[drawn]:.1f}.",
        helped == [longer, drawn],
    )
    yield Said(
        f"Then the changes that helped by {in_words(LEAST)} points and more at rank 1 "
        "stand together.",
        both == f"{drawn}, {longer}",
    )
    yield Said("that had no part in the choice they give, in points at rank 1:")
    for change in (longer, drawn, both):
        told = " and ".join(f"{points:+.1f}" for points in gain(change, 2))
        yield Said(f"{change}, {told}")
    found = round(100 * table.rows[both][2].mean)
    yield Said(
        "on those two folds, and ahead in each of the five. It finds "
        f"{found} vehicles of a hundred there.",
        min(gain(both, 0) + gain(both, 2)) > 0,
    )
    dropout, smaller = "dropout of a half", "48 of 54 pixels"
    rest = [chosen[c] for c in single if c not in (dropout, smaller, longer, drawn)]
    yield Said(
        f"**What does not help**: a dropout of a half costs {round(-chosen[dropout])} "
        f"points, smaller images {round(-chosen[smaller])}; mirroring, a smaller crop "
        "and larger images change less than two either way.",
        max(map(abs, rest)) < LEAST,
    )

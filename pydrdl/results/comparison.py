"""Results in tables beside the paper's, and what must be known to compare them.

A row is one training, or the mean over all trainings of a method. ± is one thing in
a table: half the 95 % confidence interval of that mean where any row is of several
trainings, otherwise the standard deviation within a result.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic

from pydrdl import paper
from pydrdl.results.parts import OverTrainings
from pydrdl.results.result import (
    SMALL,
    CrossCamera,
    DrawnResult,
    R,
    Reidentification,
    Result,
    Retrieval,
    Verification,
    method_and_seed,
)
from pydrdl.table import (
    MINUS,
    Cells,
    Column,
    Group,
    Table,
    Value,
    is_numeric,
    plural,
    rate,
    short,
)

# Queries of VeRi-776 and of VERI-Wild's three test sets, as released.
KNOWN_QUERIES = {
    1_678: "VeRi-776",
    3_000: "VERI-Wild, small",
    5_000: "VERI-Wild, medium",
    10_000: "VERI-Wild, large",
}
# How prototxt/ and people call the paper's methods too.
OTHER_NAMES = {
    paper.MIXED_CCL: ("mixed_difference", "mixed"),
    paper.VGG_CCL: ("ccl",),
    paper.VGG_TRIPLET: ("triplet",),
}

MAP_NOTE = (
    "MAP sums precision in steps, the trapezoid column between them. The paper says "
    "neither which it took, nor how often it drew, and prints a rule, max{6, N - 1}, "
    "that leaves most vehicles without a probe."
)


@dataclass(frozen=True)
class Trainings(Generic[R]):
    """A row: results that agree in all but the seed of the training."""

    results: Sequence[R]

    @property
    def first(self) -> R:
        """For what all of them share."""
        return self.results[0]

    @property
    def name(self) -> str:
        """The method's, or the training's where there is but one."""
        return self.first.method if len(self.results) > 1 else self.first.name

    @cached_property
    def scores(self) -> dict[str, OverTrainings]:
        """Their rates by key, but for those that one of them lacks."""
        values: dict[str, list[Any]] = {}
        for result in self.results:
            for shown in result.shown():
                if shown.kind == "rate":
                    values.setdefault(shown.key, []).append(shown.value)
        known = {key: of for key, of in values.items() if None not in of}
        return {key: OverTrainings(tuple(of)) for key, of in known.items()}


def of_kind(kind: type[R], results: Iterable[Result]) -> list[R]:
    """Those of one protocol."""
    return [result for result in results if isinstance(result, kind)]


def by_method(results: Iterable[R]) -> list[Trainings[R]]:
    """Rows: the trainings of a method on one test in one."""
    found: dict[tuple[str, str], list[R]] = {}
    for result in results:
        found.setdefault((result.method, result.test), []).append(result)
    return [Trainings(held) for held in found.values()]


def each_alone(rows: Iterable[Trainings[R]]) -> list[Trainings[R]]:
    """Rows: a training each."""
    return [Trainings([result]) for row in rows for result in row.results]


def several(rows: Iterable[Trainings[R]]) -> bool:
    """Whether any row is of several trainings."""
    return any(len(row.results) > 1 for row in rows)


def by_test(results: Iterable[R]) -> Mapping[str, list[R]]:
    """Results by what they were measured on, in order."""
    groups: dict[str, list[R]] = {}
    for result in results:
        groups.setdefault(result.test, []).append(result)
    return groups


def paper_method(name: str) -> str | None:
    """The paper's name of a method; None where the paper has no such method.

    Only whole names count: "ccl without margin" is not the paper's CCL, but
    "ccl, seed 3" is, as a training of it. Signs and spaces do not matter.
    """
    bare = _bare(method_and_seed(name)[0])
    for method in (*paper.TABLE_3, *paper.TABLE_6):
        if bare in map(_bare, (method, *OTHER_NAMES.get(method, ()))):
            return method
    return None


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def paper_scores(result: Result) -> Cells:
    """The paper's row of the same method on the same data; empty: there is none."""
    rows = result.beside().get(result.same_test() or "", {})
    return rows.get(paper_method(result.method) or "", {})


def paper_groups(results: Sequence[Result]) -> list[Group]:
    """The paper's rows to stand below results, a group for each test."""
    tests = {test: rows for result in results for test, rows in result.beside().items()}
    return [
        Group(f"the paper, {test}", [{"method": m, **row} for m, row in rows.items()])
        for test, rows in tests.items()
    ]


def table(
    key: str,
    title: str,
    rows: Sequence[Trainings[R]],
    beside: Sequence[Group] = (),
    *,
    heading: str = "",
    compare: bool = False,
    folded: bool = False,
) -> Table:
    """Our rows under a heading, and the paper's below them, see paper_groups.

    Where it is to compare, and the paper has the same, differences are shown.
    """
    many, differences = several(rows), []
    columns = [Column("method", "method")]
    columns += [Column("trainings", "trainings", "count")] if many else []
    columns.append(Column("compared", "compared by"))
    cells = [_cells(row, many) for row in rows]
    for shown in rows[0].first.shown():
        spread = f"{shown.key}_{'interval' if many else 'std'}"
        has_spread = shown.spread or (many and shown.kind == "rate")
        behind = spread if has_spread else ""
        columns.append(Column(shown.key, shown.title, shown.kind, behind))
        # Of rates by rank there are several; of other scores only one is compared.
        of_rank = shown.key.startswith("rank")
        change = shown.key.replace("rank", "change") if of_rank else "change"
        for row, of_row in zip(rows, cells, strict=True):
            known = paper_scores(row.first).get(shown.key) if compare else None
            if known is not None and shown.key in row.scores:
                of_row[change] = row.scores[shown.key].mean - float(known)
                head = f"{shown.title} {MINUS} paper"
                differences.append(Column(change, head, "change"))
    columns += dict.fromkeys(differences)
    return Table(key, title, columns, [Group(heading, cells), *beside], folded)


def _cells(row: Trainings[R], many: bool) -> dict[str, Value]:
    cells: dict[str, Value] = {"method": row.name, "compared": row.first.compared_by}
    if many:
        cells["trainings"] = len(row.results)
    for shown in row.first.shown():
        if shown.kind != "rate":
            cells[shown.key] = shown.value
            continue
        over = row.scores.get(shown.key)
        mean, interval = (over.mean, over.interval) if over else (None, None)
        cells[shown.key] = mean
        if many:
            cells[f"{shown.key}_interval"] = interval
        elif shown.spread:
            cells[f"{shown.key}_std"] = shown.std
    return cells


def terminal_table(results: Sequence[Result]) -> Table:
    """A row for each result, or for each list of its pairs, then the paper's."""
    beside = paper_groups(results)
    if isinstance(results[0], Verification):
        return _verification_table(results, beside)
    whole = table("", "", [Trainings([result]) for result in results], beside)
    columns = [c for c in whole.columns if c.key == "method" or is_numeric(c)]
    return Table("", "", columns, whole.groups)


def _verification_table(results: Sequence[Any], beside: Sequence[Group]) -> Table:
    """A row for each list of pairs, below its method's."""
    ours: list[Cells] = []
    for result in results:
        ours.append({"method": result.name})
        for alone in result.lists():
            pairs, row = alone.pairs[0], _cells(Trainings([alone]), many=False)
            row |= {"method": f"  {pairs.name}", "pairs": pairs.same + pairs.different}
            accuracy = "-" if pairs.accuracy is None else pairs.accuracy
            ours.append(row | {"accuracy": accuracy})
    groups = [Group("", ours)]
    for group in beside:
        theirs = [
            {"method": f"  {row['method']}", "accuracy": row["accuracy"] or "none"}
            for row in group.rows
        ]
        groups.append(Group(group.heading, theirs))
    columns = [Column("method", "method"), Column("pairs", "pairs", "count")]
    for shown in results[0].pairs[0].shown():
        spread = f"{shown.key}_std" if shown.spread else ""
        title = shown.title.removeprefix("test-")
        columns.append(Column(shown.key, title, "rate", spread))
    return Table("", "", columns, groups)


def notes(results: Sequence[Result]) -> list[str]:
    """What must be known to compare the terminal's table; a line each."""
    lines = []
    for result in results:
        how, *more = _how(result)
        lines.append(f"{result.name}: protocol {result.PROTOCOL}, {how}")
        lines += [f"  {line}" for line in more if line]
    return [*lines, *_closing(results)]


def _how(result: Result) -> list[str]:
    """How it was measured, the first line to stand behind its protocol."""
    features = f"features {short(result.features.sha256)}"
    if isinstance(result, Verification):
        return [features, *_origin(result), *_pairs(result)]
    if isinstance(result, CrossCamera):
        known = KNOWN_QUERIES.get(result.queries)
        as_many = f"; as many queries as in {known}" if known else ""
        return [
            f"image to {result.image_to}, {plural(result.vehicles, 'vehicle')} in the "
            f"gallery{as_many}",
            f"{plural(result.junk_pairs, 'pair')} of the same vehicle and camera left "
            "out",
            f"queries and gallery {short(result.sides_sha256)}, {features}",
            _ties(result.ties.queries, result.ties, "MAP"),
            *_origin(result),
        ]
    assert isinstance(result, Reidentification | Retrieval)
    split, left = result.split, result.vehicles_without_probe
    seed = "" if split.seed is None else f", seed {split.seed}"
    over = "; ± is the standard deviation over them" if result.repeats > 1 else ""
    hashes, what = f"split {short(split.sha256)}, {features}", "MAP"
    if isinstance(result, Reidentification):
        hashes += f", chance at rank 1: {rate(1 / result.gallery, 4)}"
        what = "rank-1"
        alone = "with one image: in the gallery, without a probe"
        lost = f"{plural(left, 'vehicle')} {alone}"
    else:
        few = "have too few images for a probe: all in the gallery"
        of = plural(result.vehicles, result.relevance or "vehicle")
        lost = f"{left:,} of {of} {few}"
    return [
        f"gallery = {split.name}{seed}, {plural(result.repeats, 'repeat')}{over}",
        hashes,
        _ties(result.ties.probes, result.ties, what),
        *_origin(result),
        lost if left else "",
    ]


def _origin(result: Result) -> list[str]:
    """Which weights it is of, where its file says so, and what compared."""
    lines, made, used = [], result.features, result.verifier
    if made.weights:
        lines.append(f"weights {made.weights}, layer {made.layer}")
    if used is not None:
        trained_on = str(used.training.get("features_sha256", ""))
        lines.append(
            f"compared by {result.compared_by}, {used.path} {short(used.sha256)}, "
            f"trained on {used.training.get('label')}s, features {short(trained_on)}"
        )
        if trained_on == made.sha256:
            lines.append("it was trained on these very images: no test result")
    return lines


def _pairs(result: Verification) -> list[str]:
    lines = [
        f"{of.name}: {of.rule}; {of.same:,} same, {of.different:,} different; pairs "
        f"{short(of.sha256)}"
        for of in result.pairs
    ]
    told = result.pairs[0].training
    if told is not None:
        value = -math.inf if told.threshold is None else told.threshold
        cut = f"threshold {value:.4g}"
        if result.verifier is not None:  # distances are minus its scores
            cut = f"threshold: a score of at least {-value:.4g},"
        lines.append(
            f"{cut} from {told.rule} of features {short(told.features_sha256)}, pairs "
            f"{short(told.pairs_sha256)}, accuracy there {rate(told.accuracy)}"
        )
    return lines


def _ties(tied: float, ties: Any, what: str) -> str:
    """What ties do to a number; tied: fraction of probes that have any."""
    if tied == 0:
        return "ties: none"
    text = (
        f"ties: {tied:.2%} of the probes have other vehicles exactly as far as the "
        f"match ({ties.mean_equal:.3g} on average over all)"
    )
    if ties.optimistic == ties.pessimistic:
        return f"{text}; no rate depends on it"
    best, worst = (
        rate(end[0] if isinstance(end, list) else end)
        for end in (ties.optimistic, ties.pessimistic)
    )
    return f"{text}; expected rank used; {what} optimistic {best}, pessimistic {worst}"


def _closing(results: Sequence[Any]) -> list[str]:
    """What holds for all of one kind."""
    first = results[0]
    if isinstance(first, DrawnResult):
        sizes = dict.fromkeys(map(_size_note, results))
        return [*([MAP_NOTE] if isinstance(first, Retrieval) else []), *sizes]
    if isinstance(first, CrossCamera):
        return [
            "MAP sums precision in steps, the trapezoid column as Market-1501's "
            "evaluation does. The paper has no such table."
        ]
    lines = [
        "optimal chooses the threshold on the judged pairs: an upper bound, no result.",
        "The paper measures on CompCars, and does not say where its threshold is from; "
        "none: the training did not converge.",
    ]
    if any(of.accuracy is None for result in results for of in result.pairs):
        lines.insert(
            0,
            "No accuracy without a threshold from training pairs: give --train. "
            "10-fold chooses it on nine tenths of the pairs for the last.",
        )
    return lines


def _size_note(result: Reidentification | Retrieval) -> str:
    """How its size compares with the paper's."""
    split, n = result.paper_split, result.paper_size
    if n is None:
        return (
            "A match is an image of the same vehicle model. How many models its splits "
            f"hold the paper does not say; its {SMALL.name} column stands for "
            "orientation only."
        )
    cmc = isinstance(result, Reidentification)
    if split is None:
        size = f"with a gallery of {n:,}" if cmc else f"of {n:,} vehicles"
        where = "Table 6, gallery " if cmc else ""
        return (
            f"The paper has no split {size}; its {SMALL.name} column ({where}"
            f"{SMALL.vehicles:,}) stands for orientation only."
        )
    released = paper.released_split(split.name)
    if not cmc:
        return (
            f"The paper's {split.name} split has {split.images:,} images (Table 2), "
            f"the list released after it {released.images:,}."
        )
    if result.probes == split.probes:
        return f"Gallery and probes are as many as in the paper's {split.name} split."
    which = "the released list" if result.probes == released.probes else "another set"
    return (
        f"The paper's {split.name} split has {split.probes:,} probes (Table 5), the "
        f"list released after it {released.probes:,}; {result.probes:,} are of {which}."
    )

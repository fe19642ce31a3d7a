"""Results in tables beside the paper's, and what must be known to compare them.

A row is one training, or the mean over all trainings of a method. ± is one thing in
a table: half the 95 % confidence interval of that mean where any row is of several
trainings, otherwise the standard deviation within a result.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from scipy.special import stdtrit

from pydrdl import paper
from pydrdl.datasets import compcars, vehicleid
from pydrdl.results.result import (
    LEVELS,
    CrossCamera,
    DrawnResult,
    Reidentification,
    Result,
    Retrieval,
    Verification,
    method_and_seed,
)
from pydrdl.table import (
    HASH_DIGITS,
    MINUS,
    Cells,
    Column,
    Group,
    Table,
    Value,
    is_numeric,
    plural,
    rate,
)

R = TypeVar("R", bound=Result)
_NO_RESULT = "; did not converge"
SMALL = paper.TEST_SPLITS[0]
# Queries of VeRi-776 and of VERI-Wild's three test sets, as released.
KNOWN_QUERIES = {
    1_678: "VeRi-776",
    3_000: "VERI-Wild, small",
    5_000: "VERI-Wild, medium",
    10_000: "VERI-Wild, large",
}
# Names without signs and spaces, as prototxt/ and people write them.
_PAPER_NAMES = {
    "mixeddifferenceccl": paper.MIXED_CCL,
    "mixeddifference": paper.MIXED_CCL,
    "mixed": paper.MIXED_CCL,
    "vggccl": paper.VGG_CCL,
    "ccl": paper.VGG_CCL,
    "vggtriplet": paper.VGG_TRIPLET,
    "triplet": paper.VGG_TRIPLET,
    "googlenetsvm": paper.GOOGLENET_SVM,
    "googlenetjointbayesian": paper.GOOGLENET_JB,
}


@dataclass(frozen=True)
class OverTrainings:
    """One number of several trainings."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over trainings."""
        return math.fsum(self.values) / len(self.values)

    @property
    def interval(self) -> float | None:
        """Half the 95 % confidence interval of the mean; None of one training.

        Student's t, so that five trainings are not taken for many.
        """
        n = len(self.values)
        if n < 2:
            return None
        variance = math.fsum((v - self.mean) ** 2 for v in self.values) / (n - 1)
        quantile = float(stdtrit(n - 1, 0.975))
        return quantile * math.sqrt(variance / n)


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

    def over(self, number: Callable[[R], float]) -> OverTrainings:
        """A number of each training."""
        return OverTrainings(tuple(map(number, self.results)))

    @cached_property
    def scores(self) -> dict[str, OverTrainings]:
        """Their rates by key, but for those that one of them lacks."""
        every = [
            {s.key: s.value for s in result.shown() if s.kind == "rate"}
            for result in self.results
        ]
        return {
            key: OverTrainings(tuple(float(scores[key] or 0) for scores in every))
            for key in every[0]
            if all(scores[key] is not None for scores in every)
        }


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
    """Rows of one protocol, and the paper's below them.

    Args:
        key: of the table.
        title: of the table.
        rows: ours.
        beside: the paper's, see paper_rows.
        heading: of our rows.
        compare: whether differences from the paper are shown, where it has the same.
        folded: as of Table.
    """
    many = several(rows)
    columns = [Column("method", "method")]
    columns += [Column("trainings", "trainings", "count")] if many else []
    columns.append(Column("compared", "compared by"))
    for shown in rows[0].first.shown():
        behind = f"{shown.key}_{'interval' if many else 'std'}"
        spread = shown.spread or (many and shown.kind == "rate")
        columns.append(Column(shown.key, shown.title, shown.kind, spread * behind))
    cells = [_cells(row, many) for row in rows]
    titles = {column.key: column.title for column in columns}
    for row, shown_cells in zip(rows, cells, strict=True):
        for of, known in (paper_scores(row.first) if compare else {}).items():
            if of in row.scores:
                shown_cells[_change(of)] = row.scores[of].mean - known
    for of in ("rank_1", "rank_5", "map", "accuracy"):
        if of in titles and any(_change(of) in row for row in cells):
            head = f"{titles[of]} {MINUS} paper"
            columns.append(Column(_change(of), head, "change"))
    return Table(key, title, columns, [Group(heading, cells), *beside], folded)


def _change(of: str) -> str:
    """The key of a difference from the paper."""
    return of.replace("rank", "change") if of.startswith("rank") else "change"


def _cells(row: Trainings[R], many: bool) -> dict[str, Value]:
    cells: dict[str, Value] = {"method": row.name, "compared": row.first.compared_by}
    if many:
        cells["trainings"] = len(row.results)
    for shown in row.first.shown():
        if shown.kind != "rate":
            cells[shown.key] = shown.value
            continue
        over = row.scores.get(shown.key)
        cells[shown.key] = None if over is None else over.mean
        if many:
            cells[f"{shown.key}_interval"] = None if over is None else over.interval
        elif shown.spread:
            cells[f"{shown.key}_std"] = shown.std
    return cells


def paper_method(name: str) -> str | None:
    """The paper's name of a method; None where the paper has no such method.

    Only whole names count: "ccl without margin" is not the paper's CCL, but
    "ccl, seed 3" is, as a training of it.
    """
    method, _ = method_and_seed(name)
    return _PAPER_NAMES.get(re.sub(r"[^a-z0-9]", "", method.lower()))


def paper_split(result: Result) -> paper.TestSplit | None:
    """The paper's split that a result is of; None for other data or another size."""
    if result.features.dataset not in ("", vehicleid.NAME):
        return None
    return None if (size := _vehicles(result)) is None else paper.split_of_gallery(size)


def _vehicles(result: Result) -> int | None:
    """By which the paper's split is told; of models none can be."""
    if isinstance(result, Reidentification):
        return result.gallery
    if isinstance(result, Retrieval) and not result.by_model:
        return result.vehicles
    return None


def paper_scores(result: Result) -> dict[str, float]:
    """The paper's scores of the same method on the same data, by the result's keys."""
    method, split = paper_method(result.method) or "", paper_split(result)
    if isinstance(result, Reidentification) and split and method in paper.TABLE_6:
        rates = paper.TABLE_6[method][split.name]
        return {"rank_1": rates.top1, "rank_5": rates.top5}
    if isinstance(result, Retrieval) and split and method in paper.TABLE_4:
        return {"map": paper.TABLE_4[method][split.name]}
    # Which level pairs are of is told by the name of their list.
    if isinstance(result, Verification) and result.features.dataset == compcars.NAME:
        accuracies = paper.TABLE_3.get(method)
        for i, level in enumerate(LEVELS):
            if accuracies and result.pairs[0].name.endswith(level):
                return {"accuracy": accuracies[i]}
    return {}


def paper_rows(results: Sequence[Result]) -> list[Group]:
    """The paper's rows of as many vehicles, or of Small for orientation."""
    first, groups = results[0], []
    if isinstance(first, Verification):
        for i, level in enumerate(LEVELS):
            rows: list[Cells] = [
                {
                    "method": method,
                    "pairs": f"CompCars, {level}" + ("" if known else _NO_RESULT),
                    "accuracy": known and known[i],
                }
                for method, known in paper.TABLE_3.items()
            ]
            groups.append(Group(f"the paper, Table 3, {level}", rows))
    if isinstance(first, DrawnResult):
        sizes = dict.fromkeys(map(_vehicles, results))
        for split in dict.fromkeys(
            paper.split_of_gallery(n or 0) or SMALL for n in sizes
        ):
            if isinstance(first, Reidentification):
                size: Cells = {"gallery": split.vehicles, "probes": split.probes}
                rows = [
                    {"method": method, **size, "rank_1": of[split.name].top1,
                     "rank_5": of[split.name].top5}
                    for method, of in paper.TABLE_6.items()
                ]  # fmt: skip
            else:
                size = {"vehicles": None if None in sizes else split.vehicles}
                rows = [
                    {"method": method, **size, "map": of[split.name]}
                    for method, of in paper.TABLE_4.items()
                ]
            number = 6 if isinstance(first, Reidentification) else 4
            groups.append(Group(f"the paper, Table {number}, {split.name}", rows))
    return groups


def terminal_table(results: Sequence[Result]) -> Table:
    """A row for each result, or for each list of its pairs, then the paper's."""
    beside = paper_rows(results)
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
            {
                "method": f"  {row['method']}",
                "accuracy": "none" if row["accuracy"] is None else row["accuracy"],
            }
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
        lines += [f"  {line}" for line in more]
    return [*lines, *_closing(results)]


def _how(result: Result) -> list[str]:
    """How it was measured, the first line to stand behind its protocol."""
    features = f"features {short(result.features.sha256)}"
    if isinstance(result, Verification):
        return [features, *_origin(result), *_pairs(result)]
    if isinstance(result, CrossCamera):
        known = KNOWN_QUERIES.get(result.queries)
        return [
            f"image to {result.image_to}, {plural(result.vehicles, 'vehicle')} in the "
            "gallery" + (f"; as many queries as in {known}" if known else ""),
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
    hashes = f"split {short(split.sha256)}, {features}"
    how = f"gallery = {split.name}{seed}, {plural(result.repeats, 'repeat')}{over}"
    if isinstance(result, Reidentification):
        chance = f"chance at rank 1: {rate(1 / result.gallery, 4)}"
        ties = _ties(result.ties.probes, result.ties, "rank-1")
        lines = [how, f"{hashes}, {chance}", ties, *_origin(result)]
        alone = f"{plural(left, 'vehicle')} with one image: in the gallery, without a "
        return [*lines, *([f"{alone}probe"] if left else [])]
    ties = _ties(result.ties.probes, result.ties, "MAP")
    few = (
        f"{left:,} of {plural(result.vehicles, result.relevance)} have too few images "
        "for a probe: all in the gallery"
    )
    return [how, hashes, ties, *_origin(result), *([few] if left else [])]


def _origin(result: Result) -> list[str]:
    """Which weights it is of, where its file says so, and what compared."""
    lines, used = [], result.verifier
    if result.features.weights:
        lines.append(
            f"weights {result.features.weights}, layer {result.features.layer}"
        )
    if used is not None:
        trained_on = str(used.training.get("features_sha256", ""))
        lines.append(
            f"compared by {result.compared_by}, {used.path} {short(used.sha256)}, "
            f"trained on {used.training.get('label')}s, features {short(trained_on)}"
        )
        if trained_on == result.features.sha256:
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
    best, worst = (
        end[0] if isinstance(end, list) else end
        for end in (ties.optimistic, ties.pessimistic)
    )
    text = (
        f"ties: {tied:.2%} of the probes have other vehicles exactly as far as the "
        f"match ({ties.mean_equal:.3g} on average over all)"
    )
    if ties.optimistic == ties.pessimistic:
        return f"{text}; no rate depends on it"
    ends = f"{what} optimistic {rate(best)}, pessimistic {rate(worst)}"
    return f"{text}; expected rank used; {ends}"


def _closing(results: Sequence[Any]) -> list[str]:
    """What holds for all of one kind."""
    first = results[0]
    if isinstance(first, Reidentification):
        sizes = dict.fromkeys((result.gallery, result.probes) for result in results)
        return [_cmc_closing(gallery, probes) for gallery, probes in sizes]
    if isinstance(first, CrossCamera):
        return [
            "MAP sums precision in steps, the trapezoid column as Market-1501's "
            "evaluation does. The paper has no such table."
        ]
    if isinstance(first, Retrieval):
        how = (
            "MAP sums precision in steps, the trapezoid column between them. The paper "
            "says neither which it took, nor how often it drew, and prints a rule, "
            "max{6, N - 1}, that leaves most vehicles without a probe."
        )
        return [how, *map(_map_closing, dict.fromkeys(map(_vehicles, results)))]
    closing = [
        "optimal chooses the threshold on the judged pairs: an upper bound, no result.",
        "The paper measures on CompCars, and does not say where its threshold is from; "
        "none: the training did not converge.",
    ]
    if any(of.accuracy is None for result in results for of in result.pairs):
        return [
            "No accuracy without a threshold from training pairs: give --train. "
            "10-fold chooses it on nine tenths of the pairs for the last.",
            *closing,
        ]
    return closing


def _cmc_closing(gallery: int, probes: int) -> str:
    split = paper.split_of_gallery(gallery)
    if split is None:
        return (
            f"The paper has no split with a gallery of {gallery:,}; its {SMALL.name} "
            f"column (Table 6, gallery {SMALL.vehicles:,}) stands for orientation only."
        )
    released = paper.released_split(split.name)
    if probes == split.probes:
        return f"Gallery and probes are as many as in the paper's {split.name} split."
    which = "the released list" if probes == released.probes else "another set"
    return (
        f"The paper's {split.name} split has {split.probes:,} probes (Table 5), the "
        f"list released after it {released.probes:,}; {probes:,} are of {which}."
    )


def _map_closing(vehicles: int | None) -> str:
    if vehicles is None:
        return (
            "A match is an image of the same vehicle model. How many models its splits "
            f"hold the paper does not say; its {SMALL.name} column stands for "
            "orientation only."
        )
    split = paper.split_of_gallery(vehicles)
    if split is None:
        return (
            f"The paper has no split of {vehicles:,} vehicles; its {SMALL.name} column "
            f"({SMALL.vehicles:,}) stands for orientation only."
        )
    released = paper.released_split(split.name)
    return (
        f"The paper's {split.name} split has {split.images:,} images (Table 2), the "
        f"list released after it {released.images:,}."
    )


def short(sha256: str) -> str:
    """Enough of a hash to compare by eye."""
    return sha256[:HASH_DIGITS]

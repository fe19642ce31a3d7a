"""Re-identification: curves, and match rates beside Table 6."""

from collections.abc import Callable, Sequence

from pydrdl import paper
from pydrdl.report.cells import plural, rate
from pydrdl.report.cmc_figure import IN_PAPER, cmc_figure
from pydrdl.report.content import Block, Column, Group, Row, Section, Table, Text, Value
from pydrdl.report.methods import paper_method, paper_split, why_no_difference
from pydrdl.report.results import Cmc
from pydrdl.report.rows import Line, Lines, Number, by_test, lines, trainings_note
from pydrdl.results.shared import training_of

RANKS = (1, 5, 10, 20)


def match_rate_section(results: Sequence[Cmc], *, drawn: bool) -> Section:
    """A figure and a table for each split, since only one split's rates compare.

    Args:
        results: of any splits.
        drawn: the images were rendered.
    """
    methods = dict.fromkeys(training_of(r.origin.method)[0] for r in results)
    place = {method: i for i, method in enumerate(methods)}
    groups = by_test(results).values()
    blocks: list[Block] = [*trainings_note(map(lines, groups))]
    for number, group in enumerate(groups, start=1):
        key, of, rows = f"cmc-{number}", name_of(group), lines(group)
        split = paper_split(group[0].origin, group[0].gallery, drawn=drawn)
        blocks += [
            cmc_figure(key, of, rows, place, split),
            _table(key, of, rows, split),
            *(Text(line) for line in _notes(rows, split)),
        ]
        if rows.several:
            blocks.append(_trainings(f"{key}-trainings", of, rows.singles))
    return Section("match-rates", "Match rates (CMC)", blocks)


def name_of(group: Sequence[Cmc]) -> str:
    """Data set, split and the gallery's size."""
    data = group[0].origin.data
    size = f"gallery of {group[0].gallery:,}"
    return f"{data}, {size}" if data else size


def rank(k: int) -> Callable[[Cmc], float]:
    """The match rate at a rank."""
    return lambda result: float(result.mean[k - 1])


def rank_std(k: int) -> Number[Cmc]:
    """Its standard deviation over repeats; None of one repeat."""
    return lambda result: None if result.std is None else float(result.std[k - 1])


def _table(key: str, of: str, rows: Lines[Cmc], split: paper.TestSplit | None) -> Table:
    ours = [_row(rows, line, split) for line in rows.rows]
    columns = _columns(rows)
    for k in IN_PAPER:
        if any(row.get(f"change_{k}") is not None for row in ours):
            columns.append(Column(f"change_{k}", f"rank {k} \u2212 paper", "change"))
    shown = split or paper.split_of_gallery(rows.first.gallery) or paper.TEST_SPLITS[0]
    theirs = [_paper_row(method, shown) for method in paper.TABLE_6]
    return Table(
        key,
        f"Match rates, {of}",
        columns,
        [
            Group("this run", ours),
            Group(f"the paper, Table 6, {shown.name}", theirs),
        ],
    )


def _trainings(key: str, of: str, singles: Lines[Cmc]) -> Table:
    """A row for each training."""
    return Table(
        key,
        f"Match rates of each training, {of}; ± is the standard deviation over repeats",
        _columns(singles),
        [Group("", [_row(singles, line, None) for line in singles.rows])],
        folded=True,
    )


def _columns(rows: Lines[Cmc]) -> list[Column]:
    return [
        *rows.leading(),
        Column("gallery", "gallery", "count"),
        Column("probes", "probes", "count"),
        *(rows.column(f"rank_{k}", f"rank {k}") for k in RANKS),
    ]


def _row(rows: Lines[Cmc], line: Line[Cmc], split: paper.TestSplit | None) -> Row:
    row: dict[str, Value] = {
        **rows.head(line),
        "gallery": line.first.gallery,
        "probes": line.first.probes,
    }
    for k in RANKS:
        if k <= line.first.mean.size:
            row |= rows.rate(line, f"rank_{k}", rank(k), rank_std(k))
    method = paper_method(line.name)
    if split is not None and method is not None and method in paper.TABLE_6:
        theirs = paper.TABLE_6[method][split.name]
        row["change_1"] = line.over(rank(1)).mean - theirs.top1
        row["change_5"] = line.over(rank(5)).mean - theirs.top5
    return row


def _paper_row(method: str, split: paper.TestSplit) -> Row:
    rates = paper.TABLE_6[method][split.name]
    return {
        "method": method,
        "gallery": split.vehicles,
        "probes": split.probes,
        "rank_1": rates.top1,
        "rank_5": rates.top5,
    }


def _notes(rows: Lines[Cmc], split: paper.TestSplit | None) -> list[str]:
    first = rows.first
    drawn = f"gallery: {first.origin.split.get('name', 'unknown')}"
    seed = first.origin.split.get("seed")
    if seed is not None:
        drawn += f", seed {seed}"
    lines = [
        f"Split {first.origin.split.get('sha256', '')[:16]}, {drawn}; "
        f"{plural(len(first.repeats), 'repeat')}{_over_repeats(rows)}. A gallery of "
        f"{first.gallery:,} gives chance a rank-1 rate of {rate(1 / first.gallery, 4)}."
    ]
    if split is None:
        lines.append(why_no_difference(first.gallery))
    elif first.probes != split.probes:
        released = paper.released_split(split.name).probes
        used = "as many as" if first.probes == released else f"{first.probes:,} are"
        lines.append(
            f"The paper's {split.name} split has {split.probes:,} probes, the list "
            f"released after it {released:,}: {used} here."
        )
    lines += [
        f"{line.name}: {line.over(_tied).mean:.1%} of the probes have other vehicles "
        "exactly as far as the match; the expected rank counts."
        for line in rows.rows
        if line.over(_tied).mean > 0
    ]
    if first.lonely:
        lines.append(
            f"{plural(first.lonely, 'vehicle')} with one image: in the gallery, "
            "without a probe."
        )
    return lines


def _tied(result: Cmc) -> float:
    return result.tied


def _over_repeats(rows: Lines[Cmc]) -> str:
    if rows.several:
        return ", of which each training counts with its mean"
    if len(rows.first.repeats) > 1:
        return (
            "; ± is the standard deviation over them, the band in the figure from "
            "the lowest to the highest"
        )
    return "; one repeat has no spread"

"""Retrieval: mean average precision beside Table 4."""

from collections.abc import Sequence

from pydrdl import paper
from pydrdl.report.cells import plural
from pydrdl.report.content import Block, Column, Group, Row, Section, Table, Text, Value
from pydrdl.report.methods import paper_method, paper_split, why_no_difference
from pydrdl.report.results import Map
from pydrdl.report.rows import Line, Lines, by_test, lines, trainings_note


def retrieval_section(results: Sequence[Map], *, drawn: bool) -> Section:
    """MAP beside Table 4, a table for each split; drawn: images were rendered."""
    groups = by_test(results).values()
    blocks: list[Block] = [*trainings_note(map(lines, groups))]
    for number, group in enumerate(groups, start=1):
        key, of, rows = f"map-{number}", data_of(group), lines(group)
        split = map_split(rows.first, drawn=drawn)
        blocks += [
            _map_table(key, ", ".join(filter(None, ("MAP", of))), rows, split),
            *_map_notes(rows, split),
        ]
        if rows.several:
            blocks.append(_map_trainings(f"{key}-trainings", of, rows.singles))
    return Section("retrieval", "Retrieval (MAP)", blocks)


def data_of(group: Sequence[Map]) -> str:
    """Data set and split, and what matched where it was not the vehicle."""
    by_model = "matches by vehicle model" if group[0].by_model else ""
    return ", ".join(filter(None, (group[0].origin.data, by_model)))


def map_split(result: Map, *, drawn: bool) -> paper.TestSplit | None:
    """The paper's split of as many vehicles; by models none can be told."""
    if result.by_model:
        return None
    return paper_split(result.origin, result.vehicles, drawn=drawn)


def _map_table(
    key: str, title: str, rows: Lines[Map], split: paper.TestSplit | None
) -> Table:
    columns = _map_columns(rows)
    ours = [_map_row(rows, line, split) for line in rows.rows]
    if any(row.get("change") is not None for row in ours):
        columns.append(Column("change", "MAP \u2212 paper", "change"))
    by_model = rows.first.by_model
    known = None if by_model else paper.split_of_gallery(rows.first.vehicles)
    shown = known or paper.TEST_SPLITS[0]
    theirs: list[Row] = [
        {
            "method": method,
            "vehicles": None if by_model else shown.vehicles,
            "map": row[shown.name],
        }
        for method, row in paper.TABLE_4.items()
    ]
    groups = [
        Group("this run", ours),
        Group(f"the paper, Table 4, {shown.name}", theirs),
    ]
    return Table(key, title, columns, groups)


def _map_trainings(key: str, of: str, singles: Lines[Map]) -> Table:
    """A row for each training."""
    title = ", ".join(filter(None, ("MAP of each training", of)))
    return Table(
        key,
        f"{title}; ± is the standard deviation over repeats",
        _map_columns(singles),
        [Group("", [_map_row(singles, line, None) for line in singles.rows])],
        folded=True,
    )


def _map_columns(rows: Lines[Map]) -> list[Column]:
    searched = "models" if rows.first.by_model else "vehicles"
    return [
        *rows.leading(),
        Column("vehicles", searched, "count"),
        Column("gallery", "gallery", "count"),
        Column("probes", "probes", "count"),
        rows.column("map", "MAP"),
        rows.column("trapezoid", "MAP, trapezoid"),
    ]


def _map_row(rows: Lines[Map], line: Line[Map], split: paper.TestSplit | None) -> Row:
    method = paper_method(line.name)
    row: dict[str, Value] = {
        **rows.head(line),
        "vehicles": line.first.vehicles,
        "gallery": line.first.gallery,
        "probes": line.first.probes,
        **rows.rate(line, "map", lambda r: r.step, lambda r: r.step_std),
        **rows.rate(
            line, "trapezoid", lambda r: r.trapezoid, lambda r: r.trapezoid_std
        ),
    }
    if split is not None and method is not None and method in paper.TABLE_4:
        row["change"] = (
            line.over(lambda r: r.step).mean - paper.TABLE_4[method][split.name]
        )
    return row


def _map_notes(rows: Lines[Map], split: paper.TestSplit | None) -> list[Text]:
    first = rows.first
    drawn = first.origin.split
    if rows.several:
        over = ", of which each training counts with its mean"
    else:
        over = "; ± is the standard deviation over them" if first.repeats > 1 else ""
    lines = [
        f"Split {str(drawn.get('sha256', ''))[:16]}, gallery: {drawn.get('name')}, "
        f"seed {drawn.get('seed')}; {plural(first.repeats, 'repeat')}{over}. "
        f"{_matches(first)} MAP sums precision in steps, the trapezoid column "
        "between them; the paper does not say which it took, nor how often it drew, "
        "and its printed rule leaves most vehicles without a probe."
    ]
    by_model = first.by_model
    if first.without_probe:
        lines.append(
            f"{first.without_probe:,} of {first.vehicles:,} "
            f"{'models' if by_model else 'vehicles'} have too few images for a probe."
        )
    if split is None and not by_model:
        lines.append(why_no_difference(first.vehicles))
    return [Text(line) for line in lines]


def _matches(result: Map) -> str:
    return {
        "vehicle": "A match is an image of the probe's vehicle.",
        "model": "A match is an image of the probe's vehicle model. How many models "
        "its splits hold the paper does not say: its rows stand for orientation.",
    }.get(
        result.relevance,
        "The file is of an older version and does not say whether a match is of the "
        "probe's vehicle or of its model.",
    )

"""Verification and cross-camera results as tables (Table 3)."""

from collections.abc import Sequence
from dataclasses import replace

from pydrdl import paper
from pydrdl.datasets import compcars
from pydrdl.report.content import Block, Column, Group, Row, Section, Table, Text, Value
from pydrdl.report.methods import paper_method
from pydrdl.report.results import CrossCamera, Verification
from pydrdl.report.rows import Line, Lines, Number, lines, trainings_note

LEVELS = ("easy", "medium", "hard")
CROSS_RANKS = (1, 5)


def verification_section(results: Sequence[Verification]) -> Section:
    """Accuracies beside Table 3."""
    rows = lines(results)
    columns = _verification_columns(rows)
    ours = [_verification_row(rows, line) for line in rows.rows]
    if any(row["change"] is not None for row in ours):
        columns.append(Column("change", "accuracy \u2212 paper", "change"))
    theirs: list[Row] = [
        {
            "method": method,
            "pairs": f"CompCars, {name}"
            + ("; did not converge" if accuracies is None else ""),
            "accuracy": None if accuracies is None else accuracies[level],
        }
        for level, name in enumerate(LEVELS)
        for method, accuracies in paper.TABLE_3.items()
    ]
    folds = "" if rows.several else "; ± is the standard deviation over the tenths"
    note = Text(
        "accuracy: the threshold is from training pairs; 10-fold: from nine tenths of "
        f"the pairs for the last{folds}; test-optimal: from the judged pairs "
        "themselves, an upper bound and no result. The paper does not say where its "
        "threshold is from, and measures on CompCars only."
    )
    table = Table(
        "verification",
        "Verification of pairs",
        columns,
        [Group("this run", ours), Group("the paper, Table 3", theirs)],
    )
    blocks: list[Block] = [*trainings_note([rows]), table, note]
    if rows.several:
        blocks.append(_verification_trainings(rows.singles))
    return Section("verification", "Verification", blocks)


def _verification_trainings(singles: Lines[Verification]) -> Table:
    """A row for each training."""
    return Table(
        "verification-trainings",
        "Verification by each training; ± is the standard deviation over the tenths",
        _verification_columns(singles),
        [Group("", [_verification_row(singles, line) for line in singles.rows])],
        folded=True,
    )


def _verification_columns(rows: Lines[Verification]) -> list[Column]:
    return [
        *rows.leading(),
        Column("pairs", "pairs"),
        Column("same", "same", "count"),
        Column("different", "different", "count"),
        rows.column("accuracy", "accuracy", spread=False),
        rows.column("folds", "10-fold"),
        rows.column("optimal", "test-optimal", spread=False),
        rows.column("auc", "AUC", spread=False),
        rows.column("eer", "EER", spread=False),
    ]


def _verification_row(rows: Lines[Verification], line: Line[Verification]) -> Row:
    first, theirs = line.first, _table_3(line)
    accuracy = line.known(lambda r: r.accuracy)
    return {
        **rows.head(line),
        "pairs": first.pairs,
        "same": first.same,
        "different": first.different,
        **rows.rate(line, "accuracy", lambda r: r.accuracy),
        **rows.rate(line, "folds", lambda r: r.folds, lambda r: r.folds_std),
        **rows.rate(line, "optimal", lambda r: r.optimal),
        **rows.rate(line, "auc", lambda r: r.auc),
        **rows.rate(line, "eer", lambda r: r.eer),
        "change": accuracy.mean - theirs
        if accuracy is not None and theirs is not None
        else None,
    }


def _table_3(line: Line[Verification]) -> float | None:
    """The paper's accuracy of the method on these pairs, told by the list's name."""
    result = line.first
    level = [i for i, name in enumerate(LEVELS) if result.name.endswith(name)]
    accuracies = paper.TABLE_3.get(paper_method(line.name) or "")
    if result.origin.of("dataset") != compcars.NAME or not level or not accuracies:
        return None
    return accuracies[level[0]]


def cross_camera_section(results: Sequence[CrossCamera]) -> Section:
    """MAP and match rates by the camera-aware protocols; not in the paper."""
    rows = lines(results)
    note = Text(
        "Images of the probe's vehicle by the probe's camera are left out. The paper "
        "has no such table."
    )
    table = _cross_camera_table("cross-camera", "Across cameras", rows)
    blocks: list[Block] = [*trainings_note([rows]), table, note]
    if rows.several:
        each = _cross_camera_table(
            "cross-camera-trainings", "Across cameras, each training", rows.singles
        )
        blocks.append(replace(each, folded=True))
    return Section("cross-camera", "Across cameras", blocks)


def _cross_camera_table(key: str, title: str, rows: Lines[CrossCamera]) -> Table:
    columns = [
        *rows.leading(),
        Column("data", "data"),
        Column("image_to", "image to"),
        Column("queries", "queries", "count"),
        Column("gallery", "gallery", "count"),
        rows.column("map", "MAP", spread=False),
        rows.column("trapezoid", "MAP, trapezoid", spread=False),
        *(rows.column(f"rank_{k}", f"rank {k}", spread=False) for k in CROSS_RANKS),
    ]
    shown = [_cross_camera_row(rows, line) for line in rows.rows]
    return Table(key, title, columns, [Group("", shown)])


def _cross_camera_row(rows: Lines[CrossCamera], line: Line[CrossCamera]) -> Row:
    first = line.first
    row: dict[str, Value] = {
        **rows.head(line),
        "data": first.origin.data,
        "image_to": first.image_to,
        "queries": first.queries,
        "gallery": first.gallery,
        **rows.rate(line, "map", lambda r: r.step),
        **rows.rate(line, "trapezoid", lambda r: r.trapezoid),
    }
    for k in CROSS_RANKS:
        row |= rows.rate(line, f"rank_{k}", _rank(k))
    return row


def _rank(k: int) -> Number[CrossCamera]:
    return lambda result: float(result.cmc[k - 1])

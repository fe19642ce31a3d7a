"""Retrieval, verification and cross-camera results as tables (Tables 3 and 4)."""

from collections.abc import Sequence

from pydrdl import paper
from pydrdl.datasets import compcars
from pydrdl.page.content import Block, Column, Group, Row, Section, Table, Text
from pydrdl.page.methods import paper_method, paper_split, why_no_difference
from pydrdl.page.results import CrossCamera, Map, Verification

LEVELS = ("easy", "medium", "hard")
CROSS_RANKS = (1, 5)


def retrieval_section(results: Sequence[Map], *, drawn: bool) -> Section:
    """MAP beside Table 4, a table for each split; drawn: images were rendered."""
    groups: dict[str, list[Map]] = {}
    for result in results:
        groups.setdefault(str(result.origin.split.get("sha256")), []).append(result)
    blocks: list[Block] = []
    for number, group in enumerate(groups.values(), start=1):
        split = paper_split(group[0].origin, group[0].vehicles, drawn=drawn)
        blocks += [_map_table(f"map-{number}", group, split), *_map_notes(group, split)]
    return Section("retrieval", "Retrieval (MAP)", blocks)


def _map_table(key: str, group: Sequence[Map], split: paper.TestSplit | None) -> Table:
    shown = paper.split_of_gallery(group[0].vehicles) or paper.TEST_SPLITS[0]
    columns = [
        Column("method", "method"),
        Column("vehicles", "vehicles", "count"),
        Column("gallery", "gallery", "count"),
        Column("probes", "probes", "count"),
        Column("map", "MAP", "rate", "map_std"),
        Column("trapezoid", "MAP, trapezoid", "rate", "trapezoid_std"),
    ]
    ours = [_map_row(result, split) for result in group]
    if any(row.get("change") is not None for row in ours):
        columns.append(Column("change", "MAP \u2212 paper", "change"))
    theirs: list[Row] = [
        {"method": method, "vehicles": shown.vehicles, "map": row[shown.name]}
        for method, row in paper.TABLE_4.items()
    ]
    return Table(
        key,
        " ".join(filter(None, ("MAP,", group[0].origin.data))).rstrip(","),
        columns,
        [Group("this run", ours), Group(f"the paper, Table 4, {shown.name}", theirs)],
    )


def _map_row(result: Map, split: paper.TestSplit | None) -> Row:
    method = paper_method(result.origin.method)
    known = split is not None and method in paper.TABLE_4
    return {
        "method": result.origin.method,
        "vehicles": result.vehicles,
        "gallery": result.gallery,
        "probes": result.probes,
        "map": result.step,
        "map_std": result.step_std,
        "trapezoid": result.trapezoid,
        "trapezoid_std": result.trapezoid_std,
        "change": result.step - paper.TABLE_4[str(method)][split.name]
        if known and split is not None
        else None,
    }


def _map_notes(group: Sequence[Map], split: paper.TestSplit | None) -> list[Text]:
    first = group[0]
    drawn = first.origin.split
    lines = [
        f"Split {str(drawn.get('sha256', ''))[:16]}, gallery: {drawn.get('name')}, "
        f"seed {drawn.get('seed')}; repeats: {first.repeats}; ± is the standard "
        "deviation over them. MAP sums precision in steps, the trapezoid column "
        "between them; the paper does not say which it took, nor how often it drew, "
        "and its printed rule leaves most vehicles without a probe."
    ]
    if first.without_probe:
        lines.append(
            f"{first.without_probe:,} of {first.vehicles:,} vehicles have too few "
            "images for a probe."
        )
    if split is None:
        lines.append(why_no_difference(first.vehicles))
    return [Text(line) for line in lines]


def verification_section(results: Sequence[Verification]) -> Section:
    """Accuracies beside Table 3."""
    columns = [
        Column("method", "method"),
        Column("pairs", "pairs"),
        Column("same", "same", "count"),
        Column("different", "different", "count"),
        Column("accuracy", "accuracy", "rate"),
        Column("folds", "10-fold", "rate", "folds_std"),
        Column("optimal", "test-optimal", "rate"),
        Column("auc", "AUC", "rate"),
        Column("eer", "EER", "rate"),
    ]
    ours = [_verification_row(result) for result in results]
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
    note = Text(
        "accuracy: the threshold is from training pairs; 10-fold: from nine tenths of "
        "the pairs for the last; test-optimal: from the judged pairs themselves, an "
        "upper bound and no result. The paper does not say where its threshold is "
        "from, and measures on CompCars only."
    )
    table = Table(
        "verification",
        "Verification of pairs",
        columns,
        [Group("this run", ours), Group("the paper, Table 3", theirs)],
    )
    return Section("verification", "Verification", [table, note])


def _verification_row(result: Verification) -> Row:
    theirs = _table_3(result)
    compared = result.accuracy is not None and theirs is not None
    return {
        "method": result.origin.method,
        "pairs": result.pairs,
        "same": result.same,
        "different": result.different,
        "accuracy": result.accuracy,
        "folds": result.folds,
        "folds_std": result.folds_std,
        "optimal": result.optimal,
        "auc": result.auc,
        "eer": result.eer,
        "change": (result.accuracy or 0.0) - (theirs or 0.0) if compared else None,
    }


def _table_3(result: Verification) -> float | None:
    """The paper's accuracy of the method on these pairs, told by the list's name."""
    level = [i for i, name in enumerate(LEVELS) if result.name.endswith(name)]
    accuracies = paper.TABLE_3.get(paper_method(result.origin.method) or "")
    if result.origin.of("dataset") != compcars.NAME or not level or not accuracies:
        return None
    return accuracies[level[0]]


def cross_camera_section(results: Sequence[CrossCamera]) -> Section:
    """MAP and match rates by the camera-aware protocols; not in the paper."""
    columns = [
        Column("method", "method"),
        Column("data", "data"),
        Column("image_to", "image to"),
        Column("queries", "queries", "count"),
        Column("gallery", "gallery", "count"),
        Column("map", "MAP", "rate"),
        Column("trapezoid", "MAP, trapezoid", "rate"),
        *(Column(f"rank_{k}", f"rank {k}", "rate") for k in CROSS_RANKS),
    ]
    rows: list[Row] = [
        {
            "method": r.origin.method,
            "data": r.origin.data,
            "image_to": r.image_to,
            "queries": r.queries,
            "gallery": r.gallery,
            "map": r.step,
            "trapezoid": r.trapezoid,
            **{f"rank_{k}": float(r.cmc[k - 1]) for k in CROSS_RANKS},
        }
        for r in results
    ]
    note = Text(
        "Images of the probe's vehicle by the probe's camera are left out. The paper "
        "has no such table."
    )
    table = Table("cross-camera", "Across cameras", columns, [Group("", rows)])
    return Section("cross-camera", "Across cameras", [table, note])

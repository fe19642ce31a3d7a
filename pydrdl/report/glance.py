"""The report's first lines: what came out, and how far to trust it."""

from collections.abc import Callable, Mapping, Sequence

from pydrdl import paper
from pydrdl.datasets.dataset import Dataset, is_drawn
from pydrdl.logs.reader import TrainingLog
from pydrdl.report.cells import change, plural, rate
from pydrdl.report.content import Block, Section, Text
from pydrdl.report.match_rates import name_of, rank, rank_std
from pydrdl.report.methods import paper_method, paper_split
from pydrdl.report.results import Cmc, Map, Results
from pydrdl.report.retrieval import data_of
from pydrdl.report.rows import Line, Lines, Number, R, by_test, lines
from pydrdl.report.training import bad_rows


def glance_section(
    results: Results, dataset: Dataset | None, logs: Mapping[str, TrainingLog]
) -> Section:
    """A line for each split, and a warning for what spoils comparison."""
    drawn = dataset is not None and is_drawn(dataset)
    blocks: list[Block] = [
        *(Text(_best(group, drawn)) for group in by_test(results.cmc).values()),
        *(Text(_best_map(group)) for group in by_test(results.map).values()),
    ]
    if drawn:
        blocks.append(
            Text(
                "The images are drawn, not photographed: the numbers show that the "
                "pipeline works and how methods compare on these drawings, not how "
                "they do on VehicleID.",
                kind="warning",
            )
        )
    blocks += [
        Text(
            f"{name}: {plural(bad_rows(log), 'row')} of the training log with NaN or "
            "infinity.",
            kind="warning",
        )
        for name, log in logs.items()
        if bad_rows(log)
    ]
    return Section("glance", "At a glance", blocks)


def _best(group: Sequence[Cmc], drawn: bool) -> str:
    rows = lines(group)
    best = max(rows.rows, key=lambda line: line.over(rank(1)).mean)
    first = best.first
    text = (
        f"{name_of(group)}: the highest rank-1 match rate is {best.name}'s, "
        f"{_spread(best, rank(1), rank_std(1))} over {_trainings(best)}"
        f"{plural(len(first.repeats), 'repeat')} of {first.probes:,} probes"
        f"{_level(rows, best, rank(1))}; chance is {rate(1 / first.gallery, 4)}."
    )
    split = paper_split(first.origin, first.gallery, drawn=drawn)
    method = paper_method(best.name)
    if split is not None and method is not None and method in paper.TABLE_6:
        theirs = paper.TABLE_6[method][split.name].top1
        return (
            f"{text} The paper's {method} has {rate(theirs)} on {split.name} "
            f"({change(best.over(rank(1)).mean - theirs)})."
        )
    return text


def _best_map(group: Sequence[Map]) -> str:
    rows, of = lines(group), data_of(group)
    best = max(rows.rows, key=lambda line: line.over(_map).mean)
    score = _spread(best, _map, lambda r: r.step_std)
    return (
        f"{f'{of}: the' if of else 'The'} highest MAP is {best.name}'s, {score} over "
        f"{_trainings(best)}{plural(best.first.repeats, 'repeat')}"
        f"{_level(rows, best, _map)}."
    )


def _map(result: Map) -> float:
    return result.step


def _trainings(line: Line[R]) -> str:
    count = len(line.results)
    return f"{plural(count, 'training')}, each of " if count > 1 else ""


def _spread(line: Line[R], number: Callable[[R], float], std: Number[R]) -> str:
    """As the tables have it: over trainings where there are several."""
    over = line.over(number)
    behind = std(line.first) if over.interval is None else over.interval
    return rate(over.mean) + ("" if behind is None else f" \u00b1 {rate(behind)}")


def _level(rows: Lines[R], best: Line[R], number: Callable[[R], float]) -> str:
    """Whose interval over trainings meets that of the best."""
    top = best.over(number)
    near = []
    for line in rows.rows:
        other = line.over(number)
        if line is best or top.interval is None or other.interval is None:
            continue
        if other.mean + other.interval >= top.mean - top.interval:
            near.append(line.name)
    return f" (its interval meets that of {' and '.join(near)})" if near else ""

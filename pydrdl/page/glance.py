"""The report's first lines: what came out, and how far to trust it."""

from collections.abc import Mapping, Sequence

from pydrdl import paper
from pydrdl.datasets.types import Dataset
from pydrdl.page.cells import change, plural, rate
from pydrdl.page.content import Block, Section, Text
from pydrdl.page.dataset import is_rendered
from pydrdl.page.match_rates import name_of, rank, rank_std
from pydrdl.page.methods import paper_method, paper_split
from pydrdl.page.results import Cmc, Map, Results
from pydrdl.page.retrieval import data_of
from pydrdl.page.rows import Line, Number, R, by_test, lines
from pydrdl.page.training import bad_rows
from pydrdl.training_log import TrainingLog


def glance_section(
    results: Results, dataset: Dataset | None, logs: Mapping[str, TrainingLog]
) -> Section:
    """A line for each split, and a warning for what spoils comparison."""
    drawn = dataset is not None and is_rendered(dataset)
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
    best = max(lines(group).rows, key=lambda line: line.mean(rank(1)))
    first = best.first
    text = (
        f"{name_of(group)}: the highest rank-1 match rate is {best.name}'s, "
        f"{_spread(best, rank(1), rank_std(1))} over {_trainings(best)}"
        f"{plural(len(first.repeats), 'repeat')} of {first.probes:,} probes; chance is "
        f"{rate(1 / first.gallery, 4)}."
    )
    split = paper_split(first.origin, first.gallery, drawn=drawn)
    method = paper_method(best.name)
    if split is not None and method is not None and method in paper.TABLE_6:
        theirs = paper.TABLE_6[method][split.name].top1
        return (
            f"{text} The paper's {method} has {rate(theirs)} on {split.name} "
            f"({change(best.mean(rank(1)) - theirs)})."
        )
    return text


def _best_map(group: Sequence[Map]) -> str:
    best = max(lines(group).rows, key=lambda line: line.mean(_map))
    score = _spread(best, _map, lambda r: r.step_std)
    of = data_of(group)
    return (
        f"{f'{of}: the' if of else 'The'} highest MAP is {best.name}'s, {score} over "
        f"{_trainings(best)}{plural(best.first.repeats, 'repeat')}."
    )


def _map(result: Map) -> float:
    return result.step


def _trainings(line: Line[R]) -> str:
    count = len(line.results)
    return f"{plural(count, 'training')}, each of " if count > 1 else ""


def _spread(line: Line[R], number: Number[R], std: Number[R]) -> str:
    """As the tables have it: over trainings where there are several."""
    over = line.over(number)
    assert over is not None
    behind = std(line.first) if over.interval is None else over.interval
    return rate(over.mean) + ("" if behind is None else f" \u00b1 {rate(behind)}")

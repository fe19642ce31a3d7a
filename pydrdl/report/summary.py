"""The report's first lines, and the setup behind each row."""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from pydrdl import paper
from pydrdl.datasets.dataset import Dataset, full_name, is_drawn
from pydrdl.logs.reader import TrainingLog
from pydrdl.report.content import Section, Text
from pydrdl.report.inputs import bad_rows, count_of, last_iteration
from pydrdl.report.scores import title_of
from pydrdl.results.comparison import (
    Trainings,
    by_method,
    by_test,
    of_kind,
    paper_method,
    paper_scores,
)
from pydrdl.results.result import Reidentification, Result, Retrieval, Verification
from pydrdl.strict_json import parse
from pydrdl.table import Cells, Column, Group, Table, Value, change, plural, rate

_SNAPSHOT = re.compile(r"_iter_(\d+)\.caffemodel(\.h5)?$")
UNTRAINED = "untrained"  # how features.Source.weights begins then


def summary_section(
    results: Sequence[Result], dataset: Dataset | None, logs: Mapping[str, TrainingLog]
) -> Section:
    """A line for each split, and a warning for what spoils comparison."""
    drawn = dataset is not None and is_drawn(dataset)
    own = "" if dataset is None else dataset.name
    cmc, maps = of_kind(Reidentification, results), of_kind(Retrieval, results)
    lines = [_best_rate(group, drawn) for group in by_test(cmc).values()]
    lines += [_best_map(group) for group in by_test(maps).values()]
    warnings = []
    if drawn:
        warnings.append(
            "The images are drawn, not photographed: the numbers show that the "
            "pipeline works and how methods compare on these drawings, not how "
            f"they do on {own}."
        )
    for name, log in logs.items():
        if bad := bad_rows(log):
            of = f"{name}: {plural(bad, 'row')} of the training log"
            warnings.append(f"{of} with NaN or infinity.")
    blocks = [*map(Text, lines), *(Text(text, "warning") for text in warnings)]
    return Section("summary", "Summary", blocks)


def _best_rate(group: Sequence[Reidentification], drawn: bool) -> str:
    best, score, near = _best(group, "rank_1")
    first = best.first
    text = (
        f"{title_of(first)}: the highest rank-1 match rate is {best.name}'s, {score} "
        f"over {_draws(best)} of {first.probes:,} probes{near}; chance is "
        f"{rate(1 / first.gallery, 4)}."
    )
    known = None if drawn else paper_scores(first).get("rank_1")
    if known is None or first.paper_split is None:
        return text
    differs = change(best.scores["rank_1"].mean - float(known))
    has = f"The paper's {paper_method(first.method)} has {rate(float(known))}"
    return f"{text} {has} on {first.paper_split.name} ({differs})."


def _best_map(group: Sequence[Retrieval]) -> str:
    best, score, near = _best(group, "map")
    of = title_of(best.first)
    start = f"{of}: the" if of else "The"
    return f"{start} highest MAP is {best.name}'s, {score} over {_draws(best)}{near}."


def _best(group: Sequence[Any], key: str) -> tuple[Trainings[Any], str, str]:
    """The best row, its score, and whose interval over trainings meets its own."""
    rows = by_method(group)
    best = max(rows, key=lambda row: row.scores[key].mean)
    over, near = best.scores[key], []
    (spread,) = (shown.std for shown in best.first.shown() if shown.key == key)
    if over.interval is not None:
        spread = over.interval
        for row in rows:
            other = row.scores[key]
            half = -math.inf if other.interval is None else other.interval
            if row is not best and other.mean + half >= over.mean - over.interval:
                near.append(row.name)
    score = rate(over.mean) + ("" if spread is None else f" ± {rate(spread)}")
    met = f" (its interval meets that of {' and '.join(near)})" if near else ""
    return best, score, met


def _draws(row: Trainings[Any]) -> str:
    count = len(row.results)
    trainings = f"{plural(count, 'training')}, each of " if count > 1 else ""
    return trainings + plural(row.first.repeats, "repeat")


def setup_section(
    results: Sequence[Result], dataset: Dataset | None, logs: Mapping[str, TrainingLog]
) -> Section:
    """Data, training and net behind each method and set of images.

    And the paper's, of VehicleID, unless all is verification, of which the paper says
    nothing there.
    """
    features = {result.features.sha256: result for result in reversed(results)}
    held: dict[tuple[str, str], list[Cells]] = {}
    for result in reversed(list(features.values())):
        # What names no seed is a training like no other.
        of_what = result.features.sha256 if result.seed is None else result.data
        row = _setup(result, dataset, logs)
        held.setdefault((result.method, of_what), []).append(row)
    rows = [
        of[0] if len(of) == 1 else {**_shared(of), "method": method}
        for (method, _), of in held.items()
    ]
    theirs: list[Cells] = [
        {
            "method": split.name,
            "data": "VehicleID, photographs",
            "tested_images": split.images,
            "tested_vehicles": split.vehicles,
            "train_images": paper.TABLE_1["training"].images,
            "net": "VGG_CNN_M_1024",
            "weights": "fine-tuned from ILSVRC-2012",
        }
        for split in paper.TEST_SPLITS
    ]
    groups = [Group("this run", rows)]
    if not all(isinstance(result, Verification) for result in results):
        groups.append(Group("the paper, Tables 1 and 2", theirs))
    table = Table(
        "setup",
        "Data, training and net behind each row",
        [
            Column("method", "method"),
            Column("data", "data"),
            Column("tested_images", "tested images", "count"),
            Column("tested_vehicles", "tested vehicles", "count"),
            Column("train_images", "images to train on", "count"),
            Column("iterations", "iterations", "count"),
            Column("net", "net"),
            Column("input", "input, pixels"),
            Column("layer", "feature"),
            Column("weights", "weights"),
        ],
        groups,
    )
    differ = any(len(of) > 1 for of in held.values())
    note = (
        "A difference from the paper says something about a method only where these "
        "agree. Iterations are those in the weights' file name, or else of the log "
        "of the same name; images to train on are those of the data set's split "
        "train, or CompCars' part1 before its part2 and part3. Empty: not known; the "
        "paper does not state its iterations."
        + (" … stands where the trainings of a method differ." if differ else "")
    )
    return Section("setup", "Data, training and nets", [table, Text(note)])


def _setup(
    result: Result, dataset: Dataset | None, logs: Mapping[str, TrainingLog]
) -> Cells:
    used = result.features
    untrained = used.weights.startswith(UNTRAINED)
    row: dict[str, Value] = {
        "method": result.name,
        "data": result.data,
        "iterations": 0 if untrained else iterations(result, logs),
        "net": used.net,
        "input": _input(used.preprocess),
        "layer": used.layer,
        "weights": used.weights,
    }
    if dataset is not None and used.dataset in (dataset.name, full_name(dataset)):
        learned = dataset.learned.get(used.split, "train")
        tested, trained = (count_of(dataset, name) for name in (used.split, learned))
        # Features of older versions leave it out.
        row["data"] = result.data.replace(used.dataset, full_name(dataset), 1)
        if tested:
            row["tested_images"] = tested.images
            row["tested_vehicles"] = tested.vehicles
        if trained and not untrained:
            row["train_images"] = trained.images
    return row


def iterations(result: Result, logs: Mapping[str, TrainingLog]) -> int | None:
    """How long the net was trained; None where nothing says."""
    snapshot = _SNAPSHOT.search(result.features.weights)
    if snapshot:
        return int(snapshot[1])
    log = logs.get(result.name)
    return None if log is None else last_iteration(log)


def _input(preprocess: str) -> str | None:
    """The side of the net's input."""
    try:
        side = parse(preprocess)["crop"]
    except (ValueError, KeyError, TypeError):
        return None
    return f"{side} x {side}"


def _shared(rows: Sequence[Cells]) -> Cells:
    """What rows agree in; of texts that differ, their beginning and end."""
    return {key: _common([row.get(key) for row in rows]) for key in rows[0]}


def _common(values: Sequence[Value]) -> Value:
    if len(set(values)) == 1:
        return values[0]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        return None
    start = _beginning(texts)
    ends = [text[len(start) :][::-1] for text in texts]
    return f"{start}…{_beginning(ends)[::-1]}"


def _beginning(texts: Sequence[str]) -> str:
    """What all of them begin with."""
    alike = takewhile(lambda signs: len(set(signs)) == 1, zip(*texts, strict=False))
    return "".join(signs[0] for signs in alike)

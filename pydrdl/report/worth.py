"""What each number is worth: the data, the training and the net behind it."""

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile

from pydrdl import paper
from pydrdl.datasets.dataset import Dataset, full_name
from pydrdl.logs.reader import TrainingLog
from pydrdl.report.content import Column, Group, Row, Section, Table, Text, Value
from pydrdl.report.dataset import count_of
from pydrdl.report.results import Origin
from pydrdl.report.training import last_iteration
from pydrdl.results.shared import training_of
from pydrdl.strict_json import parse

_SNAPSHOT = re.compile(r"_iter_(\d+)\.caffemodel(\.h5)?$")
UNTRAINED = "untrained"  # how features.Source.weights begins then


def worth_section(
    origins: Sequence[Origin], dataset: Dataset | None, logs: Mapping[str, TrainingLog]
) -> Section:
    """A row for each method and set of images, and those of the paper."""
    features = {o.of("sha256"): o for o in reversed(origins)}
    held: dict[tuple[str, str], list[Row]] = {}
    for origin in reversed(list(features.values())):
        method, seed = training_of(origin.method)
        # What names no seed is a training like no other.
        of_what = origin.of("sha256") if seed is None else origin.data
        row = _row(origin, dataset, logs)
        held.setdefault((method, of_what), []).append(row)
    rows = [
        of[0] if len(of) == 1 else {**_shared(of), "method": method}
        for (method, _), of in held.items()
    ]
    theirs: list[Row] = [
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
    table = Table(
        "worth",
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
        [Group("this run", rows), Group("the paper, Tables 1 and 2", theirs)],
    )
    note = Text(
        "A difference from the paper says something about a method only where these "
        "agree. Iterations are those in the weights' file name, or else of the log "
        "of the same name; images to train on are those of the data set's split "
        "train. Empty: not known; the "
        "paper does not state its iterations."
        + (
            " … stands where the trainings of a method differ."
            if any(len(of) > 1 for of in held.values())
            else ""
        )
    )
    return Section("worth", "What the numbers are worth", [table, note])


def _row(
    origin: Origin, dataset: Dataset | None, logs: Mapping[str, TrainingLog]
) -> Row:
    row: dict[str, Value] = {
        "method": origin.method,
        "data": origin.data,
        "iterations": iterations(origin, logs),
        "net": origin.of("net"),
        "input": _input(origin.of("preprocess")),
        "layer": origin.of("layer"),
        "weights": origin.of("weights"),
    }
    named = origin.of("dataset")
    if dataset is not None and named in (dataset.name, full_name(dataset)):
        tested = count_of(dataset, origin.of("split"))
        trained = count_of(dataset, "train")
        # Features of older versions leave it out.
        row["data"] = origin.data.replace(str(named), full_name(dataset), 1)
        if tested:
            row["tested_images"] = tested.images
            row["tested_vehicles"] = tested.vehicles
        if trained and not is_untrained(origin):
            row["train_images"] = trained.images
    return row


def _shared(rows: Sequence[Row]) -> Row:
    """What rows agree in; of texts that differ, their beginning and end."""
    return {key: _common([row.get(key) for row in rows]) for key in rows[0]}


def _common(values: Sequence[Value]) -> Value:
    if len(set(values)) == 1:
        return values[0]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        return None
    start = _beginning(texts)
    rest = [text[len(start) :] for text in texts]
    end = _beginning([text[::-1] for text in rest])[::-1]
    return f"{start}…{end}"


def _beginning(texts: Sequence[str]) -> str:
    """What all of them begin with."""
    alike = takewhile(lambda signs: len(set(signs)) == 1, zip(*texts, strict=False))
    return "".join(signs[0] for signs in alike)


def is_untrained(origin: Origin) -> bool:
    """Whether its net has random weights."""
    return origin.of("weights").startswith(UNTRAINED)


def iterations(origin: Origin, logs: Mapping[str, TrainingLog]) -> int | None:
    """How long the net was trained; None where nothing says."""
    if is_untrained(origin):
        return 0
    snapshot = _SNAPSHOT.search(origin.of("weights"))
    if snapshot:
        return int(snapshot[1])
    log = logs.get(origin.method)
    return None if log is None else last_iteration(log)


def _input(preprocess: str) -> str | None:
    """The side of the net's input."""
    try:
        side = parse(preprocess)["crop"]
    except (ValueError, KeyError, TypeError):
        return None
    return f"{side} x {side}"

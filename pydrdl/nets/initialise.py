"""Decides which of a file's layers each layer of a net starts from.

Caffe copies weights by layer name. VGG_CNN_M has one conv4 to fc7; the mixed
difference net has them twice (Sec. 3.3).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from pydrdl import __version__
from pydrdl.atomic import refuse_existing
from pydrdl.errors import InputError
from pydrdl.files import file_sha256
from pydrdl.nets.caffemodel import (
    Float32,
    Layer,
    blob_shape,
    blob_values,
    read_weights,
    write_weights,
)
from pydrdl.nets.shapes import Dims, layers_in_training, read_net, weight_shapes
from pydrdl.nets.structures import SECOND_BRANCH

# Their blob is the number of the next batch, which a new training starts at 0.
POSITION_KEEPERS = frozenset({"PairSetData"})


@dataclass(frozen=True)
class Row:
    """What is done with one blob.

    Attributes:
        layer: the net's; of a layer that only the file has, the file's.
        blob: its number in the layer.
        source: the layer of the file that it comes from; "" for none.
        found: its shape in the file; None where the file has none.
        wanted: its shape in the net; None where the net has none, or where only
            building the net would show it.
        done: copied, skipped (what the file has) or missing (what it has not).
        why: the reason; "" for a copy by name.
    """

    layer: str
    blob: int
    source: str
    found: Dims | None
    wanted: Dims | None
    done: Literal["copied", "skipped", "missing"]
    why: str


@dataclass(frozen=True)
class Start:
    """A layer of the net with the weights that it starts from.

    Attributes:
        layer: its name.
        type: its type.
        source: the layer of the file.
        ranks: number of dimensions of each blob in the net.
    """

    layer: str
    type: str
    source: Layer
    ranks: tuple[int, ...]


@dataclass
class Plan:
    """What is done with every blob of a net and of a file.

    Attributes:
        starts: the layers that are copied.
        rows: every blob, in the net's order, then the file's.
        misfits: by layer of the net, how its weights in the file differ.
    """

    starts: list[Start] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    misfits: dict[str, str] = field(default_factory=dict)


def make_plan(layers: Mapping[str, Layer], net: Any, copies: Mapping[str, str]) -> Plan:
    """Decides for every layer of a net.

    Args:
        layers: of the weights file, by name.
        net: NetParameter.
        copies: the file's layer for a layer of the net, by the latter's name.
            They go before the layer's own name, which goes before
            nets.SECOND_BRANCH.
    """
    plan = Plan()
    known = weight_shapes(net)
    used = set()
    for message in layers_in_training(net):
        source = layers.get(_source_of(message.name, layers, copies))
        shapes = known.get(message.name)
        if source is not None:
            used.add(source.name)
            _start(plan, message, source, shapes)
        else:
            plan.rows += [
                Row(message.name, number, "", None, shape, "missing", "from its filler")
                for number, shape in enumerate(shapes or ())
            ]
    for name, layer in layers.items():
        if name not in used:
            plan.rows += _rows(name, layer, None, "skipped", "not in the net")
    return plan


def shape_text(shape: Dims | None) -> str:
    """A shape as 512x512x3x3; ? for a dimension that is not known."""
    if shape is None:
        return ""
    return "x".join("?" if n is None else str(n) for n in shape)


def _source_of(
    layer: str, layers: Mapping[str, Layer], copies: Mapping[str, str]
) -> str:
    """Name of the file's layer that a layer of the net starts from."""
    if layer in copies:
        return copies[layer]
    return layer if layer in layers else SECOND_BRANCH.get(layer, layer)


def _start(
    plan: Plan, message: Any, source: Layer, shapes: Sequence[Dims] | None
) -> None:
    """Adds a layer of the net that the file has weights for."""
    name = message.name
    if message.type in POSITION_KEEPERS:
        plan.rows += _rows(name, source, shapes, "skipped", "the batch number")
        return
    misfit = _misfit(message, source, shapes)
    if misfit:
        plan.misfits[name] = misfit
        plan.rows += _rows(name, source, shapes, "skipped", "does not fit")
        return
    why = "" if name == source.name else f"from {source.name}"
    plan.rows += _rows(name, source, shapes, "copied", why)
    ranks = map(len, shapes or map(blob_shape, source.blobs))
    plan.starts.append(Start(name, message.type, source, tuple(ranks)))


def _misfit(message: Any, source: Layer, shapes: Sequence[Dims] | None) -> str:
    """How a layer of the file differs from the net's; "" where it fits."""
    if source.type and source.type != message.type:
        return f"{source.type} in the file, {message.type} in the net"
    if shapes is None:  # Caffe looks at them when it loads the file
        return ""
    if len(source.blobs) != len(shapes):
        return f"blobs: {len(source.blobs)} in the file, {len(shapes)} in the net"
    for number, blob in enumerate(source.blobs):
        found, wanted = blob_shape(blob), shapes[number]
        if not _fits(found, wanted):
            return (
                f"blob {number}: {shape_text(found)} in the file, "
                f"{shape_text(wanted)} in the net"
            )
    return ""


def _fits(found: Dims, wanted: Dims) -> bool:
    """Whether a shape is the wanted one, but for ones in front of it."""
    if len(found) == 4:
        wanted = (1,) * (4 - len(wanted)) + wanted
    return len(found) == len(wanted) and all(
        b in (a, None) for a, b in zip(found, wanted, strict=True)
    )


def _rows(
    layer: str,
    source: Layer,
    shapes: Sequence[Dims] | None,
    done: Literal["copied", "skipped"],
    why: str,
) -> list[Row]:
    """A row for each blob that the file or the net has."""
    found = [blob_shape(blob) for blob in source.blobs]
    wanted = list(shapes or ())
    return [
        Row(
            layer,
            number,
            source.name,
            found[number] if number < len(found) else None,
            wanted[number] if number < len(wanted) else None,
            done,
            why,
        )
        for number in range(max(len(found), len(wanted)))
    ]


# Pretrained weights for a net's layers, the second branch's among them.
#
# Everything is checked before anything is written: the plan (plan.py), and
# that every value is a number.


SCHEMA = "drdl.init_weights/1"


@dataclass(frozen=True)
class Outcome:
    """What was written, and why.

    Attributes:
        rows: every blob of the net and of the file.
        misfits: by layer of the net, how its weights in the file differ.
        weights, net, output: the files.
    """

    rows: tuple[Row, ...]
    misfits: Mapping[str, str]
    weights: Path
    net: Path
    output: Path


def init_weights(
    weights: Path,
    net_path: Path,
    output: Path,
    *,
    copies: Mapping[str, str] | None = None,
    skip_mismatch: bool = False,
    overwrite: bool = False,
) -> Outcome:
    """Writes a caffemodel that starts a net from the weights of another.

    Args:
        weights: caffemodel of any form.
        net_path: prototxt of the net to start.
        output: caffemodel to make, for `caffe train --weights`.
        copies: the file's layer for a layer of the net, by the latter's name.
        skip_mismatch: leave out layers that do not fit, which is else an error.
        overwrite: whether an output that exists is replaced.

    Raises:
        InputError: what the readers and the writer refuse, copies of or to
            layers that are not there, layers that do not fit, values that are
            not finite, or nothing to copy.
    """
    refuse_existing(output, overwrite=overwrite)
    net = read_net(net_path)
    layers = read_weights(weights)
    _check_copies(copies or {}, net, net_path, layers, weights)
    plan = make_plan(layers, net, copies or {})
    if plan.misfits and not skip_mismatch:
        raise _refused(plan, weights, net_path)
    if not plan.starts:
        raise InputError(
            f"no layer of the net {net_path} starts from it; "
            f"its layers are {', '.join(layers)}",
            weights,
            "check both files, or name layers with --copy",
        )
    for source in {start.source.name: start.source for start in plan.starts}.values():
        _check_finite(source, weights)
    write_weights(output, net.name, map(_blobs, plan.starts), overwrite=overwrite)
    return Outcome(tuple(plan.rows), plan.misfits, weights, net_path, output)


def parse_copies(texts: Sequence[str]) -> dict[str, str]:
    """The copies of texts such as "conv4=conv4_2", by layer of the net.

    Raises:
        ValueError: a text is not of that form, or two copy to one layer.
    """
    copies: dict[str, str] = {}
    for text in texts:
        source, _, target = text.partition("=")
        if not source or not target:
            raise ValueError(f"{text!r}; expected FILE_LAYER=NET_LAYER")
        if target in copies:
            raise ValueError(f"two copies to {target!r}")
        copies[target] = source
    return copies


def outcome_table(outcome: Outcome) -> Table:
    """Every blob, its shapes, and what was done with it."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("layer", "blob", "in the file", "in the net", "done"):
        table.add_column(title, overflow="fold")
    for row in outcome.rows:
        table.add_row(
            Text(row.layer),
            str(row.blob),
            shape_text(row.found),
            shape_text(row.wanted),
            Text(row.done + (f": {row.why}" if row.why else "")),
        )
    return table


def outcome_notes(outcome: Outcome) -> list[str]:
    """What differs, and the sums; a line each."""
    number = Counter(row.done for row in outcome.rows)
    return [
        *(f"{layer}: {how}" for layer, how in outcome.misfits.items()),
        f"{outcome.output}: {number['copied']} blobs copied, "
        f"{number['skipped']} skipped, {number['missing']} missing",
    ]


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """All of it, for machines."""
    files = {
        name: {"path": str(path), "sha256": file_sha256(path)}
        for name, path in (
            ("weights", outcome.weights),
            ("net", outcome.net),
            ("output", outcome.output),
        )
    }
    return {
        "schema": SCHEMA,
        "pydrdl": __version__,
        **files,
        "blobs": [asdict(row) for row in outcome.rows],
        "misfits": dict(outcome.misfits),
    }


def _blobs(start: Start) -> tuple[str, str, list[Float32]]:
    """A layer's name, type and blobs as they are written."""
    blobs = []
    for blob, rank in zip(start.source.blobs, start.ranks, strict=True):
        shape = blob_shape(blob)
        # The old form has ones in front, which Caffe takes in the old form only.
        blobs.append(blob_values(blob).reshape(shape[len(shape) - rank :]))
    return start.layer, start.type, blobs


def _check_copies(
    copies: Mapping[str, str],
    net: Any,
    net_path: Path,
    layers: Mapping[str, Layer],
    weights: Path,
) -> None:
    """Raises InputError for a copy of or to a layer that is not there."""
    targets = [layer.name for layer in layers_in_training(net)]
    for target, source in copies.items():
        for name, there, where in (
            (source, [*layers], weights),
            (target, targets, net_path),
        ):
            if name not in there:
                raise InputError(
                    f"--copy {source}={target}: no layer {name!r} among "
                    f"{', '.join(there)}",
                    where,
                    "give FILE_LAYER=NET_LAYER",
                )


def _refused(plan: Plan, weights: Path, net_path: Path) -> InputError:
    """The error for layers that do not fit."""
    (layer, how), *others = plan.misfits.items()
    names = ", ".join(name for name, _ in others)
    more = f"; does not fit either: {names}" if names else ""
    return InputError(
        f"layer {layer!r} does not fit; {how}{more}",
        f"{weights}, {net_path}",
        "take the weights of a net of these sizes, or let such layers start from "
        "their fillers with --skip-mismatch",
    )


def _check_finite(layer: Layer, where: Path) -> None:
    """Raises InputError where a weight is NaN or infinite."""
    for number, blob in enumerate(layer.blobs):
        values = blob_values(blob)
        bad = values.size - int(np.isfinite(values).sum())
        if bad:
            raise InputError(
                f"{bad:,} of {values.size:,} values of blob {number} of layer "
                f"{layer.name!r} are NaN or infinite",
                where,
                "take the weights of an earlier iteration, or get the file again",
            )

"""Pretrained weights for a net's layers, the second branch's among them.

Everything is checked before anything is written: the plan (plan.py), and
that every value is a number.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from pydrdl import __version__
from pydrdl.errors import InputError
from pydrdl.file_hash import file_sha256
from pydrdl.outputs import refuse_existing
from pydrdl.weights.caffemodel import (
    Float32,
    Layer,
    blob_shape,
    blob_values,
    read_weights,
    write_weights,
)
from pydrdl.weights.plan import Plan, Row, Start, make_plan, shape_text
from pydrdl.weights.shapes import layers_in_training, read_net

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

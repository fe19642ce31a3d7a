"""Pretrained weights for a net's layers, the second branch's among them.

Caffe copies weights by layer name. VGG_CNN_M has one conv4 to fc7; the mixed
difference net has them twice (Sec. 3.3). Everything is checked before anything is
written: which layer starts from which, and that every value is a number.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from pydrdl import __version__
from pydrdl.errors import InputError
from pydrdl.files import file_sha256, refuse_existing, refuse_inputs
from pydrdl.messages import caffe_pb2
from pydrdl.nets.caffemodel import (
    Dims,
    StoredLayer,
    WantedLayer,
    blob_shape,
    blob_values,
    fits,
    read_weights,
    wanted_layers,
    write_weights,
)
from pydrdl.nets.structures import SECOND_BRANCH
from pydrdl.pycaffe import read_net

SCHEMA = "drdl.init_weights/1"
# Their blob is the number of the next batch, which a new training starts at 0.
POSITION_KEEPERS = frozenset({"PairSetData"})
Done = Literal["copied", "skipped", "missing"]


@dataclass(frozen=True)
class BlobRow:
    """What is done with one blob."""

    layer: str  # the net's; of a layer that only the file has, the file's
    blob: int  # its number in the layer
    source: str  # the layer of the file that it comes from; "" for none
    found: Dims | None  # its shape in the file; None where the file has none
    wanted: Dims | None  # its shape in the net; None where the net has none
    done: Done  # copied, skipped (what the file has) or missing (what it has not)
    why: str  # the reason; "" for a copy by name


@dataclass
class Outcome:
    """What a net starts from."""

    # The files.
    weights: Path
    net: Path
    output: Path
    # Every blob, in the net's order, then the file's.
    rows: list[BlobRow] = field(default_factory=list)
    # By layer of the net, how its weights in the file differ.
    misfits: dict[str, str] = field(default_factory=dict)


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
        copies: the file's layer for a layer of the net, by the latter's name. They
            go before the layer's own name, which goes before SECOND_BRANCH.
        skip_mismatch: leave out layers that do not fit, which is else an error.
        overwrite: whether an output that exists is replaced.

    Raises:
        InputError: what the readers, Caffe and the writer refuse, copies of or to
            layers that are not there, layers that do not fit, values that are
            not finite, or nothing to copy.
    """
    refuse_existing(output, overwrite=overwrite)
    refuse_inputs([output], weights, net_path)
    net = read_net(net_path)
    wanted = wanted_layers(net, net_path)
    layers = read_weights(weights)
    copies = copies or {}
    for target, source in copies.items():
        _check_there(source, layers, f"--copy {source}={target}", weights)
        _check_there(target, wanted, f"--copy {source}={target}", net_path)
    outcome = Outcome(weights, net_path, output)
    copied = _decide(outcome, layers, wanted, copies)
    if outcome.misfits and not skip_mismatch:
        raise _refused(outcome)
    if not copied:
        raise InputError(
            f"no layer of the net {net_path} starts from it; "
            f"its layers are {', '.join(layers)}",
            weights,
            "check both files, or name layers with --copy",
        )
    for layer in {layer.name: layer for layer in copied.values()}.values():
        _check_finite(layer, weights)
    write_weights(output, _pieces(net.name, copied, wanted), overwrite=overwrite)
    return outcome


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
            _shape_text(row.found),
            _shape_text(row.wanted),
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
    names = ("weights", "net", "output")
    paths = {name: getattr(outcome, name) for name in names}
    return {
        "schema": SCHEMA,
        "pydrdl": __version__,
        **{n: {"path": str(p), "sha256": file_sha256(p)} for n, p in paths.items()},
        "blobs": [asdict(row) for row in outcome.rows],
        "misfits": outcome.misfits,
    }


def _decide(
    outcome: Outcome,
    layers: Mapping[str, StoredLayer],
    wanted: Mapping[str, WantedLayer],
    copies: Mapping[str, str],
) -> dict[str, StoredLayer]:
    """Returns what is copied, by layer of the net; writes all into the outcome."""
    copied: dict[str, StoredLayer] = {}
    used = set()
    for name, layer in wanted.items():
        own = name if name in layers else SECOND_BRANCH.get(name, name)
        source = layers.get(copies.get(name, own))
        done: Done = "skipped"
        if source is None:
            done, why = "missing", "from its filler"
        elif layer.type in POSITION_KEEPERS:
            why = "the batch number"
        elif misfit := _misfit(source, layer):
            outcome.misfits[name] = misfit
            why = "does not fit"
        else:
            copied[name] = source
            done, why = "copied", "" if name == source.name else f"from {source.name}"
        outcome.rows += _rows(name, source, layer.shapes, done, why)
        used.add(source and source.name)
    for name, source in layers.items():
        if name not in used:
            outcome.rows += _rows(name, source, (), "skipped", "not in the net")
    return copied


def _rows(
    layer: str, source: StoredLayer | None, wanted: Sequence[Dims], done: Done, why: str
) -> Iterator[BlobRow]:
    """A row for each blob that the file or the net has."""
    found = map(blob_shape, source.blobs if source else ())
    name = source.name if source else ""
    for number, (has, wants) in enumerate(zip_longest(found, wanted)):
        yield BlobRow(layer, number, name, has, wants, done, why)


def _misfit(source: StoredLayer, layer: WantedLayer) -> str:
    """How a layer of the file differs from the net's; "" where it fits."""
    if source.type and source.type != layer.type:
        return f"{source.type} in the file, {layer.type} in the net"
    if len(source.blobs) != len(layer.shapes):
        return f"blobs: {len(source.blobs)} in the file, {len(layer.shapes)} in the net"
    for number, wanted in enumerate(layer.shapes):
        found = blob_shape(source.blobs[number])
        if not fits(found, wanted):
            return (
                f"blob {number}: {_shape_text(found)} in the file, "
                f"{_shape_text(wanted)} in the net"
            )
    return ""


def _shape_text(shape: Dims | None) -> str:
    """A shape as 512x512x3x3; ? for a dimension that is not known."""
    return "x".join("?" if n is None else str(n) for n in shape or ())


def _pieces(
    name: str, copied: Mapping[str, StoredLayer], wanted: Mapping[str, WantedLayer]
) -> Iterator[Any]:
    """The net's name, then every layer that is copied, in today's form."""
    yield caffe_pb2.NetParameter(name=name)
    for layer, source in copied.items():
        piece = caffe_pb2.NetParameter()
        copy = piece.layer.add(name=layer, type=wanted[layer].type)
        for blob, shape in zip(source.blobs, wanted[layer].shapes, strict=True):
            # Without the ones in front, which Caffe takes in the old form only.
            dims = blob_shape(blob)
            values = copy.blobs.add(shape={"dim": dims[len(dims) - len(shape) :]}).data
            if blob.double_data:
                values.extend(blob.double_data)
            else:  # a repeated field is copied at once
                values.MergeFrom(blob.data)
        yield piece


def _check_there(name: str, there: Mapping[str, Any], option: str, where: Path) -> None:
    """Raises InputError for a copy of or to a layer that is not there."""
    if name not in there:
        what = f"{option}: no layer {name!r} among {', '.join(there)}"
        raise InputError(what, where, "give FILE_LAYER=NET_LAYER")


def _refused(outcome: Outcome) -> InputError:
    """The error for layers that do not fit."""
    (layer, how), *others = outcome.misfits.items()
    names = ", ".join(name for name, _ in others)
    more = f"; does not fit either: {names}" if names else ""
    return InputError(
        f"layer {layer!r} does not fit; {how}{more}",
        f"{outcome.weights}, {outcome.net}",
        "take the weights of a net of these sizes, or let such layers start from "
        "their fillers with --skip-mismatch",
    )


def _check_finite(layer: StoredLayer, where: Path) -> None:
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

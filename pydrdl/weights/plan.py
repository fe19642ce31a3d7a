"""Decides which of a file's layers each layer of a net starts from.

Caffe copies weights by layer name. VGG_CNN_M has one conv4 to fc7; the mixed
difference net has them twice (Sec. 3.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydrdl.nets.structures import SECOND_BRANCH
from pydrdl.weights.caffemodel import Layer, blob_shape
from pydrdl.weights.shapes import Dims, layers_in_training, weight_shapes

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

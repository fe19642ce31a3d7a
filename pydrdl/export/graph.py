"""An ONNX graph as it grows, layer by layer of a Caffe net."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

OPSET = 17


@dataclass
class Graph:
    """Nodes and constants, and which value each of Caffe's blobs has so far.

    Layers of Caffe may work in place; in ONNX every value has a name of its own.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)  # by blob
    scalars: set[str] = field(default_factory=set)  # constants of one number
    _names: dict[str, int] = field(default_factory=dict)

    def name(self, wanted: str) -> str:
        """The name, with a number where it is taken."""
        number = self._names[wanted] = self._names.get(wanted, -1) + 1
        return f"{wanted}.{number}" if number else wanted

    def constant(self, array: Any, wanted: str) -> str:
        """Adds a tensor; gives its name."""
        name = self.name(wanted)
        if np.ndim(array) == 0:
            self.scalars.add(name)
        self.constants.append(
            numpy_helper.from_array(np.ascontiguousarray(array), name)
        )
        return name

    def node(
        self, kind: str, inputs: Sequence[str], wanted: str, **attributes: Any
    ) -> str:
        """Adds a node with one output; gives its name."""
        (output,) = self.nodes_outputs(kind, inputs, [wanted], **attributes)
        return output

    def nodes_outputs(
        self, kind: str, inputs: Sequence[str], wanted: Sequence[str], **attributes: Any
    ) -> list[str]:
        """Adds a node with several outputs; gives their names."""
        outputs = [self.name(one) for one in wanted]
        self.nodes.append(
            helper.make_node(kind, list(inputs), outputs, outputs[0], **attributes)
        )
        return outputs

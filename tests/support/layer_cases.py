"""A small net for each type of layer that is exported, and each of its cases."""

import json
from pathlib import Path

import numpy as np

from pydrdl.features.extract import Extractor, open_extractor

CHANNELS, SIDE = 6, 11
FILL = "weight_filler { type: 'xavier' } bias_filler { type: 'gaussian' std: 0.5 }"
# Types and their parameters; several where the computation has cases.
LAYERS: dict[str, tuple[str, str]] = {
    "convolution": ("Convolution", "num_output: 4 kernel_size: 3 " + FILL),
    "convolution, group, stride, pad": (
        "Convolution",
        "num_output: 4 kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 2 group: 2 "
        "weight_filler { type: 'xavier' } bias_term: false",
    ),
    "convolution, dilated": (
        "Convolution",
        "num_output: 4 kernel_size: 3 dilation: 2 " + FILL,
    ),
    "deconvolution": (
        "Deconvolution",
        "num_output: 4 kernel_size: 3 stride: 2 pad: 1 " + FILL,
    ),
    "inner product": ("InnerProduct", "num_output: 5 " + FILL),
    "inner product, transposed": (
        "InnerProduct",
        "num_output: 5 transpose: true " + FILL,
    ),
    "ReLU": ("ReLU", ""),
    "leaky ReLU": ("ReLU", "negative_slope: 0.1"),
    "PReLU": ("PReLU", "filler { type: 'uniform' max: 0.5 }"),
    "PReLU, shared": ("PReLU", "channel_shared: true"),
    "sigmoid": ("Sigmoid", ""),
    "tanh": ("TanH", ""),
    "absolute value": ("AbsVal", ""),
    "BNLL": ("BNLL", ""),
    "ELU": ("ELU", "alpha: 0.5"),
    "power": ("Power", "power: 2 scale: 0.3 shift: 1.5"),
    "LRN": ("LRN", "local_size: 5 alpha: 2 beta: 0.75 k: 2"),
    "LRN, k 1": ("LRN", "local_size: 3 alpha: 0.5 beta: 0.5"),
    "max pooling, rounded up": ("Pooling", "kernel_size: 3 stride: 3"),
    "max pooling, pad": ("Pooling", "kernel_size: 3 stride: 2 pad: 1"),
    "max pooling, rounded down": (
        "Pooling",
        "kernel_size: 2 stride: 3 round_mode: FLOOR",
    ),
    "average pooling, edges": ("Pooling", "pool: AVE kernel_size: 4 stride: 3 pad: 1"),
    "average pooling, rounded up": (
        "Pooling",
        "pool: AVE kernel_h: 2 kernel_w: 5 stride: 2",
    ),
    "average pooling, all": ("Pooling", "pool: AVE global_pooling: true"),
    "max pooling, all": ("Pooling", "global_pooling: true"),
    "batch norm": ("BatchNorm", ""),
    "scale": (
        "Scale",
        "bias_term: true filler { type: 'gaussian' } bias_filler { type: 'gaussian' }",
    ),
    "scale, no bias": ("Scale", "filler { type: 'gaussian' }"),
    "bias": ("Bias", "filler { type: 'gaussian' }"),
    "flatten": ("Flatten", ""),
    "reshape": ("Reshape", "shape { dim: 0 dim: 3 dim: -1 }"),
    "softmax": ("Softmax", ""),
    "dropout": ("Dropout", "dropout_ratio: 0.5"),
    "L2": ("L2Normalize", ""),
}


def layer_of(kind: str, parameters: str) -> str:
    """A layer "own" of the blob "wide"; all its parameters are its type's."""
    names = {"Deconvolution": "convolution", "InnerProduct": "inner_product"}
    field = f"{names.get(kind, kind.lower())}_param"
    own = f"{field} {{ {parameters} }}" if parameters else ""
    return f'layer {{ name: "own" type: "{kind}" bottom: "wide" top: "own" {own} }}'


HEAD = f"""
layer {{ name: "data" type: "Input" top: "data"
  input_param {{ shape {{ dim: 1 dim: 3 dim: {SIDE} dim: {SIDE} }} }} }}
layer {{ name: "wide" type: "Convolution" bottom: "data" top: "wide"
  convolution_param {{ num_output: {CHANNELS} kernel_size: 1
    weight_filler {{ type: "gaussian" std: 0.02 }}
    bias_filler {{ type: "gaussian" std: 1 }} }} }}
"""


def opened(folder: Path, layers: str, layer: str | None = None) -> Extractor:
    """A net of 11 x 11 pixels whose layers follow a convolution, "wide"."""
    net = folder / "deploy.prototxt"
    net.write_text(HEAD + layers)
    made = {"resize": SIDE + 2, "crop": SIDE, "mean": [104, 117, 123], "scale": 0.5}
    (folder / "preprocess.json").write_text(json.dumps(made))
    extractor = open_extractor(net, untrained=3, layer=layer)
    kinds = dict(zip(extractor.net._layer_names, extractor.net.layers, strict=True))
    random = np.random.default_rng(1)
    for name, blobs in extractor.net.params.items():
        if kinds[name].type == "BatchNorm":
            blobs[0].data[...] = random.standard_normal(blobs[0].data.shape)
            blobs[1].data[...] = random.uniform(0.5, 2, blobs[1].data.shape) * 3
            blobs[2].data[...] = 3
    return extractor


def images(count: int = 5) -> list[np.ndarray]:
    shape = count, SIDE + 2, SIDE + 2, 3
    return list(np.random.default_rng(2).integers(0, 256, shape, np.uint8))


# Layers of several blobs, behind the same convolution.
SEVERAL = dict(zip(
    ("slice, concat", "sum", "product", "max", "in place"),
    (
        """layer { name: "s" type: "Slice" bottom: "wide" top: "a" top: "b"
             slice_param { slice_point: 2 } }
           layer { name: "c" type: "Concat" bottom: "b" bottom: "a" top: "c" }""",
        """layer { name: "s" type: "Slice" bottom: "wide" top: "a" top: "b" }
           layer { name: "c" type: "Eltwise" bottom: "b" bottom: "a" top: "c"
             eltwise_param { coeff: 2 coeff: -0.5 } }""",
        """layer { name: "r" type: "ReLU" bottom: "wide" top: "r" }
           layer { name: "c" type: "Eltwise" bottom: "wide" bottom: "r" top: "c"
             eltwise_param { operation: PROD } }""",
        """layer { name: "t" type: "TanH" bottom: "wide" top: "t" }
           layer { name: "c" type: "Eltwise" bottom: "wide" bottom: "t" top: "c"
             eltwise_param { operation: MAX } }""",
        # In place, and the value of before is used as well.
        """layer { name: "c" type: "TanH" bottom: "wide" top: "c" }
           layer { name: "p" type: "Power" bottom: "c" top: "c"
             power_param { shift: 2 } }
           layer { name: "q" type: "Power" bottom: "c" top: "c"
             power_param { scale: 3 } }""",
    ),
    strict=True,
))  # fmt: skip

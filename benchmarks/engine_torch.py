"""Times the iterations of a Caffe net in PyTorch, on the CPU.

    python benchmarks/engine_torch.py NET.prototxt INPUTS.h5 ITERATIONS

Prints seconds of the median iteration: forward, backward, and the step of SGD.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import torch
from loss_torch import coupled_clusters
from torch import Tensor, nn
from torch.nn import functional

from pydrdl.pycaffe import read_net

Blobs = dict[str, Tensor]


def _pair(values: Any, default: int) -> tuple[int, int]:
    found = list(values) or [default]
    return int(found[0]), int(found[-1])


def module(layer: Any, bottom: Tensor) -> nn.Module | Callable[..., Tensor]:
    """What computes a layer as Caffe does, with weights of the same shapes.

    Args:
        layer: LayerParameter.
        bottom: its first, whose channels the weights are for.

    Raises:
        ValueError: a type that is not here.
    """
    channels = bottom.shape[1] if bottom.dim() > 1 else 1
    if layer.type == "Convolution":
        p = layer.convolution_param
        return nn.Conv2d(
            channels,
            p.num_output,
            _pair(p.kernel_size, 1),
            _pair(p.stride, 1),
            _pair(p.pad, 0),
            _pair(p.dilation, 1),
            p.group,
            p.bias_term,
        )
    if layer.type == "InnerProduct":
        p = layer.inner_product_param
        return nn.Sequential(
            nn.Flatten(), nn.Linear(bottom[0].numel(), p.num_output, p.bias_term)
        )
    if layer.type == "Pooling":
        p = layer.pooling_param
        kind = nn.MaxPool2d if p.pool == p.MAX else nn.AvgPool2d
        return kind(p.kernel_size, p.stride, p.pad, ceil_mode=True)
    if layer.type == "LRN":
        p = layer.lrn_param
        return nn.LocalResponseNorm(p.local_size, p.alpha, p.beta, p.k)
    if layer.type == "BatchNorm":
        return (
            nn.BatchNorm2d(channels) if bottom.dim() == 4 else nn.BatchNorm1d(channels)
        )
    if layer.type == "Dropout":
        return nn.Dropout(layer.dropout_param.dropout_ratio)
    simple: dict[str, Callable[..., Tensor]] = {
        "ReLU": functional.relu,
        "L2Normalize": functional.normalize,
        "Concat": lambda *parts: torch.cat(parts, 1),
    }
    if layer.type not in simple:
        raise ValueError(f"no {layer.type} here")
    return simple[layer.type]


class Net(nn.Module):
    """The layers of a net in their order; its losses, weighted and summed."""

    def __init__(self, message: Any, blobs: Blobs) -> None:
        super().__init__()
        self.message, self.learned = message, nn.ModuleDict()
        self.work: dict[str, Callable[..., Tensor]] = {}
        blobs = dict(blobs)
        for layer in self._layers():
            if layer.type.endswith("Loss"):
                continue
            work = module(layer, blobs[layer.bottom[0]])
            if isinstance(work, nn.Module):
                self.learned[layer.name] = work
            self.work[layer.name] = work
            blobs[layer.top[0]] = work(*(blobs[name] for name in layer.bottom))

    def _layers(self) -> list[Any]:
        return [
            layer
            for layer in self.message.layer
            if layer.type != "HDF5Data" and not layer.include
        ]

    def forward(self, blobs: Blobs) -> Tensor:
        """The sum of the losses."""
        blobs, total = dict(blobs), torch.zeros(())
        for layer in self._layers():
            bottoms = [blobs[name] for name in layer.bottom]
            if layer.type == "CoupledClustersLoss":
                loss = coupled_clusters(bottoms[0], hold_centre=False)
            elif layer.type == "SoftmaxWithLoss":
                loss = functional.cross_entropy(bottoms[0], bottoms[1].long())
            else:
                blobs[layer.top[0]] = self.work[layer.name](*bottoms)
                continue
            total = total + (layer.loss_weight[0] if layer.loss_weight else 1) * loss
        return total


def main(net: Path, inputs: Path, iterations: int) -> float:
    """Seconds of the median iteration; one before is not counted."""
    with h5py.File(inputs) as file:
        blobs = {name: torch.from_numpy(values[()]) for name, values in file.items()}
    model = Net(read_net(net), blobs)
    step = torch.optim.SGD(model.parameters(), 1e-8, 0.9, weight_decay=0.0002)
    seconds = []
    for _ in range(iterations + 1):
        start = time.perf_counter()
        step.zero_grad()
        model(blobs).backward()
        step.step()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))

"""The same losses as a PyTorch user would write them, for autograd to derive."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from loss_work import CLUSTERS, MARGIN, POSITIVES, ROWS, Work
from torch import Tensor

Loss = Callable[[Tensor], Tensor]


def loss_of(work: Work, device: str) -> Loss:
    """The loss as a function of the features (sets * ROWS x D)."""
    if work.way in CLUSTERS:
        return partial(coupled_clusters, hold_centre=work.way == "CENTER_CONSTANT")
    if work.way == "HARD":
        return hard_triplets
    assert work.triplets is not None
    drawn = torch.from_numpy(work.triplets).to(device)
    return partial(triplets, rows=drawn)


def coupled_clusters(features: Tensor, hold_centre: bool) -> Tensor:
    """Eq. (6), summed over a set, averaged over sets."""
    sets = features.view(-1, ROWS, features.shape[1])
    positive, negative = sets[:, :POSITIVES], sets[:, POSITIVES:]
    centre = positive.mean(1, keepdim=True)  # Eq. (4)
    if hold_centre:
        centre = centre.detach()
    to_centre = (positive - centre).square().sum(2)
    to_nearest = (negative - centre).square().sum(2).min(1, keepdim=True).values
    hinge = (to_centre + MARGIN - to_nearest).clamp_min(0)
    return hinge.sum() / (2 * len(sets))


def triplets(features: Tensor, rows: Tensor) -> Tensor:
    """Eq. (3) of given triplets (T x 3), which are not drawn here."""
    anchor, positive, negative = (features[column] for column in rows.unbind(1))
    to_positive = (anchor - positive).square().sum(1)
    to_negative = (anchor - negative).square().sum(1)
    hinge = (to_positive + MARGIN - to_negative).clamp_min(0)
    return hinge.sum() / (len(features) // ROWS)


def hard_triplets(features: Tensor) -> Tensor:
    """Eq. (3) of the farthest positive and the nearest negative of each anchor."""
    sets = features.view(-1, ROWS, features.shape[1])
    with torch.no_grad():
        distance = torch.cdist(sets[:, :POSITIVES], sets)  # sets x anchors x ROWS
        farthest = distance[:, :, :POSITIVES].argmax(2)
        nearest = distance[:, :, POSITIVES:].argmin(2) + POSITIVES
        anchor = torch.arange(POSITIVES, device=features.device).expand_as(nearest)
        first = ROWS * torch.arange(len(sets), device=features.device)
        rows = torch.stack([anchor, farthest, nearest], 2) + first[:, None, None]
    return triplets(features, rows.view(-1, 3))


class Pass:
    """Forward and backward of a loss over a batch on a device."""

    def __init__(self, loss: Loss, work: Work, device: str) -> None:
        self.loss = loss
        self.features = torch.tensor(work.features, device=device, requires_grad=True)
        self.value: Any = None

    def __call__(self) -> None:
        """One pass; the gradient is written anew, as Caffe's is."""
        self.features.grad = None
        self.value = self.loss(self.features)
        self.value.backward()

    def result(self) -> tuple[float, Any]:
        """Loss and gradient of the last pass."""
        grad = self.features.grad
        assert grad is not None
        return self.value.item(), grad.cpu().numpy()

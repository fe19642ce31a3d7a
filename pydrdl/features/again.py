"""The net that made features, opened once more."""

import json
import re
from pathlib import Path
from typing import Protocol

from pydrdl.errors import InputError
from pydrdl.features.extract import Extractor, open_extractor
from pydrdl.files import exists, file_sha256


class MadeBy(Protocol):
    """What made features, as their file or a gallery says it; see Source."""

    @property
    def net(self) -> str: ...  # noqa: D102
    @property
    def net_sha256(self) -> str: ...  # noqa: D102
    @property
    def weights(self) -> str: ...  # noqa: D102
    @property
    def weights_sha256(self) -> str: ...  # noqa: D102
    @property
    def layer(self) -> str: ...  # noqa: D102
    @property
    def preprocess(self) -> str: ...  # noqa: D102


def open_again(
    made: MadeBy,
    whose: str,
    *,
    net: Path | None = None,
    weights: Path | None = None,
    gpu: int | None = None,
    backward: bool = False,
    otherwise: str = "say with {} where it is",
) -> Extractor:
    """Opens the net that made features.

    Args:
        made: what is known of it.
        whose: features, for messages.
        net: deploy net; None: where it lay then.
        weights: the same of its weights.
        gpu: number of the GPU; None computes on the CPU.
        backward: see open_net.
        otherwise: what to do where a file is not there; {} becomes an option.

    Raises:
        InputError: net or weights are not there any more, or are others.
    """

    def as_before(given: Path | None, known: str, sha256: str, option: str) -> Path:
        path = Path(known) if given is None else given
        advice = otherwise.format(option)
        if not exists(path):
            what = f"what made {whose} is not there any more"
            raise InputError(what, path, advice)
        if file_sha256(path) != sha256:
            raise InputError(
                f"this file did not make {whose}: its SHA-256 is another",
                path,
                f"{advice}, or make them again",
            )
        return path

    net = as_before(net, made.net, made.net_sha256, "--net")
    seed = None
    if not made.weights_sha256:
        found = re.fullmatch(r"untrained, seed (\d+)", made.weights)
        seed = int(found[1]) if found else 0
    else:
        weights = as_before(weights, made.weights, made.weights_sha256, "--weights")
    images = json.loads(made.preprocess)
    return open_extractor(
        net,
        weights=weights,
        untrained=seed,
        layer=made.layer,
        resize=images["resize"],
        mean=images["mean"],
        gpu=gpu,
        backward=backward,
    )

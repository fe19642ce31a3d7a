"""One repeat of a re-identification split: who searches for whom."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, check_features
from pydrdl.protocols import reid
from pydrdl.protocols.split import Split
from pydrdl.ranking import Counts, count_closer
from pydrdl.report.results import Cmc

Float32 = NDArray[np.float32]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Search:
    """Probes and gallery of one repeat, by features.

    Attributes:
        method: name of the features' method.
        repeat: number of the repeat, from 0.
        split: hash of its split.
        names: (N,) images.
        vehicles: (N,) their vehicles.
        models: (N,) their models; -1 unlabelled.
        features: (N, D).
        probes: (P,) rows of the probes.
        gallery: (G,) rows of the gallery.
        match: (P,) position in gallery of each probe's vehicle.
        counts: how many others are closer than the match, and as far.
    """

    method: str
    repeat: int
    split: str
    names: Sequence[str]
    vehicles: Int
    models: Int
    features: Float32
    probes: Int
    gallery: Int
    match: Int
    counts: Counts


def find_split(content: FeatureSet, result: Cmc, given: Sequence[Split]) -> Split:
    """The split that a result is of: a given one, or drawn again from its seed.

    Raises:
        InputError: neither has the result's hash.
    """
    wanted = str(result.origin.split.get("sha256"))
    for split in given:
        if split.sha256 == wanted:
            return split
    seed = result.origin.split.get("seed")
    again: list[Split] = []
    if seed is not None:
        again.append(
            reid.draw_split(
                content.names,
                content.vehicle_ids,
                repeats=len(result.repeats),
                seed=int(seed),
            )
        )
    else:
        for camera in np.unique(content.camera_ids).tolist():
            if reid.camera_split_name(camera) == result.origin.split.get("name"):
                again.append(
                    reid.camera_split(
                        content.names, content.vehicle_ids, content.camera_ids, camera
                    )
                )
    for split in again:
        if split.sha256 == wanted:
            return split
    raise InputError(
        f"the split {wanted[:16]} of {result.origin.method!r} cannot be drawn again",
        result.origin.file,
        "give its file with --split-file",
    )


def make_search(
    result: Cmc, content: FeatureSet, split: Split, repeat: int, where: object
) -> Search:
    """Ranks one repeat.

    Args:
        result: what eval_cmc.py found.
        content: the features it found it for.
        split: its split.
        repeat: which gallery, from 0.
        where: the features file, for messages.

    Raises:
        InputError: no such repeat, or features that cannot be ranked.
    """
    if not 0 <= repeat < len(split.gallery):
        raise InputError(
            f"there is no repeat {repeat}; the split of {result.origin.method!r} has "
            f"{len(split.gallery)}, from 0",
            "--repeat",
            "name one of them",
        )
    check_features(content.features, content.names, where)
    rows = split.rows_in(content.names, content.vehicle_ids, where)
    vehicles = np.array(split.vehicle_ids, np.int64)
    gallery = np.array(split.gallery[repeat], np.int64)
    probes = np.setdiff1d(np.arange(rows.size), gallery)
    order = np.argsort(vehicles[gallery])
    match = order[np.searchsorted(vehicles[gallery][order], vehicles[probes])]
    features = content.features[rows]
    return Search(
        result.origin.method,
        repeat,
        split.sha256,
        split.images,
        vehicles,
        content.model_ids[rows],
        features,
        probes,
        gallery,
        match,
        count_closer(features[probes], features[gallery], match),
    )

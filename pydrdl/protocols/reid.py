"""Vehicle re-identification (paper, Sec. 5.3; Tables 5 and 6, Fig. 10).

In each repeat one image of every vehicle is the gallery and all other images
are probes. A probe is matched by squared L2 distance; CMC(k) is the fraction of
probes, not of vehicles, whose vehicle is among the k nearest. The paper draws
the gallery at random and repeats 10 times.
"""

from collections.abc import Sequence

import numpy as np

from pydrdl.arrays import Float32, Float64, Int
from pydrdl.errors import InputError
from pydrdl.features import check_features
from pydrdl.metrics import Matches, Ties, cmc_from_counts
from pydrdl.parallel import Progress, unseen
from pydrdl.protocols import Curve, Curves, DrawnScores, ProbeTies, over_repeats
from pydrdl.protocols.split import Split, draw_galleries, sorted_images
from pydrdl.ranking import Trial, rank_matches, same_vehicle

PROTOCOL = "reid"
MAX_RANK = 50  # Fig. 10


class ReidResult(DrawnScores):
    """What one set of features scores."""

    cmc: Curves  # expected, ranks 1 .. 50
    ties: ProbeTies[Curve | None]  # curves; None where luck changes nothing


def draw_split(
    names: Sequence[str], vehicle_ids: Int, *, repeats: int = 10, seed: int = 0
) -> Split:
    """Draws one image of each vehicle in every repeat (Sec. 5.3); see draw_galleries.

    Raises:
        InputError: no image, a name twice, no vehicle with two images.
    """
    images, vehicles = sorted_images(names, vehicle_ids)
    ids, counts = np.unique(vehicles, return_counts=True)
    if counts.max() < 2:
        what = f"none of the {ids.size:,} vehicles has two images: there is no probe"
        advice = "give a set with several images of a vehicle"
        raise InputError(what, "vehicle_id", advice)
    return Split(
        "one random image of each vehicle",
        seed,
        images,
        tuple(vehicles.tolist()),
        draw_galleries(vehicles, np.ones_like(counts), repeats=repeats, seed=seed),
    )


def camera_split(
    names: Sequence[str], vehicle_ids: Int, camera_ids: Int, gallery_camera: int
) -> Split:
    """Takes the images of one camera as the gallery, all others as probes.

    Raises:
        InputError: no image, a name twice; the camera or a probe's vehicle has
            no image there, or a vehicle has several.
    """
    images, vehicles = sorted_images(names, vehicle_ids)
    order = np.argsort(np.array(names))
    in_gallery = camera_ids[order] == gallery_camera
    where = f"--gallery-camera {gallery_camera}"
    if not in_gallery.any() or in_gallery.all():
        known = ", ".join(map(str, np.unique(camera_ids)[:20]))
        share = "all images are" if in_gallery.any() else "no image is"
        what = f"{share} of camera {gallery_camera}; the cameras are {known}"
        advice = "name one of several cameras, or leave the option out"
        raise InputError(what, where, advice)
    ids, counts = np.unique(vehicles[in_gallery], return_counts=True)
    if counts.max() > 1:
        raise InputError(
            f"camera {gallery_camera} saw vehicle {ids[counts.argmax()]} "
            f"{counts.max()} times; the gallery holds one image of a vehicle",
            where,
            "leave the option out to draw one image of each vehicle",
        )
    lost = np.setdiff1d(vehicles[~in_gallery], ids)
    if lost.size:
        raise InputError(
            f"camera {gallery_camera} never saw {lost.size:,} vehicles that other "
            f"cameras saw, such as {lost[0]}: their images have no match",
            where,
            "name a camera that saw all, or leave the option out",
        )
    gallery = tuple(np.flatnonzero(in_gallery).tolist())
    return Split(
        camera_split_name(gallery_camera),
        None,
        images,
        tuple(vehicles.tolist()),
        (gallery,),
    )


def camera_split_name(gallery_camera: int) -> str:
    """The name of camera_split's splits."""
    return f"the images of camera {gallery_camera}"


def evaluate(
    features: Float32,
    names: Sequence[str],
    vehicle_ids: Int,
    split: Split,
    *,
    gallery_features: Float32 | None = None,
    where: object = "features",
    progress: Progress = unseen,
) -> ReidResult:
    """Scores features on a split.

    Args:
        features: (N, D) of any norm.
        names: (N,) image names; their order need not be the split's.
        vehicle_ids: (N,) vehicle of each image.
        split: who is in the gallery, in each repeat.
        gallery_features: (N, D) of the same images where they lie elsewhere as
            gallery items than as probes: another measure, written as L2.
        where: the features file, for messages.
        progress: wraps the blocks of probes, for a progress bar.

    Raises:
        InputError: a feature is not finite or all zero, the split is of
            another set, or a repeat has no probe or not one image a vehicle.
    """
    apart = gallery_features is not None
    check_features(features, names, where, zeros=apart)
    if gallery_features is not None:
        check_features(gallery_features, names, where, zeros=apart)
    rows = split.rows_in(names, vehicle_ids, where)
    vehicles = np.array(split.vehicle_ids, np.int64)
    trials = [_trial(vehicles, chosen) for chosen in split.gallery]
    features = features[rows]
    gallery = features if gallery_features is None else gallery_features[rows]
    counted = rank_matches(
        features, gallery, trials, what=f"CMC of {where}", progress=progress
    )
    equal = np.concatenate([c.equal for c in counted])
    _, images = np.unique(vehicles, return_counts=True)
    best = _curves(counted, "optimistic").mean(axis=0).tolist()
    worst = _curves(counted, "pessimistic").mean(axis=0).tolist()
    return ReidResult(
        gallery=len(split.gallery[0]),
        probes=trials[0].probes.size,
        vehicles_without_probe=int((images == 1).sum()),
        cmc=Curves(**over_repeats(_curves(counted, "expected"))),
        ties=ProbeTies(
            probes=float((equal > 0).mean()),
            mean_equal=float(equal.mean()),
            optimistic=None if best == worst else best,
            pessimistic=None if best == worst else worst,
        ),
    )


def _trial(vehicles: Int, chosen: Sequence[int]) -> Trial:
    """One repeat; rows are the split's images."""
    gallery = np.array(chosen, np.int64)
    probes = np.setdiff1d(np.arange(vehicles.size), gallery)
    ids = np.unique(vehicles)
    if not probes.size or not np.array_equal(np.sort(vehicles[gallery]), ids):
        raise InputError(
            f"a gallery of {gallery.size:,} images leaves {probes.size:,} probes; "
            f"expected one image of each of {ids.size:,} vehicles",
            "the split",
            "draw a new split",
        )
    return Trial(probes, gallery, *same_vehicle(vehicles[probes], vehicles[gallery]))


def _curves(counted: Sequence[Matches], ties: Ties) -> Float64:
    """(repeats, 50)."""
    return np.stack(
        [
            cmc_from_counts(c.closer, c.equal, max_rank=MAX_RANK, ties=ties)
            for c in counted
        ]
    )

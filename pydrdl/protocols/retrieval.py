"""Vehicle retrieval (paper, Sec. 5.2; Table 4): mean average precision.

The paper puts max{6, N - 1} of a vehicle's N images into the gallery, which
leaves no probe where N <= 6 and one where N >= 7. Its numbers were hardly made
so; the rules here are
  min6     min(6, N - 1) images; the default
  literal  max(6, N - 1), of vehicles with N > 6; the others' images all lie in
           the gallery, and their number is reported
  n-1      all images but one
A vehicle with one image is in the gallery, without a probe. A probe's matches
are all gallery images of its vehicle; MAP is the mean over probes. The paper
does not say how often it drew; as in Sec. 5.3, 10 times here.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from pydrdl.arrays import Float32, Int
from pydrdl.errors import InputError
from pydrdl.features import check_features
from pydrdl.metrics import Matches, Rule, Ties, average_precision_from_matches
from pydrdl.parallel import Progress, unseen
from pydrdl.protocols import DrawnScores, OverRepeats, ProbeTies, over_repeats
from pydrdl.protocols.split import Split, draw_galleries, sorted_images
from pydrdl.ranking import Trial, rank_matches, same_vehicle
from pydrdl.strict_json import Positive, Rate

PROTOCOL = "retrieval"
GalleryRule = Literal["min6", "literal", "n-1"]
RULES = get_args(GalleryRule)


class RetrievalResult(DrawnScores):
    """What one set of features scores; vehicles are whatever matches."""

    vehicles: Positive
    map: OverRepeats  # by steps, ties at their expectation
    map_trapezoid: OverRepeats
    ties: ProbeTies[Rate]


def gallery_sizes(counts: Int, rule: GalleryRule) -> Int:
    """How many of each vehicle's images, (V,) at least 1, lie in the gallery.

    Raises:
        ValueError: this module's head has no such rule.
    """
    if rule == "min6":
        sizes = np.minimum(6, counts - 1)
    elif rule == "literal":
        sizes = np.maximum(6, counts - 1)
    elif rule == "n-1":
        sizes = counts - 1
    else:
        raise ValueError(f"rule is {rule!r}; expected one of {RULES}")
    return np.clip(sizes, 1, counts)


def draw_split(
    names: Sequence[str],
    vehicle_ids: Int,
    *,
    rule: GalleryRule = "min6",
    repeats: int = 10,
    seed: int = 0,
) -> Split:
    """Draws the gallery images of each vehicle, in every repeat; see draw_galleries.

    Raises:
        InputError: no image, a name twice, or no vehicle has a probe.
    """
    images, vehicles = sorted_images(names, vehicle_ids)
    _, counts = np.unique(vehicles, return_counts=True)
    sizes = gallery_sizes(counts, rule)
    if (sizes == counts).all():
        least = 7 if rule == "literal" else 2
        raise InputError(
            f"none of the {counts.size:,} vehicles has {least} images, which rule "
            f"{rule} needs for a probe; the most is {counts.max()}",
            "vehicle_id",
            "give a set with more images of a vehicle, or another rule",
        )
    return Split(
        rule_name(rule),
        seed,
        images,
        tuple(vehicles.tolist()),
        draw_galleries(vehicles, sizes, repeats=repeats, seed=seed),
    )


def rule_name(rule: GalleryRule) -> str:
    """The name of the rule's splits."""
    return f"random images of each vehicle by rule {rule}"


def evaluate(
    features: Float32,
    names: Sequence[str],
    vehicle_ids: Int,
    split: Split,
    *,
    where: object = "features",
    progress: Progress = unseen,
) -> RetrievalResult:
    """Scores features on a split; arguments as of reid.evaluate.

    vehicle_ids are (N,) of whatever shall match.

    Raises:
        InputError: a feature is not finite or all zero, the split is of
            another set, or a probe has no match.
    """
    check_features(features, names, where)
    rows = split.rows_in(names, vehicle_ids, where)
    vehicles = np.array(split.vehicle_ids, np.int64)
    trials = [_trial(vehicles, chosen) for chosen in split.gallery]
    features = features[rows]
    counted = rank_matches(
        features, features, trials, what=f"MAP of {where}", progress=progress
    )
    equal = np.concatenate([c.equal for c in counted])
    searched = np.unique(vehicles[trials[0].probes]).size
    total = np.unique(vehicles).size
    return RetrievalResult(
        vehicles=total,
        gallery=trials[0].gallery.size,
        probes=trials[0].probes.size,
        vehicles_without_probe=total - searched,
        map=_over_repeats(counted),
        map_trapezoid=_over_repeats(counted, rule="trapezoid"),
        ties=ProbeTies(
            probes=float(np.mean([_share_tied(c) for c in counted])),
            mean_equal=float(equal.mean()),
            optimistic=_over_repeats(counted, ties="optimistic").mean,
            pessimistic=_over_repeats(counted, ties="pessimistic").mean,
        ),
    )


def _trial(vehicles: Int, chosen: Sequence[int]) -> Trial:
    """One repeat; rows are the split's images."""
    gallery = np.array(chosen, np.int64)
    probes = np.setdiff1d(np.arange(vehicles.size), gallery)
    lost = np.setdiff1d(vehicles[probes], vehicles[gallery])
    if not probes.size or lost.size:
        raise InputError(
            f"{lost.size:,} vehicles have no image in the gallery, such as {lost[0]}"
            if lost.size
            else f"a gallery of all {gallery.size:,} images leaves no probe",
            "the split",
            "draw a new split",
        )
    return Trial(probes, gallery, *same_vehicle(vehicles[probes], vehicles[gallery]))


def _over_repeats(
    counted: Sequence[Matches], *, rule: Rule = "step", ties: Ties = "expected"
) -> OverRepeats:
    """MAP of every repeat."""
    each = (average_precision_from_matches(c, rule=rule, ties=ties) for c in counted)
    return OverRepeats(**over_repeats(np.array([values.mean() for values in each])))


def _share_tied(counted: Matches) -> float:
    tied = np.unique(counted.probe[counted.equal > 0]).size
    return float(tied / (counted.probe[-1] + 1))

"""Whether splits have the vehicles and images that their use needs."""

from collections import Counter

from pydrdl.doctor.problem import Problem, Severity, problem
from pydrdl.doctor.roles import Splits, is_training, probe_sets


def check_vehicles(training: Splits, negatives: int) -> list[Problem]:
    """Splits from which no set can be drawn."""
    few, alone = [], []
    for name, images in training.items():
        counts = Counter(image.vehicle_id for image in images)
        if len(counts) <= negatives:
            few.append(f"{name}: {len(counts):,} vehicles")
        elif max(counts.values()) == 1:
            alone.append(f"{name}: {len(counts):,} vehicles, each with one image")
    return [
        *problem(
            "too_few_vehicles",
            Severity.ERROR,
            f"training splits with fewer than the {negatives + 1} vehicles of a set "
            f"(one, and one for each of {negatives} negatives)",
            few,
            "add vehicles, or train with fewer negatives (--negatives)",
        ),
        *problem(
            "no_positives",
            Severity.ERROR,
            "training splits where no vehicle has two images",
            alone,
            "add images: without a second one there is no distance to reduce",
        ),
    ]


def check_sizes(splits: Splits, positives: int) -> list[Problem]:
    """Vehicles with fewer images than their use needs."""
    apart = {name for pair in probe_sets(splits) for name in pair}
    few, single = [], []
    for name, images in splits.items():
        if name in apart:
            continue
        counts = Counter(image.vehicle_id for image in images)
        for vehicle, count in counts.items():
            if count == 1:
                single.append(f"vehicle {vehicle} ({name})")
            elif count < positives and is_training(name):
                few.append(f"vehicle {vehicle} ({name}): {count} images")
    return [
        *problem(
            "few_images",
            Severity.WARNING,
            f"training vehicles with fewer than the {positives} images (positives) of "
            "a set",
            few,
            "nothing: PairSetData takes some images again (short_vehicles: REPEAT; "
            "SKIP leaves such vehicles out)",
        ),
        *problem(
            "single_images",
            Severity.WARNING,
            "vehicles with one image only: no positive pair, and no probe",
            single,
            "add images; otherwise they serve as negatives and in the gallery only",
        ),
    ]


def check_probes(splits: Splits) -> list[Problem]:
    """Probes that nothing in their gallery matches."""
    lost, near = [], []
    for query, gallery in probe_sets(splits):
        cameras: dict[int, set[int]] = {}
        for image in splits[gallery]:
            cameras.setdefault(image.vehicle_id, set()).add(image.camera_id)
        for image in splits[query]:
            seen = cameras.get(image.vehicle_id)
            shown = f"{image.path} (vehicle {image.vehicle_id}, {query})"
            if seen is None:
                lost.append(shown)
            elif seen == {image.camera_id} and image.camera_id >= 0:
                near.append(f"{shown}: camera {image.camera_id}")
    return [
        *problem(
            "probes_without_match",
            Severity.ERROR,
            "probes without an image of their vehicle in the gallery",
            lost,
            "take them out of the query list, or complete the gallery",
        ),
        *problem(
            "probes_of_one_camera",
            Severity.WARNING,
            "probes matched by images of their own camera only",
            near,
            "take them out of the query list where the protocol leaves those out",
        ),
    ]

"""What the lists of a data set alone can show; no image file is looked at."""

from pydrdl.datasets.types import Dataset
from pydrdl.doctor.problem import Problem, Severity, problem
from pydrdl.doctor.roles import (
    PHOTOGRAPHS,
    VEHICLES,
    Splits,
    is_training,
    must_not_share,
)
from pydrdl.doctor.sizes import check_probes, check_sizes, check_vehicles
from pydrdl.records.labels import MAX_VEHICLE_ID


def check_lists(dataset: Dataset, positives: int, negatives: int) -> list[Problem]:
    """Checks ids, sizes and overlaps.

    Args:
        dataset: as open_dataset returns it.
        positives: images of one vehicle in a set.
        negatives: other vehicles in a set.
    """
    splits = {name: images for name, images in dataset.splits.items() if images}
    training = {name: images for name, images in splits.items() if is_training(name)}
    return [
        *problem(
            "empty_splits",
            Severity.ERROR,
            "splits without an image",
            [name for name in dataset.splits if name not in splits],
            "get the lists again",
        ),
        *_check_ids(splits),
        *_check_leaks(dataset.name, splits),
        *_check_pairs(dataset),
        *check_vehicles(training, negatives),
        *check_sizes(splits, positives),
        *check_probes(splits),
        *_check_models(training),
    ]


def _check_ids(splits: Splits) -> list[Problem]:
    """Ids that contradict each other, or that Caffe cannot hold."""
    vehicle_of: dict[str, int] = {}
    vehicles, models, large = {}, {}, {}
    for name, images in splits.items():
        model_of: dict[int, int] = {}
        for image in images:
            vehicle, path = image.vehicle_id, image.path
            known = vehicle_of.setdefault(path, vehicle)
            if known != vehicle:
                vehicles[path] = f"{path}: vehicles {known} and {vehicle} ({name})"
            model = model_of.setdefault(vehicle, image.model_id)
            if model != image.model_id:
                models[vehicle] = (
                    f"vehicle {vehicle}: models {model} and {image.model_id} ({path})"
                )
            if not 0 <= vehicle <= MAX_VEHICLE_ID:
                large[vehicle] = f"vehicle {vehicle} ({path})"
    return [
        *problem(
            "images_of_two_vehicles",
            Severity.ERROR,
            "images listed for two vehicles",
            list(vehicles.values()),
            "find out which it is, and correct the lists",
        ),
        *problem(
            "vehicles_of_two_models",
            Severity.ERROR,
            "vehicles with images of different models (-1: no label)",
            list(models.values()),
            "give all images of a vehicle the same model",
        ),
        *problem(
            "ids_too_large",
            Severity.ERROR,
            f"vehicle ids outside 0 .. {MAX_VEHICLE_ID}, the whole numbers that "
            "Caffe's floats hold exactly",
            list(large.values()),
            "number the vehicles anew",
        ),
    ]


def _check_leaks(dataset: str, splits: Splits) -> list[Problem]:
    """What is trained on and tested on."""
    shared: dict[str, dict[str, str]] = {VEHICLES: {}, PHOTOGRAPHS: {}}
    for training in filter(is_training, splits):
        ids = {image.vehicle_id for image in splits[training]}
        paths = {image.path for image in splits[training]}
        for test in (name for name in splits if not is_training(name)):
            where = f"in {training} and {test}"
            rule = must_not_share(dataset, training, test)
            for image in splits[test]:
                if rule == VEHICLES and image.vehicle_id in ids:
                    key = f"vehicle {image.vehicle_id}"
                elif rule == PHOTOGRAPHS and image.path in paths:
                    key = image.path
                else:
                    continue
                shared[rule].setdefault(key, f"{key}: {where}")
    return [
        found
        for what, cases in shared.items()
        for found in problem(
            f"{what}_trained_and_tested",
            Severity.ERROR,
            f"{what} both in a training and in a test split",
            list(cases.values()),
            "take them out of the training list",
        )
    ]


def _check_pairs(dataset: Dataset) -> list[Problem]:
    """Pairs that are called a match and show different vehicles, or the reverse."""
    wrong = [
        f"{level}: {pair.first.path} {pair.second.path} {int(pair.same)}"
        for level, pairs in dataset.pairs.items()
        for pair in pairs
        if pair.same != (pair.first.vehicle_id == pair.second.vehicle_id)
    ]
    return problem(
        "pairs_contradict",
        Severity.ERROR,
        "pairs whose label contradicts their paths",
        wrong,
        "get the pair files again",
    )


def _check_models(training: Splits) -> list[Problem]:
    """Images that the vehicle model branch does not learn from."""
    cases, unlabelled = [], 0
    for name, images in training.items():
        count = sum(image.model_id < 0 for image in images)
        if count:
            unlabelled += count
            share = f"{count / len(images):.1%}"
            cases.append(f"{name}: {count:,} of {len(images):,} images ({share})")
    return problem(
        "no_model_label",
        Severity.INFO,
        f"training splits with images ({unlabelled:,}) that have no model label",
        cases,
        "nothing: the softmax on models leaves them out; where none has a label, "
        "train a net without that branch (ccl, triplet)",
    )

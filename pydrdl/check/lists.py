"""What the splits of the data sets are for, by their names."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydrdl.check.images import unique_images
from pydrdl.check.problem import Problem, Severity, problem
from pydrdl.datasets import vehicleid, veri
from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.datasets.vehicleid import ALL_IMAGES, read_all_images
from pydrdl.datasets.veri import (
    JUNK,
    MATCHES,
    TRACKS,
    read_tracks,
    read_truth,
    truth_faults,
)
from pydrdl.errors import InputError
from pydrdl.files import exists
from pydrdl.lmdb.labels import MAX_VEHICLE_ID

Splits = Mapping[str, Sequence[Image]]
PHOTOGRAPHS, VEHICLES, NOTHING = "photographs", "vehicles", "nothing"


def is_training(split: str) -> bool:
    """Whether a split may be trained on, as an image list's "all" may."""
    return split in {"train", "all", "part1", "part2"} or split.startswith("train_")


def must_not_share(dataset: str, training: str, test: str) -> str:
    """What a training and a test split of a data set must not share.

    VehicleID's test lists overlap each other, which is no concern here. In
    CompCars a "vehicle" is a model; part I is both train and test, of the same
    models.
    """
    if not dataset.startswith("CompCars") or test == "part3":
        return VEHICLES
    return PHOTOGRAPHS if training == "train" else NOTHING


def probe_sets(splits: Splits) -> Iterator[tuple[str, str]]:
    """Yields (query split, gallery split), as VeRi-776 and VERI-Wild have them."""
    for query in splits:
        size = query.removeprefix("query")
        if size != query:
            yield from (
                (query, gallery)
                for gallery in (f"gallery{size}", f"test{size}")
                if gallery in splits
            )


def probe_paths(splits: Splits) -> set[str]:
    """Paths of the query splits' images."""
    return {i.path for query, _ in probe_sets(splits) for i in splits[query]}


# Whether splits have the vehicles and images that their use needs.


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


# VehicleID's list of all images against its split lists.


def check_all_images(dataset: Dataset) -> list[Problem]:
    """Checks img2vid.txt; nothing in other data sets."""
    if dataset.name != vehicleid.NAME:
        return []
    faults, others, absent = [], [], []
    vehicles = None
    try:
        vehicles = read_all_images(dataset.root)
    except InputError as error:
        faults.append(f"{error.where}: {error.what}")
    for image in unique_images(dataset):
        if vehicles is None:
            break
        known = vehicles.get(image.path)
        if known is None:
            absent.append(f"{image.path} (vehicle {image.vehicle_id})")
        elif known != image.vehicle_id:
            others.append(
                f"{image.path}: vehicle {image.vehicle_id}, {ALL_IMAGES}: {known}"
            )
    return [
        *problem(
            "wrong_image_list",
            Severity.ERROR,
            f"faults of {ALL_IMAGES}",
            faults,
            "get the file again",
        ),
        *problem(
            "other_vehicles",
            Severity.ERROR,
            f"listed images that {ALL_IMAGES} gives to another vehicle",
            others,
            "get all lists from the same release",
        ),
        *problem(
            "absent_from_image_list",
            Severity.WARNING,
            f"listed images that {ALL_IMAGES} does not name",
            absent,
            "get all lists from the same release",
        ),
    ]


# VeRi-776's own answers against its lists.


def check_answers(dataset: Dataset) -> list[Problem]:
    """Checks gt_index.txt, jk_index.txt and test_track.txt; nothing elsewhere."""
    if dataset.name != veri.NAME or not {"query", "test"} <= dataset.splits.keys():
        return []
    absent = [f for f in (MATCHES, JUNK, TRACKS) if not exists(dataset.root / f)]
    faults: list[InputError] = []
    try:
        if MATCHES not in absent and JUNK not in absent:
            faults += truth_faults(dataset, read_truth(dataset))
        if TRACKS not in absent:
            read_tracks(dataset)
    except InputError as error:
        faults.append(error)
    return [
        *problem(
            "wrong_answers",
            Severity.ERROR,
            f"lines of {MATCHES}, {JUNK} or {TRACKS} that contradict the lists",
            [f"{fault.where}: {fault.what}" for fault in faults],
            "get lists and answers from the same release",
        ),
        *problem(
            "absent_answers",
            Severity.WARNING,
            "answer files of VeRi-776 that are missing",
            absent,
            "get them from the release; training does not need them",
        ),
    ]


# What the lists of a data set alone can show; no image file is looked at.


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

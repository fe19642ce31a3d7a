"""What the lists of a data set alone can show; no image file is looked at."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydrdl.check.problems import Case, named
from pydrdl.datasets import vehicleid, veri
from pydrdl.datasets.dataset import Dataset, Image, unique_images
from pydrdl.errors import InputError
from pydrdl.files import exists
from pydrdl.lmdb.labels import MAX_VEHICLE_ID

Splits = Mapping[str, Sequence[Image]]


def is_training(split: str) -> bool:
    """Whether a split may be trained on, as an image list's "all" may."""
    return split in {"train", "all", "part1", "part2"} or split.startswith("train_")


def probe_sets(splits: Splits) -> Iterator[tuple[str, str]]:
    """Yields (query split, gallery split), as VeRi-776 and VERI-Wild have them."""
    for query in splits:
        size = query.removeprefix("query")
        if size != query:
            for gallery in (f"gallery{size}", f"test{size}"):
                if gallery in splits:
                    yield query, gallery


def probe_paths(splits: Splits) -> set[str]:
    """Paths of the query splits' images."""
    return {i.path for query, _ in probe_sets(splits) for i in splits[query]}


def check_lists(dataset: Dataset, positives: int, negatives: int) -> Iterator[Case]:
    """Checks ids, sizes and overlaps; a set has so many positives and negatives."""
    splits = {name: images for name, images in dataset.splits.items() if images}
    for name in dataset.splits:
        if name not in splits:
            yield "empty_splits", name
    yield from _check_ids(splits)
    yield from _check_leaks(dataset.name, splits)
    for level, pairs in dataset.pairs.items():
        for first, second, same in ((p.first, p.second, p.same) for p in pairs):
            if same != (first.vehicle_id == second.vehicle_id):
                case = f"{level}: {first.path} {second.path} {int(same)}"
                yield "pairs_contradict", case
    yield from _check_sizes(splits, positives, negatives)
    yield from _check_probes(splits)
    yield from _check_all_images(dataset)
    yield from _check_answers(dataset)


def _check_ids(splits: Splits) -> Iterator[Case]:
    """Ids that contradict each other, or that Caffe cannot hold; each is told once."""
    vehicle_of: dict[str, int] = {}
    told: dict[tuple[str, object], str] = {}
    for name, images in splits.items():
        model_of: dict[int, int] = {}
        for image in images:
            vehicle, path = image.vehicle_id, image.path
            known = vehicle_of.setdefault(path, vehicle)
            if known != vehicle:
                case = f"{path}: vehicles {known} and {vehicle} ({name})"
                told["images_of_two_vehicles", path] = case
            model = model_of.setdefault(vehicle, image.model_id)
            if model != image.model_id:
                case = (
                    f"vehicle {vehicle}: models {model} and {image.model_id} ({path})"
                )
                told["vehicles_of_two_models", vehicle] = case
            if not 0 <= vehicle <= MAX_VEHICLE_ID:
                told["ids_too_large", vehicle] = f"vehicle {vehicle} ({path})"
    for (code, _), case in told.items():
        yield code, case


def _check_leaks(dataset: str, splits: Splits) -> Iterator[Case]:
    """What is trained on and tested on; each is told once.

    VehicleID's test lists overlap each other, which is no concern here. In
    CompCars a "vehicle" is a model; part I is both train and test, of the same
    models, and only photographs must differ.
    """
    told: dict[Case, Case] = {}
    for training in filter(is_training, splits):
        ids = {image.vehicle_id for image in splits[training]}
        paths = {image.path for image in splits[training]}
        for test in (name for name in splits if not is_training(name)):
            of_vehicles = not dataset.startswith("CompCars") or test == "part3"
            if not of_vehicles and training != "train":
                continue
            for image in splits[test]:
                if of_vehicles and image.vehicle_id in ids:
                    code, key = "vehicles", f"vehicle {image.vehicle_id}"
                elif not of_vehicles and image.path in paths:
                    code, key = "photographs", image.path
                else:
                    continue
                case = f"{key}: in {training} and {test}"
                told.setdefault((code, key), (f"{code}_trained_and_tested", case))
    yield from told.values()


def _check_sizes(splits: Splits, positives: int, negatives: int) -> Iterator[Case]:
    """Splits from which no set can be drawn, and vehicles with too few images."""
    of_probes = {name for pair in probe_sets(splits) for name in pair}
    for name, images in splits.items():
        counts = Counter(image.vehicle_id for image in images)
        training = is_training(name)
        if training and len(counts) <= negatives:
            yield "too_few_vehicles", f"{name}: {len(counts):,} vehicles"
        elif training and max(counts.values()) == 1:
            yield (
                "no_positives",
                f"{name}: {len(counts):,} vehicles, each with one image",
            )
        unlabelled = sum(image.model_id < 0 for image in images)
        if training and unlabelled:
            share = f"{unlabelled:,} of {len(images):,} images"
            case = f"{name}: {share} ({unlabelled / len(images):.1%})"
            yield "no_model_label", case
        for vehicle, count in counts.items() if name not in of_probes else ():
            if count == 1:
                yield "single_images", f"vehicle {vehicle} ({name})"
            elif count < positives and training:
                yield "few_images", f"vehicle {vehicle} ({name}): {count} images"


def _check_probes(splits: Splits) -> Iterator[Case]:
    """Probes that nothing in their gallery matches."""
    for query, gallery in probe_sets(splits):
        cameras: dict[int, set[int]] = {}
        for image in splits[gallery]:
            cameras.setdefault(image.vehicle_id, set()).add(image.camera_id)
        for image in splits[query]:
            seen, camera = cameras.get(image.vehicle_id), image.camera_id
            shown = f"{image.path} (vehicle {image.vehicle_id}, {query})"
            if seen is None:
                yield "probes_without_match", shown
            elif seen == {camera} and camera >= 0:
                yield "probes_of_one_camera", f"{shown}: camera {camera}"


def _check_all_images(dataset: Dataset) -> Iterator[Case]:
    """VehicleID's img2vid.txt against its lists."""
    vehicles = None
    if dataset.name == vehicleid.NAME:
        try:
            vehicles = vehicleid.read_all_images(dataset.root)
        except InputError as error:
            yield "wrong_image_list", f"{error.where}: {error.what}"
    if vehicles is None:
        return
    for image in unique_images(dataset):
        known = vehicles.get(image.path)
        if known is None:
            yield "absent_from_image_list", named(image)
        elif known != image.vehicle_id:
            differ = f"vehicle {image.vehicle_id}, {vehicleid.ALL_IMAGES}: {known}"
            yield "other_vehicles", f"{image.path}: {differ}"


def _check_answers(dataset: Dataset) -> Iterator[Case]:
    """VeRi-776's own answers against its lists."""
    if dataset.name != veri.NAME or not {"query", "test"} <= dataset.splits.keys():
        return
    answers = veri.MATCHES, veri.JUNK, veri.TRACKS
    absent = [name for name in answers if not exists(dataset.root / name)]
    for name in absent:
        yield "absent_answers", name
    faults: list[InputError] = []
    try:
        if veri.MATCHES not in absent and veri.JUNK not in absent:
            faults += veri.truth_faults(dataset, veri.read_truth(dataset))
        if veri.TRACKS not in absent:
            veri.read_tracks(dataset)
    except InputError as error:
        faults.append(error)
    for fault in faults:
        yield "wrong_answers", f"{fault.where}: {fault.what}"

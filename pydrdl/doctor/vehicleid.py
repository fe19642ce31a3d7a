"""VehicleID's list of all images against its split lists."""

from pydrdl.datasets.types import Dataset
from pydrdl.datasets.vehicleid import ALL_IMAGES, NAME, read_all_images
from pydrdl.doctor.files import unique_images
from pydrdl.doctor.problem import Problem, Severity, problem
from pydrdl.errors import InputError


def check_all_images(dataset: Dataset) -> list[Problem]:
    """Checks img2vid.txt; nothing in other data sets."""
    if dataset.name != NAME:
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

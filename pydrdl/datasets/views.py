"""Data sets as a training wants to see them."""

from dataclasses import replace

from pydrdl.datasets.types import Dataset, Image


def labelled_only(dataset: Dataset) -> Dataset:
    """The data set without the images that have no model label."""
    splits = {
        name: tuple(image for image in images if image.model_id >= 0)
        for name, images in dataset.splits.items()
    }
    return replace(dataset, splits=splits)


def vehicles_as_models(dataset: Dataset) -> Dataset:
    """The data set with every vehicle a vehicle model of its own.

    A softmax over models then tells vehicles, which in CompCars are the car
    models, where its models are makes.
    """

    def renamed(image: Image) -> Image:
        return replace(image, model_id=image.vehicle_id)

    splits = {name: tuple(map(renamed, im)) for name, im in dataset.splits.items()}
    return replace(dataset, splits=splits, num_models=0, model_names={})

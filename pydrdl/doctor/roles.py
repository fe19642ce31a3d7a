"""What the splits of the data sets are for, by their names."""

from collections.abc import Iterator, Mapping, Sequence

from pydrdl.datasets.types import Image

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

"""Splits a two-camera folder into image lists of vehicles to train and to test."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from pathlib import Path
from typing import Annotated

import typer

from pydrdl import atomic, cli
from pydrdl.datasets.two_camera import image_list_lines, read_two_camera
from pydrdl.system_errors import writing


def two_camera_lists(
    folder: Annotated[Path, typer.Argument(help="holds <class>_<number>_cam<n>.jpg")],
    output: Annotated[Path, typer.Argument(help="folder for train.txt and test.txt")],
    test_vehicles: Annotated[int, typer.Option(min=1, help="vehicles to test")] = 100,
    train_vehicles: Annotated[
        int, typer.Option(min=0, help="vehicles to train on; 0: all others")
    ] = 0,
    seed: Annotated[int, typer.Option(help="of the split")] = 0,
) -> None:
    """Write train.txt and test.txt, image lists of different vehicles.

    Example: python tools/two_camera_lists.py twocam/images data/twocam
    """
    dataset = read_two_camera(folder, test_vehicles, seed)
    with writing("the lists", output):
        output.mkdir(parents=True, exist_ok=True)
    for split, images in dataset.splits.items():
        ids = list(dict.fromkeys(image.vehicle_id for image in images))
        if split == "train" and train_vehicles:
            ids = ids[:: max(1, len(ids) // train_vehicles)][:train_vehicles]
        kept = [image for image in images if image.vehicle_id in set(ids)]
        lines = "\n".join(image_list_lines(kept))
        listed = output / f"{split}.txt"
        with writing("a list", listed):
            atomic.write_text(listed, lines + "\n")
        cli.console.print(
            f"{output / split}.txt: {len(kept)} images of {len(ids)} vehicles"
        )


if __name__ == "__main__":
    cli.run(two_camera_lists)

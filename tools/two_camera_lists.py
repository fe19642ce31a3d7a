"""Splits a two-camera folder into image lists of vehicles to train and to test."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from pathlib import Path
from typing import Annotated

import typer

from pydrdl import cli
from pydrdl.atomic import write_texts
from pydrdl.commands import options
from pydrdl.datasets.image_list import image_list_lines, read_two_camera


def two_camera_lists(
    folder: Annotated[Path, typer.Argument(help="Holds <class>_<number>_cam<n>.jpg")],
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[
        Path | None, options.output("Folder for train.txt and test.txt.")
    ] = None,
    test_vehicles: Annotated[int, typer.Option(min=1, help="Vehicles to test.")] = 100,
    train_vehicles: Annotated[
        int, typer.Option(min=0, help="Vehicles to train on; 0: all others.")
    ] = 0,
    seed: Annotated[int, options.seed("Of the split.")] = 0,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Write train.txt and test.txt, image lists of different vehicles.

    Example: python tools/two_camera_lists.py twocam/images
    --output data/twocam
    """
    made = options.one_output(output, output_word)
    dataset = read_two_camera(folder, test_vehicles, seed)
    lists, said = {}, []
    for split, images in dataset.splits.items():
        ids = list(dict.fromkeys(image.vehicle_id for image in images))
        if split == "train" and train_vehicles:
            ids = ids[:: max(1, len(ids) // train_vehicles)][:train_vehicles]
        kept = [image for image in images if image.vehicle_id in set(ids)]
        lines = "\n".join(image_list_lines(kept))
        path = made / f"{split}.txt"
        lists[path] = (lines + "\n").encode(errors="surrogateescape")
        said.append(f"{path}: {len(kept)} images of {len(ids)} vehicles")
    write_texts(lists, "the lists", overwrite=overwrite)
    for line in said:
        cli.console.print(line, soft_wrap=True)


if __name__ == "__main__":
    cli.run(two_camera_lists)

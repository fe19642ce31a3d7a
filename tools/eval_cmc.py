"""Scores features by the paper's re-identification protocol (Sec. 5.3)."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.results import cmc
from pydrdl.results.evaluate import evaluate_files


def eval_cmc(
    features: Annotated[
        list[Path], Argument(help="Files that extract_features.py wrote.")
    ],
    repeats: Annotated[int, Option(min=1, help="Random galleries.")] = 10,
    seed: Annotated[int, options.seed("Of the random galleries.")] = 0,
    gallery_camera: Annotated[
        int | None,
        Option(help="Take this camera's images as the gallery, the rest as probes."),
    ] = None,
    split_file: Annotated[
        Path | None,
        Option(help="Use the split in this file; where there is none, write it."),
    ] = None,
    verifier: Annotated[
        Path | None,
        Option(help="Rank by this Joint Bayesian of train_verifier.py, not by L2."),
    ] = None,
    json: Annotated[Path | None, options.json_file("curves and hashes")] = None,
    name: Annotated[
        list[str] | None, Option(help="Name in the table; once for each file.")
    ] = None,
) -> None:
    """Print CMC match rates beside the paper's Table 6.

    In each repeat one image of every vehicle is the gallery and the others are
    probes; squared L2 distance, or Joint Bayesian's score with --verifier; the
    mean over repeats.

    Example: python tools/eval_cmc.py test_800.h5 --json test_800.json

    Example: python tools/eval_cmc.py test_800.h5 --verifier jb.npz
    """
    entries = evaluate_files(
        features,
        names=name or (),
        repeats=repeats,
        seed=seed,
        gallery_camera=gallery_camera,
        split_file=split_file,
        verifier=verifier,
        progress=cli.progress,
    )
    cli.console.print(cmc.cmc_table(entries), "")
    for note in cmc.cmc_notes(entries):
        cli.console.print(note, markup=False, soft_wrap=True)
    if json is not None:
        cli.write_json(json, cmc.cmc_json(entries))


if __name__ == "__main__":
    cli.run(eval_cmc)

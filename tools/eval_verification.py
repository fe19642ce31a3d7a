"""Scores features by verification of pairs: the paper's Sec. 5.1, Table 3."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.results import verification
from pydrdl.results.verification import Sampling, evaluate_verification


class By(StrEnum):
    """What is the same in a same pair."""

    vehicle = "vehicle"
    model = "model"


def eval_verification(
    features: Annotated[
        list[Path], Argument(help="Files that extract_features.py wrote.")
    ],
    pairs: Annotated[
        list[Path] | None,
        Option(help="List of pairs, such as CompCars' easy, medium, hard; repeatable."),
    ] = None,
    train: Annotated[
        list[Path] | None,
        Option(help="Features of training images, for the threshold; one for each."),
    ] = None,
    train_pairs: Annotated[
        Path | None, Option(help="Their list of pairs; drawn where there is none.")
    ] = None,
    draw: Annotated[
        int, Option(min=10, help="Without --pairs: draw so many of each kind.")
    ] = 10_000,
    by: Annotated[
        By, Option(help="Drawn pairs are the same where this is.")
    ] = By.vehicle,
    same_model: Annotated[
        bool, Option("--same-model", help="Draw different pairs of one vehicle model.")
    ] = False,
    save_pairs: Annotated[
        Path | None, Option(help="Write the drawn pairs to this new file.")
    ] = None,
    seed: Annotated[int, options.seed("Of drawn pairs and folds.")] = 0,
    verifier: Annotated[
        Path | None,
        Option(help="Compare by this file of train_verifier.py, not by L2."),
    ] = None,
    json: Annotated[Path | None, options.json_file("all numbers and hashes")] = None,
    name: Annotated[
        list[str] | None, Option(help="Name in the table; once for each file.")
    ] = None,
) -> None:
    """Print verification accuracy beside the paper's Table 3.

    A pair is called the same where its squared L2 distance is at most a
    threshold; with --verifier, where its score is at least one. accuracy: the
    threshold is from training pairs.

    Example: python tools/eval_verification.py part3.h5 --train part2.h5
    --pairs easy.txt --pairs medium.txt --pairs hard.txt --by model

    Example: python tools/eval_verification.py test_800.h5 --draw 5000

    Example: python tools/eval_verification.py test_800.h5 --train train.h5
    --verifier jb.npz
    """
    if pairs and save_pairs:
        raise BadParameter("--save-pairs is for drawn pairs; --pairs names a list")
    if same_model and by is By.model:
        raise BadParameter("--same-model leaves no different pair with --by model")
    if train_pairs and not train:
        raise BadParameter("--train-pairs needs --train")
    entries = evaluate_verification(
        features,
        names=name or (),
        pair_files=pairs or (),
        sampling=Sampling(draw, seed, by.value, same_model),
        save_to=save_pairs,
        training=train or (),
        training_pairs=train_pairs,
        seed=seed,
        verifier=verifier,
    )
    cli.console.print(verification.verification_table(entries), "")
    for note in verification.verification_notes(entries):
        cli.console.print(note, markup=False, soft_wrap=True)
    if json is not None:
        cli.write_json(json, verification.verification_json(entries))


if __name__ == "__main__":
    cli.run(eval_verification)

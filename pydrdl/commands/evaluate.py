"""Scores features by the paper's protocols, and by VeRi-776's and VERI-Wild's."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from pydrdl import cli
from pydrdl.commands import options

if TYPE_CHECKING:
    from pydrdl.results.result import Result

Label = Literal["vehicle", "model"]  # whose ids decide what is the same
Features = Annotated[list[Path], Argument(help="Files that extract_features.py wrote.")]
Repeats = Annotated[int, Option(min=1, help="Random galleries.")]
Name = Annotated[
    list[str] | None, Option(help="Method in the table; once for each file.")
]
TrainingSeed = Annotated[
    list[int] | None,
    Option(help="Seed of its training, where a method has several; once for each."),
]
_RESULTS = "drdl.cmc", "drdl.map", "drdl.cross_camera", "drdl.verification"
Numbers = Annotated[Path | None, options.json_file("all numbers and hashes", *_RESULTS)]


def show(results: "Sequence[Result]", json: Path | None) -> None:
    """Prints results beside the paper's, with notes, and writes them."""
    from pydrdl.results import to_json
    from pydrdl.results.comparison import terminal_table
    from pydrdl.results.notes import notes
    from pydrdl.table import to_rich

    cli.console.print(to_rich(terminal_table(results)), "")
    cli.console.lines(*notes(results))
    if json is not None:
        cli.write_json(json, to_json(results))


def eval_cmc(
    features: Features,
    repeats: Repeats = 10,
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
    json: Annotated[
        Path | None, options.json_file("curves and hashes", *_RESULTS)
    ] = None,
    name: Name = None,
    training_seed: TrainingSeed = None,
) -> None:
    """Print CMC match rates beside the paper's Table 6.

    In each repeat one image of every vehicle is the gallery and the others are
    probes; squared L2 distance, or Joint Bayesian's score with --verifier; the
    mean over repeats.

    Example: python tools/eval_cmc.py test_800.h5 --json test_800.json

    Example: python tools/eval_cmc.py test_800.h5 --verifier jb.npz
    """
    from pydrdl.results.evaluate import evaluate_reid

    results = evaluate_reid(
        features,
        names=name or (),
        training_seeds=training_seed or (),
        repeats=repeats,
        seed=seed,
        gallery_camera=gallery_camera,
        split_file=split_file,
        verifier=verifier,
        progress=cli.progress,
    )
    show(results, json)


def eval_map(
    features: Annotated[
        list[Path],
        Argument(help="Files that extract_features.py wrote; of queries for VeRi."),
    ],
    protocol: Annotated[
        Literal["retrieval", "cross-camera"],
        Option(help="retrieval: Sec. 5.2; cross-camera: VeRi-776 and VERI-Wild."),
    ] = "retrieval",
    gallery: Annotated[
        list[Path] | None,
        Option(help="cross-camera: features of the gallery; once for each file."),
    ] = None,
    tracks: Annotated[
        Path | None,
        Option(help="cross-camera: VeRi-776's test_track.txt, to search tracks."),
    ] = None,
    rule: Annotated[
        Literal["min6", "literal", "n-1"],
        Option(
            help="retrieval: images of a vehicle with N in the gallery: min(6, N-1), "
            "the paper's max{6, N-1} to the letter, or N-1."
        ),
    ] = "min6",
    relevance: Annotated[
        Label, Option(help="retrieval: images of the same what match.")
    ] = "vehicle",
    repeats: Annotated[int, Option(min=1, help="retrieval: random galleries.")] = 10,
    seed: Annotated[int, options.seed("Of the random galleries.")] = 0,
    split_file: Annotated[
        Path | None,
        Option(
            help="retrieval: use the split in this file; where there is none, write it."
        ),
    ] = None,
    json: Numbers = None,
    name: Name = None,
    training_seed: TrainingSeed = None,
) -> None:
    """Print mean average precision beside Table 4.

    VeRi-776 and VERI-Wild fix queries and gallery; an image of the query's
    vehicle by the query's camera is left out there.

    Example: python tools/eval_map.py test_800.h5 --json test_800.json

    Example: python tools/eval_map.py query.h5 --gallery test.h5
    --protocol cross-camera --tracks VeRi/test_track.txt
    """
    from pydrdl.results.evaluate import evaluate_cross_camera, evaluate_retrieval

    if protocol == "retrieval":
        if gallery or tracks:
            what = "they need --protocol cross-camera"
            raise cli.wrong_use(what, "--gallery", "--tracks")
        drawn = evaluate_retrieval(
            features,
            names=name or (),
            training_seeds=training_seed or (),
            rule=rule,
            relevance=relevance,
            repeats=repeats,
            seed=seed,
            split_file=split_file,
            progress=cli.progress,
        )
        return show(drawn, json)
    if not gallery:
        raise cli.wrong_use("--protocol cross-camera needs it", "--gallery")
    fixed = evaluate_cross_camera(
        features,
        gallery,
        names=name or (),
        training_seeds=training_seed or (),
        tracks=tracks,
        progress=cli.progress,
    )
    return show(fixed, json)


def eval_verification(
    features: Features,
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
        Label, Option(help="Drawn pairs are the same where this is.")
    ] = "vehicle",
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
    json: Numbers = None,
    name: Name = None,
    training_seed: TrainingSeed = None,
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
    from pydrdl.results.evaluate_pairs import Sampling, evaluate_verification

    if pairs and save_pairs:
        what = "it is for drawn pairs; --pairs names a list"
        raise cli.wrong_use(what, "--save-pairs")
    if same_model and by == "model":
        what = "it leaves no different pair with --by model"
        raise cli.wrong_use(what, "--same-model")
    if train_pairs and not train:
        raise cli.wrong_use("it needs --train", "--train-pairs")
    results = evaluate_verification(
        features,
        names=name or (),
        training_seeds=training_seed or (),
        pair_files=pairs or (),
        sampling=Sampling(draw, seed, by, same_model),
        save_to=save_pairs,
        training=train or (),
        training_pairs=train_pairs,
        seed=seed,
        verifier=verifier,
    )
    show(results, json)

"""Features of a net, and the verifiers that are trained on them."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from rich.table import Table
from typer import Argument, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.files import refuse_existing, refuse_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrdl.verifiers.verifier import Verifier


def extract_features(
    dataset: Annotated[Path, options.DATASET],
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("HDF5 file to make.")] = None,
    net: Annotated[Path, Option(help="Its deploy.prototxt.")],
    weights: Annotated[Path | None, Option(help="Its .caffemodel.")] = None,
    untrained: Annotated[int | None, options.UNTRAINED] = None,
    split: Annotated[str, Option(help='Such as "test_800".')] = "all",
    root: Annotated[Path | None, options.ROOT] = None,
    layer: Annotated[
        str | None, Option(help="Blob to read; the net's last top by default.")
    ] = None,
    batch: Annotated[int, Option(min=1, help="Images of one pass.")] = 32,
    gpu: Annotated[int | None, options.GPU] = None,
    resize: Annotated[int | None, options.RESIZE] = None,
    mean: Annotated[str | None, options.MEAN] = None,
    workers: Annotated[str | None, options.PROCESSES] = None,
    half: Annotated[
        bool, Option("--half", help="Keep float16: half the file, 3 digits a value.")
    ] = False,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Extract the features of a split's images.

    For eval_cmc.py and its like. Images are made as in training. How they were
    made stands in preprocess.json beside the net. An interrupted extraction
    goes on when the same command is given again.

    Example: python tools/extract_features.py VehicleID_V1.0 --split test_800
    --net deploy.prototxt --weights mixed.caffemodel --output test_800.h5
    """
    from pydrdl.check import print_problems
    from pydrdl.check.images import DamageNotes
    from pydrdl.cluster import connected
    from pydrdl.datasets import images_of_split, open_dataset
    from pydrdl.datasets.dataset import full_name
    from pydrdl.features.extract import extract_to, open_extractor, refuse_output
    from pydrdl.features.spread import Extraction

    bgr = options.bgr_of(mean)
    where = options.workers_of(workers)
    if where is not None and gpu is not None:
        raise cli.wrong_use("workers compute on CPUs", "--workers", "--gpu")
    path = options.one_output(output, output_word)
    options.refuse_weights(weights, untrained)
    refuse_output(path, overwrite=overwrite)
    refuse_inputs([path], net, weights)
    data = open_dataset(dataset, root)
    images = images_of_split(data, split)
    opening: dict[str, Any] = {
        "weights": weights,
        "untrained": untrained,
        "layer": layer,
        "resize": resize,
        "mean": bgr,
    }
    extractor = open_extractor(net, gpu=gpu, **opening)
    damaged = DamageNotes()
    with connected(where) as cluster:
        batches = None
        if cluster is not None:
            task = Extraction.of(net, opening, extractor, data.root, batch)
            batches = partial(task.batches, cluster, extractor)
        sha256 = extract_to(
            path,
            images,
            data.root,
            extractor,
            batch=batch,
            half=half,
            dataset=full_name(data),
            split=split,
            overwrite=overwrite,
            progress=cli.progress,
            note=damaged,
            batches=batches,
        )
    print_problems(damaged.problems(), cli.stderr)
    made = f"{len(images):,} x {extractor.width:,} of blob {extractor.blob}"
    cli.console.lines(f"{path}: {made}, features {sha256[:16]}")


Features = Annotated[Path, Argument(help="Of tools/extract_features.py.")]
OutputWord = Annotated[Path | None, options.OUTPUT_WORD]
Output = Annotated[Path | None, options.output("File to make, such as jb.npz.")]
Overwrite = Annotated[bool, options.OVERWRITE]
OfLabel = Annotated[
    Literal["vehicle", "model"], Option(help="Whose ids the classes are.")
]
Components = Annotated[int, Option(min=1, help="Dimensions that PCA keeps, at most.")]


def joint_bayesian(
    features: Features,
    output_word: OutputWord = None,
    *,
    output: Output = None,
    label: OfLabel = "vehicle",
    components: Components = 256,
    steps: Annotated[int, Option(min=1, help="Of EM, at most.")] = 100,
    overwrite: Overwrite = False,
) -> None:
    """Train Joint Bayesian on labelled features.

    Example: python tools/train_verifier.py joint-bayesian train.h5
    --output jb.npz
    """
    from pydrdl.verifiers.verifier import train_joint_bayesian

    path = options.one_output(output, output_word)
    train = partial(train_joint_bayesian, label=label, components=components)
    _train(partial(train, steps=steps), features, path, overwrite)


def svm(
    features: Features,
    output_word: OutputWord = None,
    *,
    output: Output = None,
    label: OfLabel = "vehicle",
    components: Components = 256,
    pairs: Annotated[int, Option(min=2, help="To draw, half of one class.")] = 20_000,
    seed: Annotated[int, options.seed("Of the pairs.")] = 0,
    c: Annotated[float, Option(min=1e-9, help="Weight of the hinge losses.")] = 0.01,
    overwrite: Overwrite = False,
) -> None:
    """Train a linear SVM on pairs of labelled features.

    A pair is [|a - b|, a b].

    Example: python tools/train_verifier.py svm train.h5 --label model
    --output svm.npz
    """
    from pydrdl.verifiers.verifier import train_svm

    path = options.one_output(output, output_word)
    train = partial(train_svm, label=label, components=components)
    _train(partial(train, pairs=pairs, seed=seed, c=c), features, path, overwrite)


def _train(
    train: "Callable[..., Verifier]", features: Path, output: Path, overwrite: bool
) -> None:
    """Trains on a file, writes what comes of it and says what it is."""
    from pydrdl.features import read_features
    from pydrdl.verifiers.file import save_verifier
    from pydrdl.verifiers.joint_bayesian import Model

    refuse_existing(output, overwrite=overwrite)
    refuse_inputs([output], features)
    trained = train(read_features(features), where=features)
    save_verifier(trained, output)
    training, axes = trained.training, trained.projection.axes
    table = Table(str(output), "")
    table.add_row("images", f"{training.images:,}")
    table.add_row(f"classes ({training.label})", f"{training.classes:,}")
    kept = f"{axes.shape[0]:,} of {axes.shape[1]:,}, {trained.projection.kept:.1%}"
    table.add_row("PCA keeps", f"{kept} of the variance")
    if isinstance(trained.model, Model):
        history = trained.model.log_likelihoods
        gain = history[-1] - history[-2]
        table.add_row("steps of EM", f"{len(history) - 1}; the last gained {gain:.1e}")
        table.add_row(
            "log likelihood of an image", f"{history[0]:.4f} to {history[-1]:.4f}"
        )
    else:
        table.add_row("pairs", f"{training.pairs:,}")
    table.add_row("features", training.features_sha256[:16])
    cli.console.print(table)

"""Trains Joint Bayesian or an SVM on the features of a net."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from rich.table import Table
from typer import Argument, Option

from pydrdl import cli
from pydrdl.atomic import refuse_existing
from pydrdl.commands import options
from pydrdl.features import read_features
from pydrdl.verifiers import verifier
from pydrdl.verifiers.file import save_verifier
from pydrdl.verifiers.joint_bayesian import Model


class Label(StrEnum):
    """What the classes are."""

    vehicle = "vehicle"
    model = "model"


Features = Annotated[Path, Argument(help="Of tools/extract_features.py.")]
OutputWord = Annotated[Path | None, options.OUTPUT_WORD]
Output = Annotated[Path | None, options.output("File to make, such as jb.npz.")]
Overwrite = Annotated[bool, options.OVERWRITE]
OfLabel = Annotated[Label, Option(help="Whose ids the classes are.")]
Components = Annotated[int, Option(min=1, help="Dimensions that PCA keeps, at most.")]


def joint_bayesian(
    features: Features,
    output_word: OutputWord = None,
    *,
    output: Output = None,
    label: OfLabel = Label.vehicle,
    components: Components = 256,
    steps: Annotated[int, Option(min=1, help="Of EM, at most.")] = 100,
    overwrite: Overwrite = False,
) -> None:
    """Train Joint Bayesian on labelled features.

    Example: python tools/train_verifier.py joint-bayesian train.h5
    --output jb.npz
    """
    path = options.one_output(output, output_word)
    refuse_existing(path, overwrite=overwrite)
    trained = verifier.train_joint_bayesian(
        read_features(features),
        label.value,
        components=components,
        steps=steps,
        where=features,
    )
    finish(trained, path)


def svm(
    features: Features,
    output_word: OutputWord = None,
    *,
    output: Output = None,
    label: OfLabel = Label.vehicle,
    components: Components = 256,
    pairs: Annotated[int, Option(min=2, help="To draw, half of one class.")] = 20_000,
    seed: Annotated[int, options.seed("Of the pairs.")] = 0,
    c: Annotated[float, Option(min=1e-9, help="Weight of the hinge losses.")] = 0.01,
    overwrite: Overwrite = False,
) -> None:
    """Train a linear SVM on pairs [|a - b|, a b] of labelled features.

    Example: python tools/train_verifier.py svm train.h5 --label model
    --output svm.npz
    """
    path = options.one_output(output, output_word)
    refuse_existing(path, overwrite=overwrite)
    trained = verifier.train_svm(
        read_features(features),
        label.value,
        components=components,
        pairs=pairs,
        seed=seed,
        c=c,
        where=features,
    )
    finish(trained, path)


def finish(trained: verifier.Verifier, output: Path) -> None:
    """Writes the file and says what it is."""
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


if __name__ == "__main__":
    cli.run(joint_bayesian, svm)

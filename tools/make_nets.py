"""Writes prototxt/, or the same nets for a data set of your own."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from pydrdl import atomic, cli
from pydrdl.nets import prototxt, structures
from pydrdl.records import labels
from pydrdl.records.pair_index import read_pair_index
from pydrdl.system_errors import writing


def make_nets(
    output: Annotated[
        Path | None,
        typer.Option(help="folder for nets of your own data; default: prototxt/"),
    ] = None,
    train: Annotated[str, typer.Option(help="training LMDB")] = "",
    test: Annotated[
        str, typer.Option(help="LMDB of other vehicles; default: train")
    ] = "",
    base: Annotated[str, typer.Option(help="sizes: demo or paper")] = "demo",
    max_iter: Annotated[int, typer.Option(help="iterations to train")] = 600,
    base_lr: Annotated[float, typer.Option(help="first learning rate")] = 0.01,
    stepsize: Annotated[int, typer.Option(help="iterations between steps")] = 200,
    seed: Annotated[
        int, typer.Option(help="of the weights' start and of the batches")
    ] = 1,
    margin: Annotated[float, typer.Option(help="alpha of Eq. 3 and 6")] = 1.0,
    gradient: Annotated[
        str, typer.Option(help="EXACT, CENTER_CONSTANT or PAPER")
    ] = "EXACT",
    sets: Annotated[int, typer.Option(help="sets in a batch")] = 15,
    hard_negatives: Annotated[
        float, typer.Option(help="share of negatives of the positive's model")
    ] = 0.0,
    wide_fc8: Annotated[
        bool, typer.Option("--wide-fc8", help="Fig. 6's 2048 box as a layer")
    ] = False,
    normalize: Annotated[
        bool, typer.Option(help="unit vectors before the embedding losses")
    ] = True,
    snapshot: Annotated[
        int, typer.Option(help="iterations between snapshots; 0: only the last")
    ] = 0,
    batch_norm: Annotated[
        bool | None,
        typer.Option(help="batch normalisation in place of LRN; default: demo only"),
    ] = None,
) -> None:
    """Write the nets as prototxt files.

    Without --output: everything in prototxt/. With it: the paper's three
    structures and the two softmax nets, for the LMDB given by --train.

    Example: python tools/make_nets.py --output data/own/nets
    --train data/own/train_lmdb --test data/own/test_lmdb
    """
    if output is None:
        families = [prototxt.PAPER_FAMILY, prototxt.DEMO_FAMILY]
    else:
        if not train:
            raise typer.BadParameter("--output needs --train, the LMDB to train on")
        family = {"demo": prototxt.DEMO_FAMILY, "paper": prototxt.PAPER_FAMILY}[base]
        training = replace(
            family.training,
            train_lmdb=train,
            test_lmdb=test or train,
            num_models=max(1, read_pair_index(Path(train)).num_models),
            margin=margin,
            gradient=gradient,
            sets=sets,
            hard_negatives=hard_negatives,
            wide_fc8=wide_fc8,
            normalize=normalize,
            seed=seed,
        )
        schedule = structures.Schedule(
            max_iter=max_iter,
            base_lr=base_lr,
            stepsize=stepsize,
            snapshot=snapshot or max_iter,
            seed=seed,
        )
        if batch_norm is not None:
            backbone = replace(family.backbone, batch_norm=batch_norm)
            family = replace(family, backbone=backbone)
        families = [prototxt.own_family(family, str(output), training, schedule)]
    for family in families:
        for name, text in prototxt.files(family):
            with writing("a net", name):
                Path(name).parent.mkdir(parents=True, exist_ok=True)
                atomic.write_text(Path(name), text)
            cli.console.print(name)
            if output is not None and Path(name).name == "deploy.prototxt":
                labels.copy_labels(Path(train), Path(name).parent)
    if output is not None and test and not labels.same_models(Path(train), Path(test)):
        cli.stderr.print(
            f"warning: {test} holds other vehicle models than {train} or numbers "
            "them otherwise: the model loss in the TEST phase means nothing; "
            f"build it with tools/build_lmdb.py --labels {train}",
            markup=False,
            soft_wrap=True,
        )


if __name__ == "__main__":
    cli.run(make_nets)

"""Nets as prototxt files, and the weights that their training starts from."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Context, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.errors import InputError
from pydrdl.files import write_texts

if TYPE_CHECKING:
    from pydrdl.nets import prototxt


class NetName(StrEnum):
    """Which nets there are."""

    mixed_difference = "mixed_difference"
    ccl = "ccl"
    triplet = "triplet"
    vgg_softmax = "vgg_softmax"
    googlenet_softmax = "googlenet_softmax"


# Options that prototxt/ is written with too.
FOR_ALL = {"output", "overwrite"}
TESTS = 100  # iterations between tests, at most


def make_nets(
    context: Context,
    output: Annotated[
        Path | None,
        options.output("Folder for nets of your own data; default: prototxt/."),
    ] = None,
    train: Annotated[
        Path | None, Option(help="The image LMDB to train on; with --output.")
    ] = None,
    test: Annotated[
        Path | None,
        Option(help="One of other vehicles, to watch the losses on; without, none."),
    ] = None,
    net: Annotated[
        list[NetName] | None,
        Option(help="Only this one; may be repeated. Default: all that can learn."),
    ] = None,
    base: Annotated[
        Literal["demo", "paper"],
        Option(help="Sizes: demo, images of 72 pixels; paper, 256."),
    ] = "demo",
    max_iter: Annotated[int, Option(min=1, help="Iterations to train.")] = 600,
    base_lr: Annotated[float, Option(min=1e-9, help="First learning rate.")] = 0.01,
    stepsize: Annotated[
        int | None,
        Option(
            min=1,
            help="Iterations between steps of the learning rate; default: a third.",
        ),
    ] = None,
    seed: Annotated[int, options.seed("Of the weights' start and of the batches.")] = 1,
    margin: Annotated[float, Option(min=0, help="Alpha of Eq. 3 and 6.")] = 1.0,
    gradient: Annotated[
        Literal["EXACT", "CENTER_CONSTANT", "PAPER"],
        Option(help="Of coupled clusters loss; see docs/choices.md."),
    ] = "EXACT",
    sets: Annotated[int, Option(min=1, max=65536, help="Sets in a batch.")] = 15,
    hard_negatives: Annotated[
        float, Option(min=0, max=1, help="Share of negatives of the positive's model.")
    ] = 0.0,
    wide_fc8: Annotated[
        bool, Option("--wide-fc8", help="Fig. 6's 2048 box as a layer.")
    ] = False,
    normalize: Annotated[
        bool, Option(help="Unit vectors before the embedding losses.")
    ] = True,
    snapshot: Annotated[
        int, Option(min=0, help="Iterations between snapshots; 0: only the last.")
    ] = 0,
    batch_norm: Annotated[
        bool | None,
        Option(help="Batch normalisation in place of LRN; default: demo only."),
    ] = None,
    dropout: Annotated[
        float | None,
        Option(
            min=0,
            max=0.99,
            help="Ratio behind fc6 and fc7 (Sec. 3.4 keeps VGG's 0.5); "
            "default: paper 0.5, demo none.",
        ),
    ] = None,
    crop: Annotated[
        int | None,
        Option(
            min=1,
            help="Side of the nets' input in pixels, cut out of the LMDB's images "
            "whatever their size; default: demo 64 of 72, paper 224 of 256.",
        ),
    ] = None,
    mirror: Annotated[
        bool, Option(help="Mirror half of the images in training.")
    ] = True,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace files that are there and differ.")
    ] = False,
) -> None:
    """Write the nets as prototxt files.

    Without --output: everything in prototxt/. With it: the paper's three
    structures and the two softmax nets, for the LMDB given by --train; where
    that has no vehicle models, those that need none.

    Example: python tools/make_nets.py --output data/own/nets
    --train data/own/train_lmdb --test data/own/test_lmdb
    """
    from pydrdl.lmdb import labels
    from pydrdl.nets import prototxt, structures

    if output is None:
        _refuse_unused(context)
        families = [prototxt.PAPER_FAMILY, prototxt.DEMO_FAMILY]
        _write(_texts(families, prototxt.NETS), overwrite=overwrite)
        return
    if train is None:
        raise cli.wrong_use("--output needs it, the image LMDB to train on", "--train")
    data = prototxt.look(train)
    nets = prototxt.choose(data, [name.value for name in net or ()])
    training = replace(
        prototxt.FAMILIES[base].training,
        train_lmdb=str(train),
        test_lmdb=str(test or train),
        num_models=max(1, data.num_models),
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
        stepsize=stepsize or -(-max_iter // 3),
        snapshot=snapshot or max_iter,
        seed=seed,
        test_interval=min(TESTS, -(-max_iter // 6)) if test else 0,
        test_iter=2 if test else 0,
    )
    family = prototxt.own_family(
        prototxt.FAMILIES[base], str(output), training, schedule
    )
    backbone = family.backbone
    if batch_norm is not None:
        backbone = replace(backbone, batch_norm=batch_norm)
    if dropout is not None:
        backbone = replace(backbone, dropout=dropout)
    family = replace(family, backbone=backbone).that_sees(mirror=mirror)
    if crop is not None:
        _check_crop(crop, base, data)
        family = family.that_sees(crop=crop, resize=data.size[0])
    notes = [] if net else prototxt.left_out(data, nets, family)
    if warning := prototxt.size_warning(data, family):
        notes.append(warning)
    learn = not set(nets).isdisjoint(prototxt.LEARN_MODELS)
    if learn and test is not None and not labels.same_models(train, test):
        notes.append(
            f"warning: {test} holds other vehicle models than {train} or numbers "
            "them otherwise: the model loss in the TEST phase means nothing; "
            f"build it with tools/build_lmdb.py --labels {train}"
        )
    content = _texts([family], nets) | prototxt.label_files(train, family, nets)
    _write(content, overwrite=overwrite)
    for note in notes:
        shown = cli.stderr if note.startswith("warning: ") else cli.console
        shown.lines(note)
    if prototxt.is_too_small(data, family):
        return
    here = "" if output.is_absolute() and train.is_absolute() else ", in this folder"
    command = shlex.join(["caffe", "train", "--solver", family.files[nets[0]].solver])
    cli.console.lines(f"next{here}: {command}")


def _check_crop(crop: int, base: str, data: "prototxt.TrainingImages") -> None:
    """Refuses inputs that the nets or the images are too small for."""
    from pydrdl.nets.prototxt import LEAST_CROP

    if crop < (least := LEAST_CROP[base]):
        what = f"{crop} is too small for the nets of {base}; at least {least}"
        raise cli.wrong_use(what, "--crop")
    if crop > min(data.size):
        height, width = data.size
        raise InputError(
            f"its images of {width} x {height} pixels do not hold a crop of {crop}",
            data.lmdb,
            "give a smaller --crop, or build it with a larger --size",
        )


def _texts(
    families: "Sequence[prototxt.Family]", nets: "Sequence[prototxt.Net]"
) -> dict[Path, bytes]:
    """The files of some nets, in their order."""
    from pydrdl.nets import prototxt

    return {
        Path(name): text.encode()
        for family in families
        for name, text in prototxt.prototxt_files(family, nets)
    }


def _write(content: dict[Path, bytes], *, overwrite: bool) -> None:
    write_texts(content, "the nets", overwrite=overwrite)
    cli.console.lines(*map(str, content))


def _refuse_unused(context: Context) -> None:
    """Refuses options that would change nothing: prototxt/ holds the paper's nets."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in FOR_ALL and source is not None and source.name == "COMMANDLINE":
            raise cli.wrong_use(
                "it is for nets of your own: give --output too", cli.option_of(name)
            )


def init_weights(
    weights: Annotated[Path, Argument(help="Pretrained .caffemodel, old or new.")],
    net: Annotated[Path, Argument(help="The net's train_val.prototxt.")],
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("The .caffemodel to make.")] = None,
    copy: Annotated[
        list[str] | None,
        Option(help="FILE_LAYER=NET_LAYER; once for each pair.", metavar="PAIR"),
    ] = None,
    skip_mismatch: Annotated[
        bool, Option("--skip-mismatch", help="Leave out layers that do not fit.")
    ] = False,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
    json: Annotated[
        Path | None, options.json_file("the table and hashes", "drdl.init_weights")
    ] = None,
) -> None:
    """Write the weights that a net starts from.

    For --weights of training. Layers are copied by name; where the file has one
    branch, conv4 to fc7 go into conv4_2 to fc7_2 as well. The table shows every
    blob.

    Example: python tools/init_weights.py VGG_CNN_M_1024.caffemodel
    prototxt/mixed_difference/train_val.prototxt --output start.caffemodel
    """
    from pydrdl.nets import initialise as task

    try:
        copies = task.parse_copies(copy or ())
    except ValueError as error:
        raise cli.wrong_use(str(error), "--copy") from error
    outcome = task.init_weights(
        weights,
        net,
        options.one_output(output, output_word),
        copies=copies,
        skip_mismatch=skip_mismatch,
        overwrite=overwrite,
    )
    cli.console.print(task.outcome_table(outcome), "")
    cli.console.lines(*task.outcome_notes(outcome))
    if json is not None:
        cli.write_json(json, task.outcome_json(outcome))

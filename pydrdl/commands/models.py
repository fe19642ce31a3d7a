"""Trained nets with their cards: written, listed, verified."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.errors import InputError, is_visible

if TYPE_CHECKING:
    from pydrdl.zoo import ModelCard

MODELS = Path("models")


def models(
    folder: Annotated[
        Path, Argument(help="Folder of models, each with a readme.md.")
    ] = MODELS,
    open_nets: Annotated[
        bool, Option("--open", help="Open each net with its weights, too.")
    ] = False,
) -> None:
    """List trained nets; verify what their cards say.

    Each file that a card names must be there with its hash; weights may be absent
    where caffemodel_url says where they are to be had. Exit code 1 otherwise.

    Example: drdl models models --open
    """
    from rich.table import Table

    from pydrdl.table import plural
    from pydrdl.zoo import cards_in, read_card

    table = Table()
    for title in ("model", "name", "measure", "license", "state"):
        table.add_column(title, overflow="fold")
    faults: list[str] = []
    for path in cards_in(folder):
        said: Mapping[str, str] = {}
        state = "wrong"
        try:
            card = read_card(path)
            said = card.said
            found = card.faults()
            if open_nets and card.is_here and not found:
                _open(card)
        except InputError as error:
            found = [f"{error.where}: {error.what}"]
        if not found:
            state = "whole" if card.is_here else said.get("caffemodel_url", "")
        faults += found
        values = (said.get(key, "") for key in ("name", "measure", "license"))
        table.add_row(path.parent.name, *values, state)
    cli.console.print(table)
    if faults:
        cli.stderr.lines(*faults)
        raise InputError(
            f"models are not what their cards say: {plural(len(faults), 'fault')}",
            folder,
            "get the files again, or write the card again with: drdl model-card",
        )


def _open(card: "ModelCard") -> None:
    """Opens a net with its weights, which refuses what does not fit."""
    from pydrdl.features.extract import open_extractor

    if not card.said.get("deploy"):
        what = "the card names no net to open: it has no line 'deploy: '"
        raise InputError(what, card.path, "add it, or leave out --open")
    open_extractor(card.file("deploy"), weights=card.file("caffemodel"))


def _refuse_text(text: str, option: str) -> None:
    """Refuses what a card would not show as it is; a command may have lines.

    Raises:
        BadParameter: it is empty, or has lines, control characters or no UTF-8.
    """
    lines = text.splitlines()
    if not text.strip() and option != "--url":
        raise cli.wrong_use("it is empty", option)
    if len(lines) > 1 and option != "--command":
        raise cli.wrong_use(f"{text[:80]!r}; expected one line", option)
    if not all(map(is_visible, lines)):
        raise cli.wrong_use(f"{text[:80]!r}; expected plain text", option)


def model_card(
    training: Annotated[
        Path,
        Argument(help="Folder of drdl train, or a .caffemodel.", show_default=False),
    ],
    *,
    output: Annotated[Path, options.output("Folder of the model to make.")],
    net: Annotated[Path, Option(help="Its deploy.prototxt.")],
    result: Annotated[
        list[Path], Option(help="JSON of eval_*.py of this net; may be repeated.")
    ],
    name: Annotated[str, Option(help="What it is called.")],
    data: Annotated[str, Option(help="What it was trained on, in words.")],
    command: Annotated[str, Option(help="By which it was trained.")],
    model_license: Annotated[
        str, Option("--license", help="Under which the weights are given.")
    ] = "BSD-2-Clause",
    url: Annotated[str, Option(help="Where the weights are to be had.")] = "",
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace files that are there and differ.")
    ] = False,
) -> None:
    """Write a trained net and its card for a model zoo.

    The card is as Caffe's zoo has them. The folder holds readme.md, the weights,
    deploy.prototxt and preprocess.json. Results of other weights or of
    another net are refused.

    Example: drdl model-card runs/ccl --net nets/ccl/deploy.prototxt --result cmc.json
    --name "VGG + CCL" --data "drawn vehicles" --command "drdl train ..."
    --output models/ccl
    """
    from pydrdl.files import write_texts
    from pydrdl.zoo import make_model

    for option, text in (("--name", name), ("--data", data), ("--command", command),
                         ("--license", model_license), ("--url", url)):  # fmt: skip
        _refuse_text(text, option)
    if len(set(result)) < len(result):
        raise cli.wrong_use("a file is named twice", "--result")
    content = make_model(
        training,
        net,
        result,
        name=name,
        data=data,
        command=command,
        model_license=model_license,
        url=url,
    )
    files = {output / file: data for file, data in content.items()}
    write_texts(files, "the model", overwrite=overwrite)
    cli.console.lines(*map(str, files))

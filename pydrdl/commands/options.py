"""What options mean that many tools have, said in one place.

--output    the file or folder that the tool makes. Tools that once took it as
            a word without a name still do.
--overwrite replace what stands at --output; without it, that is refused.
--json      write the numbers to this file; an earlier one of the same kind is
            replaced, any other file refused; "-" writes them to standard output,
            and the tables to stderr.
--seed      of whatever the tool draws: the same seed draws the same.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer import Argument, Option

from pydrdl import cli
from pydrdl.cli import MAX_INT
from pydrdl.errors import InputError, reading
from pydrdl.files import is_device, is_file, refuse_unwritable

# How the JSON of every command starts, and how much of a file is enough to see it.
_SCHEMA, _HEAD = re.compile(rb'\s*\{\s*"schema":\s*"([\w.]+)/\d+"'), 200

# The name of what --output was before all tools had that.
OUTPUT_WORD = Argument(
    metavar="[OUTPUT]", show_default=False, help="The older way to give --output."
)
OVERWRITE = Option("--overwrite", help="Replace OUTPUT if it exists.")
DATASET = Argument(help="A data set's folder, or an image list.")
ROOT = Option(help="Folder that an image list's paths start from.")
WORKERS = Option(min=1, help="Threads; one a processor by default.")
_SCHEDULER = "or a Dask scheduler, such as tcp://HOST:8786"
PROCESSES = Option(metavar="N|ADDRESS", help=f"Processes here, {_SCHEDULER}.")
THREADS = Option(
    metavar="N|ADDRESS", help=f"Threads, one a processor by default; {_SCHEDULER}."
)
GALLERY = Option(metavar="FOLDER", show_default=False, help="The gallery's folder.")
# Of a net whose features are wanted, and how its images are made.
UNTRAINED = Option(min=0, help="No weights: random ones from this seed.")
RESIZE = Option(min=1, help="Pixels a side; see preprocess.json.")
MEAN = Option(help="B,G,R to subtract; see preprocess.json.")
GPU = Option(min=0, help="Number of the GPU; the CPU by default.")
# Of the net that made a gallery's features.
NET = Option(help="Its deploy.prototxt; where it lay before by default.")
WEIGHTS = Option(help="Its .caffemodel; where they lay before by default.")


def bgr_of(text: str | None) -> tuple[float, float, float] | None:
    """What --mean says, such as "104,117,123".

    Raises:
        BadParameter: it is not three numbers.
    """
    if text is None:
        return None
    try:
        b, g, r = map(float, text.split(","))
    except ValueError as error:
        what = f"{text!r}; expected B,G,R such as 104,117,123"
        raise cli.wrong_use(what, "--mean") from error
    return b, g, r


def _not_empty(text: str | None) -> str | None:
    if text == "":
        raise cli.wrong_use(cli.EMPTY, "--gpu")
    return text


GPUS = Option(callback=_not_empty, help='Such as "0" or "0,1"; without it, the CPU.')


def refuse_weights(weights: Path | None, untrained: int | None) -> None:
    """Refuses both or neither of a net's weights and a seed in their place.

    Raises:
        BadParameter: they are not one of the two.
    """
    if (weights is None) == (untrained is None):
        raise cli.wrong_use("give one of the two", "--weights", "--untrained")


def workers_of(text: str | None) -> int | str | None:
    """What --workers says: how many here, or a scheduler's address.

    Raises:
        BadParameter: it is neither.
    """
    if text is None or re.fullmatch(r"(tcp|tls|ws|wss|ucx)://\S+:\d+", text):
        return text
    if re.fullmatch(r"\d{1,4}", text) and int(text) > 0:
        return int(text)
    raise cli.wrong_use(
        f"{text!r}; expected a number from 1, or an address such as "
        "tcp://10.0.0.1:8786",
        "--workers",
    )


def output(what: str) -> Any:
    """The option that names what a tool makes."""
    return Option("--output", metavar="OUTPUT", show_default=False, help=what)


def one_output(option: Path | None, word: Path | None) -> Path:
    """The output, given in one of two ways.

    Raises:
        BadParameter: it was given in both, or in neither.
    """
    if option is not None and word is not None:
        raise cli.wrong_use(
            f"it is named twice, {word} and {option}; give one", "--output"
        )
    if (given := word if option is None else option) is None:
        raise cli.wrong_use("say what to make", "--output")
    return given


def json_file(what: str, *kinds: str) -> Any:
    """The option for all numbers as JSON, which cli.write_json() writes.

    It is refused where it would take the place of anything but an earlier one. kinds
    are of the schemas that the command writes, such as "drdl.cmc".
    """

    def check(path: Path | None) -> Path | None:
        if path == Path("-"):
            cli.json_to_stdout()
        elif path is not None:
            _refuse_other_kind(path, kinds)
        return path

    return Option(
        "--json", metavar="FILE", show_default=False, callback=check,
        help=f'Write {what} to this file (replaced); "-": to standard output.',
    )  # fmt: skip


def _refuse_other_kind(path: Path, kinds: Sequence[str]) -> None:
    """Refuses to replace a file that is not JSON of one of these kinds, or empty.

    Raises:
        InputError: it would be lost.
    """
    if not is_file(path) or is_device(path):
        return
    with (
        reading("an earlier output", path, "name another file"),
        path.open("rb") as old,
    ):
        start = old.read(_HEAD)
    found = _SCHEMA.match(start)
    if start and (found is None or found[1].decode() not in kinds):
        what = f"it holds something else than {' or '.join(kinds)}, and would be lost"
        raise InputError(what, path, "name another file, or delete this one")


def refuse_other_than_png(picture: Path, option: str) -> None:
    """Refuses a picture's name that says another kind than the one that is drawn.

    Raises:
        BadParameter: it does not end in .png, and is no device.
    """
    if picture.suffix.lower() != ".png" and not is_device(picture):
        what = f"{picture} does not end in .png, and it is a PNG that is drawn"
        raise cli.wrong_use(what, option)


def refuse_picture(picture: Path | None, option: str) -> None:
    """Refuses a PNG to draw that cannot be written, before anything takes long.

    Raises:
        BadParameter: its name, given as this option, says another kind.
        InputError: it cannot be written.
    """
    if picture is not None:
        refuse_other_than_png(picture, option)
        refuse_unwritable(picture)


def seed(of: str) -> Any:
    """The option for the seed of what a tool draws."""
    return Option("--seed", min=0, max=MAX_INT, help=of)

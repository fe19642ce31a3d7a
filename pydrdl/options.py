"""What options mean that many tools have, said in one place.

--output    the file or folder that the tool makes. Tools that once took it as
            a word without a name still do.
--overwrite replace what stands at --output; without it, that is refused.
--json      write the numbers to this file, which is replaced; "-" writes them to
            standard output, and the tables to stderr.
--seed      of whatever the tool draws: the same seed draws the same.
"""

import math
from pathlib import Path
from typing import Any

from typer import Argument, BadParameter, Option

from pydrdl import cli

# What the fields of Caffe's messages hold.
MAX_INT = 2**31 - 1
MAX_SEED = MAX_INT

# The name of what --output was before all tools had that.
OUTPUT_WORD = Argument(
    metavar="[OUTPUT]", show_default=False, help="The older way to give --output."
)
OVERWRITE = Option("--overwrite", help="Replace OUTPUT if it exists.")


def output(what: str) -> Any:
    """The option that names what a tool makes."""
    return Option("--output", metavar="OUTPUT", show_default=False, help=what)


def one_output(option: Path | None, word: Path | None) -> Path:
    """The output, given in one of two ways.

    Raises:
        BadParameter: it was given in both, or in neither.
    """
    if option is not None and word is not None:
        raise BadParameter(
            f"an output is named twice, {word} and --output {option}; give one"
        )
    if (given := word if option is None else option) is None:
        raise BadParameter("say what to make with --output")
    return given


def json_file(what: str) -> Any:
    """The option for all numbers as JSON, which cli.write_json() writes."""

    def check(path: Path | None) -> Path | None:
        if path == Path("-"):
            cli.json_to_stdout()
        return path

    return Option(
        "--json", metavar="FILE", show_default=False, callback=check,
        help=f'Write {what} to this file (replaced); "-": to standard output.',
    )  # fmt: skip


def seed(of: str) -> Any:
    """The option for the seed of what a tool draws."""
    return Option("--seed", min=0, max=MAX_SEED, help=of)


def number(
    what: str,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
) -> Any:
    """An option for a number; NaN and infinity, which min= lets pass, are refused.

    Args:
        what: says what it is.
        least: the smallest that it may be.
        most: the largest.
        above: what it must be greater than.
    """

    def check(value: float | None) -> float | None:
        if value is None:
            return None
        if not math.isfinite(value):
            raise BadParameter(f"{value} is no finite number")
        if above is not None and value <= above:
            raise BadParameter(f"{value:g} is not above {above:g}")
        if least is not None and value < least:
            raise BadParameter(f"{value:g} is below {least:g}")
        if most is not None and value > most:
            raise BadParameter(f"{value:g} is above {most:g}")
        return value

    return Option(help=what, callback=check)


def count(what: str, least: int = 1) -> Any:
    """An option for a whole number, such as Caffe's messages hold."""
    return Option(min=least, max=MAX_INT, help=what)

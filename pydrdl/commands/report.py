"""Writes a report: one HTML file, and its tables for papers and for programs."""

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

from typer import Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.files import exists

FETCH = Path(__file__).parents[2] / "tools/fetch_caffe.sh"


def named_files(values: list[str] | None, option: str) -> dict[str, Path]:
    """Parses NAME=FILE; without NAME, the file's name without its ending."""
    files: dict[str, Path] = {}
    for value in values or ():
        # A path may hold "=", so a file that is there is no NAME=FILE.
        name, sign, path = value.partition("=")
        if not sign or exists(Path(value)):
            name, path = Path(value).stem, value
        if not name or not path:
            raise cli.wrong_use(f"{value!r}; expected NAME=FILE", option)
        if name in files:
            raise cli.wrong_use(f"two files are named {name!r}", option)
        files[name] = Path(path)
    return files


def caffe_source() -> str:
    """The Caffe source that this repository builds."""
    text = FETCH.read_text(encoding="utf-8")
    found = re.search(r"^name=(\S+?)\.orig\.tar\.gz$", text, re.MULTILINE)
    return found[1] if found else "unknown"


def report(
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("Folder to make.")] = None,
    result: Annotated[
        list[Path] | None,
        Option(help="JSON of an eval_*.py --json; may be repeated."),
    ] = None,
    features: Annotated[
        list[str] | None,
        Option(help="NAME=FILE.h5 of a CMC result, for strips and distances."),
    ] = None,
    log: Annotated[
        list[str] | None,
        Option(help="NAME=FILE of caffe train; the NAME of a result joins the two."),
    ] = None,
    data: Annotated[
        Path | None, Option(help="The data set, for the strips' images and counts.")
    ] = None,
    root: Annotated[Path | None, options.ROOT] = None,
    split: Annotated[
        str, Option(help="Show images of this split only; of all by default.")
    ] = "",
    check: Annotated[
        list[Path] | None, Option(help="JSON of dataset.py check; may be repeated.")
    ] = None,
    split_file: Annotated[
        list[Path] | None,
        Option(help="A split that eval_cmc.py was given; drawn again by default."),
    ] = None,
    repeat: Annotated[
        int, Option(min=0, help="Which gallery strips and distances are of.")
    ] = 0,
    failures: Annotated[int, Option(min=0, help="Strips of failures a method.")] = 8,
    successes: Annotated[int, Option(min=0, help="Strips of successes a method.")] = 4,
    maps: Annotated[
        int,
        Option(
            min=0,
            help="Draw heat maps of so many failures a method; needs --data, and the "
            "nets where they lay.",
        ),
    ] = 0,
    title: Annotated[str, Option(help="Heading.")] = "Vehicle re-identification",
    date: Annotated[str, Option(help="Shown below it; none by default.")] = "",
    command: Annotated[str, Option(help="Command to show; this one by default.")] = "",
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Write a report of results, features and logs.

    And of the data set. Everything but one input may be left out. The same
    inputs give the same bytes: no date is written unless --date gives it.

    Example: python tools/report.py --output report --result cmc.json
    --features ccl=ccl.h5 --log ccl=ccl.log --data VehicleID_V1.0
    """
    from pydrdl.datasets import open_dataset
    from pydrdl.report.build import Inputs, build_report
    from pydrdl.report.writer import HTML, check_output, write_report

    folder = options.one_output(output, output_word)
    check_output(folder, overwrite=overwrite)
    inputs = Inputs(
        results=result or (),
        features=named_files(features, "--features"),
        logs=named_files(log, "--log"),
        dataset=None if data is None else open_dataset(data, root),
        split=split,
        split_files=split_file or (),
        checks=check or (),
        repeat=repeat,
        failures=failures,
        successes=successes,
        maps=maps,
        title=title,
        date=date,
        command=command or shlex.join(["python", *sys.argv]),
        versions={"Caffe source": caffe_source()},
    )
    names = write_report(build_report(inputs), folder, overwrite=overwrite)
    size = (folder / HTML).stat().st_size
    opened = f"open {folder / HTML} ({size / 1e6:.1f} MB)"
    cli.console.lines(f"{folder}: {len(names)} files; {opened}")

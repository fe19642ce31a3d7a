"""Damages files of every kind and gives them to the commands that read them."""

import json
import random
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from rich.table import Table
from typer import Argument, BadParameter, Exit, Option

from fuzz.campaign import Campaign, Case, Outcome, Server, counted, spoil
from fuzz.corpus import make_corpus
from fuzz.target import Target
from fuzz.targets import TARGETS
from fuzz.verdict import RIGHT, Verdict
from pydrdl import cli
from pydrdl.errors import InputError

SCHEMA = "drdl.fuzz/1"


def rounds(targets: tuple[Target, ...], seed: int, first: int) -> Iterator[Case]:
    """Every target once, in a random order, then every target again, .."""
    number = first
    while True:
        order = list(targets)
        random.Random(f"{seed}/{number}").shuffle(order)
        for target in order:
            yield Case(target, seed, number)
        number += 1


def chosen(words: list[str]) -> tuple[Target, ...]:
    """The targets whose name or kind holds one of the words; all without words."""
    found = tuple(
        t for t in TARGETS if not words or any(w in f"{t.name} {t.kind}" for w in words)
    )
    if not found:
        raise BadParameter("no target holds such words; --list shows all")
    return found


def fuzz(
    targets: Annotated[
        list[str] | None, Argument(help="Only those whose name holds such a word.")
    ] = None,
    minutes: Annotated[float, Option(min=0, help="To go on for.")] = 1.0,
    cases: Annotated[
        int | None, Option(min=1, help="So many of each target, however long.")
    ] = None,
    seed: Annotated[int, Option(min=0, help="Of all damage.")] = 0,
    first: Annotated[int, Option(min=0, help="Number of the first case.")] = 0,
    servers: Annotated[int, Option(min=1, help="Commands at a time.")] = 1,
    faults: Annotated[
        Path | None, Option(help="File for every fault, with its output.")
    ] = None,
    json_file: Annotated[
        Path | None, Option("--json", help="Write the table to this file (replaced).")
    ] = None,
    replay: Annotated[
        str | None, Option(help="A case's name: shows it, and keeps its folder.")
    ] = None,
    listed: Annotated[bool, Option("--list", help="Show the targets.")] = False,
) -> None:
    """Spoil files, run the commands that read them, and count how they end.

    Exits with 1 where a command ended in another way than done or refused.

    Example: python tests/fuzz --minutes 60 --servers 2 --json docs/fuzz.json

    Example: python tests/fuzz features --cases 100
    """
    if listed:
        for target in TARGETS:
            cli.console.print(f"{target.kind}: {target.name}", soft_wrap=True)
        return
    if replay is not None:
        _replay(replay)
        return
    selected = chosen(targets or [])
    with tempfile.TemporaryDirectory(prefix="drdl_fuzz_") as folder:
        campaign = Campaign(make_corpus(Path(folder) / "corpus"), Path(folder), servers)
        started = time.monotonic()
        outcomes = list(_until(campaign, selected, seed, first, minutes, cases, faults))
        took = (time.monotonic() - started) / 60
    _show(outcomes)
    if json_file is not None:
        _write(json_file, outcomes, seed, took)
    if any(outcome.verdict not in RIGHT for outcome in outcomes):
        raise Exit(1)


def _until(
    campaign: Campaign,
    targets: tuple[Target, ...],
    seed: int,
    first: int,
    minutes: float,
    cases: int | None,
    faults: Path | None,
) -> Iterator[Outcome]:
    """Outcomes until the time is over, or so many of each are there."""
    end = time.monotonic() + 60 * minutes

    def wanted() -> Iterator[Case]:
        for case in rounds(targets, seed, first):
            over = (
                time.monotonic() > end
                if cases is None
                else case.number >= cases + first
            )
            if over:
                return
            yield case

    for outcome in campaign.run(wanted()):
        if outcome.verdict not in RIGHT:
            cli.stderr.print(f"{outcome.verdict}: {outcome.case.name}", soft_wrap=True)
            if faults is not None:
                _note(faults, outcome)
        yield outcome


def _note(path: Path, outcome: Outcome) -> None:
    with path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
        content = {
            "verdict": outcome.verdict,
            "case": outcome.case.name,
            "command": outcome.case.target.command,
            "way": outcome.way,
            "output": outcome.output,
        }
        print(json.dumps(content), file=stream)


def _show(outcomes: list[Outcome]) -> None:
    shown = [v for v in Verdict if v in RIGHT or any(o.verdict is v for o in outcomes)]
    table = Table("file", "cases", *shown)
    table.columns[0].no_wrap = True
    for kind, counts in counted(outcomes).items():
        numbers = [f"{counts[v]:,}" if counts[v] else "" for v in shown]
        table.add_row(kind, f"{counts.total():,}", *numbers)
    cli.console.print(table)


def _write(path: Path, outcomes: list[Outcome], seed: int, minutes: float) -> None:
    kinds = {
        kind: {verdict: counts[verdict] for verdict in Verdict}
        for kind, counts in sorted(counted(outcomes).items())
    }
    commands = sorted({o.case.target.command.split()[0] for o in outcomes})
    content = {
        "schema": SCHEMA, "command": _command(), "seed": seed,
        "minutes": round(minutes, 1),
        "targets": len({o.case.target.name for o in outcomes}), "commands": commands,
        "kinds": kinds,
    }  # fmt: skip
    cli.write_json(path, content)


def _command() -> str:
    """How this was started, but for where it wrote to."""
    kept, words = [], iter(sys.argv[1:])
    for word in words:
        if word in ("--json", "--faults"):
            next(words, None)
        else:
            kept.append(word)
    return shlex.join(["python", "tests/fuzz", *kept])


def _replay(name: str) -> None:
    """Spoils one file again and runs its command; both can be looked at."""
    words = name.rsplit("/", 2)
    named = {target.name: target for target in TARGETS}
    if len(words) != 3 or words[0] not in named or not (words[1] + words[2]).isdigit():
        raise InputError("no such case", name, "name it as --faults shows it")
    folder = Path(tempfile.mkdtemp(prefix="drdl_fuzz_"))
    campaign = Campaign(make_corpus(folder / "corpus"), folder)
    case = Case(named[words[0]], int(words[1]), int(words[2]))
    campaign._copy(case.target, folder / "spoilt")
    way = spoil(case, folder / "spoilt")
    shutil.copytree(folder / "spoilt", folder / "case")
    server = Server()
    outcome = campaign.outcome(case, folder / "spoilt", server)
    server.close()
    words = [sys.executable, *case.target.argv]
    command = words if case.target.argv[0].endswith(".py") else case.target.argv
    cli.console.print(
        f"{outcome.verdict} ({way})\ncd {folder / 'case'}\n{' '.join(command)}\n"
        f"{outcome.output}",
        soft_wrap=True,
    )


def main() -> None:
    """Runs the command."""
    cli.run(fuzz)

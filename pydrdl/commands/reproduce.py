"""Regenerates the paper's tables, from data to numbers; goes on where it stopped."""

import os
import re
import shlex
import sys
import time
from collections.abc import Collection
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from pydrdl import cli
from pydrdl.commands import options

if TYPE_CHECKING:
    from pydrdl.reproduce import setting


Preset = Literal["mini", "demo", "larger", "paper"]
# "all" is what the paper prints.
Wanted = StrEnum(
    "Wanted",
    "table3 table4 table6 fig10 ablations heldout convergence softmax gradients "
    "growth paper_net photographs generalisation all",
)
# Targets whose nets start as these say, whatever --start says.
OWN_STARTS = {"softmax", "gradients", "paper_net", "photographs", "generalisation"}
OF_PHOTOGRAPHS = {"photographs", "generalisation"}
ONE_TRAINING = {"softmax", "paper_net", *OF_PHOTOGRAPHS}  # of every net
DRAWN = {"growth", "heldout", "paper_net"}  # their vehicles always are
# Those that start from a small net's weights, draw for it, or change its input.
OF_SMALL_NETS = {"softmax", "gradients", "growth", *OF_PHOTOGRAPHS}
OF_CLASSIFIERS = {"table3", "fig10"}
PRINTED = ("table3", "table4", "table6", "fig10")


def reproduce(
    targets: Annotated[
        list[Wanted], Argument(help="What to regenerate; one or several.")
    ],
    preset: Annotated[
        Preset,
        Option(
            help="demo: small nets, rendered data; paper: the paper's, VehicleID; "
            "larger: five times the demo; mini: to see that all runs."
        ),
    ] = "demo",
    work: Annotated[
        Path | None,
        Option(
            "--output",
            "--work",
            help="Folder for all that is made; default: data/reproduce/PRESET.",
        ),
    ] = None,
    data: Annotated[
        Path | None, Option(help="VehicleID's folder; without it, one is drawn.")
    ] = None,
    compcars: Annotated[
        Path | None, Option(help="CompCars' folder; without it, one is drawn.")
    ] = None,
    seeds: Annotated[int, Option(min=1, help="Trainings of each method.")] = 1,
    iterations: Annotated[
        int | None, Option(min=1, help="Of each training; default: the preset's.")
    ] = None,
    weights: Annotated[
        Path | None, Option(help="VGG_CNN_M_1024's caffemodel to start from.")
    ] = None,
    start: Annotated[
        Literal["random", "lrn", "pretrained"],
        Option(
            help="Small nets' weights and form: random, with batch normalisation; lrn: "
            "random, in the paper's form; pretrained: that form, a softmax's weights."
        ),
    ] = "random",
    classifier_rate: Annotated[
        float | None,
        Option(
            min=1e-9,
            help="First learning rate of GoogLeNet, and of VGG's softmax from --start "
            "random; default: 0.1 for small nets, otherwise the paper's 0.01.",
        ),
    ] = None,
    photographs: Annotated[
        Path | None, Option(help="Folder of <class>_<number>_cam<1|2>.jpg.")
    ] = None,
    gpu: Annotated[str | None, options.GPUS] = None,
    jobs: Annotated[
        int | None,
        Option(
            min=1,
            help="Commands at a time; default: one for each core, at most 4 and as "
            "many as nets can be trained at a time; 1 with --gpu.",
        ),
    ] = None,
    json: Annotated[
        Path | None,
        options.json_file(
            "the tables, with each training's numbers,", "drdl.reproduced"
        ),
    ] = None,
    list_steps: Annotated[
        bool, Option("--list", help="Only show the commands, in their order.")
    ] = False,
) -> None:
    """Regenerate the paper's tables, from data to numbers.

    Does every step of a table that is not done yet, and prints it.

    Killed anywhere, the same command goes on where it was. How long is left is
    told from what steps like those to come took before, in the same folder.

    Example: python tools/reproduce.py table6 --preset demo --seeds 5
    """
    from pydrdl.pycaffe import refuse_no_gpu
    from pydrdl.reproduce import setting, tables
    from pydrdl.reproduce.chain import Chain
    from pydrdl.reproduce.runner import ChainProgress, run_steps

    # Relative where it can be, so that the commands shown can be typed.
    tools = Path(os.path.relpath(Path(__file__).parents[2] / "tools"))
    chosen = replace(
        setting.PRESETS[preset](work or Path("data/reproduce") / preset, tools),
        data=data,
        compcars=compcars,
        seeds=tuple(range(1, seeds + 1)),
        photographs=photographs,
        gpu=gpu or "",
    )
    for is_given, own, what, *names in (
        (start != "random" or weights is not None, OWN_STARTS, "starts",
         "--start", "--weights"),
        (seeds != 1, ONE_TRAINING, "seeds", "--seeds"),
        (iterations is not None, OF_PHOTOGRAPHS, "iterations", "--iterations"),
    ):  # fmt: skip
        if is_given and own.issuperset(targets):
            what = f"of {', '.join(targets)}: they have {what} of their own"
            raise cli.wrong_use(what, *names)
    if data is not None and (drawn := [t for t in targets if t in DRAWN]):
        what = f"of {', '.join(drawn)}: they have drawn vehicles of their own"
        raise cli.wrong_use(what, "--data")
    chosen = replace(chosen, start=_start(chosen, start, weights))
    if list_steps and json is not None:
        raise cli.wrong_use("nothing is computed", "--list", "--json")
    if gpu and not re.fullmatch(r"all|\d+(,\d+)*", gpu):
        raise cli.wrong_use(f"{gpu!r}; expected numbers such as 0,1, or all", "--gpu")
    if gpu and not list_steps:
        refuse_no_gpu(0 if gpu == "all" else int(gpu.partition(",")[0]))
    if iterations is not None:
        third = (iterations + 2) // 3
        chosen = replace(chosen, iterations=iterations, stepsize=third, snapshot=third)
    asked = {*targets, *(PRINTED if "all" in targets else ())}
    if classifier_rate is not None:
        if OF_CLASSIFIERS.isdisjoint(asked):
            what = f"{', '.join(targets)} has no such classifiers"
            raise cli.wrong_use(what, "--classifier-rate")
        chosen = replace(chosen, classifier_rate=classifier_rate)
    needed = [target for target in targets if target in OF_PHOTOGRAPHS]
    if needed and photographs is None:
        what = f"the target {needed[0]} needs it: their folder"
        raise cli.wrong_use(what, "--photographs")
    if photographs is not None and not needed:
        what = f"{', '.join(targets)} needs no photographs"
        raise cli.wrong_use(what, "--photographs")
    small = [target for target in targets if target in OF_SMALL_NETS]
    if small and chosen.base != "demo":
        raise cli.wrong_use(f"{', '.join(small)}: of small nets only", "--preset")
    chain = Chain(chosen)
    results = {t: getattr(chain, t)() for t in tables.TABLES if t in asked}
    report = None
    if asked.intersection(PRINTED):
        files = [path for t in PRINTED for path in results.get(t, {}).values()]
        command = f"{sys.argv[0]} {shlex.join(sys.argv[1:])}"  # of drdl, with its name
        if sys.argv[0].endswith(".py"):
            command = f"python {shlex.join(sys.argv)}"
        of_vehicles = not asked.intersection(PRINTED) <= {"table3"}
        report = chain.report(files, command, of_vehicles=of_vehicles)
    for folder, name, option in (
        (data, "VehicleID", "--data"),
        (compcars, "CompCars", "--compcars"),
    ):
        if folder and not any(str(folder) in step.command for step in chain.steps):
            raise cli.wrong_use(f"{', '.join(targets)} needs no {name}", option)
    if list_steps:
        steps = ((step.name, shlex.join(step.command)) for step in chain.steps)
        cli.console.lines(*(f"{name}: {command}" for name, command in steps))
        return
    cores = os.cpu_count() or 1
    jobs = jobs or (1 if gpu else min(cores, 4, chain.nets_at_a_time()))
    # Several nets on one core each learn more than one net on several.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(max(1, cores // jobs)))
    progress = ChainProgress(cli.stderr.lines)
    started = time.monotonic()
    run_steps(chain.steps, chosen.work, progress, jobs=jobs)
    cli.stderr.print(progress.summary(time.monotonic() - started))
    shown = []
    for target, made in results.items():
        shown.append(tables.TABLES[target](made))
        given = compcars if target == "table3" else data
        cli.console.print(tables.render(shown[-1], same_data=given is not None))
    conditions = _conditions(chosen, asked)
    cli.console.lines(conditions)
    if report is not None:
        cli.console.lines(f"report: {report}")
    if json is not None:
        splits = dict(chosen.splits)
        content = tables.to_json(shown, conditions=conditions, splits=splits)
        cli.write_json(json, content)


def _start(s: "setting.Setting", start: str, weights: Path | None) -> "setting.Start":
    """What the nets of a setting start from.

    Raises:
        BadParameter: two starts are given, or one that is not for its nets.
    """
    from pydrdl.reproduce.setting import LRN, Start

    if start == "random":
        return Start("", weights=weights)
    if weights is not None:
        what = f"{start} and --weights are two starts; give one"
        raise cli.wrong_use(what, "--start")
    if s.base != "demo":
        raise cli.wrong_use("it is for the small nets; give --weights", "--start")
    return s.pretrained if start == "pretrained" else LRN


def _conditions(s: "setting.Setting", asked: Collection[str]) -> str:
    from pydrdl.nets.structures import Schedule
    from pydrdl.reproduce.setting import FOLDS, LRN, Start

    if OF_PHOTOGRAPHS.issuperset(asked):
        return (
            f"Conditions: photographs by two cameras, {FOLDS} folds over vehicles and "
            f"a training of each net in each; nets of preset {s.base}; "
            f"{s.photograph_iterations:,} iterations."
        )
    sources = [] if asked == {"table3"} else [s.vehicleid]
    longer = ""
    if OF_CLASSIFIERS.intersection(asked):
        sources.append(s.web)
        if s.web.iterations > s.iterations:
            longer = f" ({s.web.iterations:,} on CompCars)"
        if s.classifier_rate not in (None, Schedule.base_lr):
            random = s.start == Start("") or asked == {"table3"}
            whose = "classifiers" if random else "GoogLeNet"
            longer += f", {whose} at a rate of {s.classifier_rate:g}"
    if "softmax" in asked:
        world = s.softmax_world
        form = shlex.join(LRN.options)
        longer += f" ({world.iterations:,} of the softmax, {form})"
    drawn = f"rendered data (preset {s.render}), which is not the paper's"
    data = "; ".join(
        f"{source.name} {drawn if source.renderer else source.root}"
        for source in sources
    )
    if all(source.renderer for source in sources):
        data = drawn
    weights, form = s.start.weights, shlex.join(s.start.options)
    start = "random weights" if weights is None else weights.name
    if asked == {"gradients"}:
        start = f"random weights and from {s.pretrained.name} ones"
        form = shlex.join(LRN.options)
    if asked == {"paper_net"}:
        start = "a softmax's weights"
    return (
        f"Conditions: {data}; nets of preset {s.base}{form and f' ({form})'} from "
        f"{start}; "
        f"{s.iterations:,} iterations{longer}; "
        f"{len(s.seeds)} training(s) of each method."
    )

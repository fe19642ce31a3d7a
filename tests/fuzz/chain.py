"""A folder of tools/reproduce.py in which every step of Table 6 is done.

The steps are not run: what they make is empty but for the results, which are
another evaluation's with the chain's names.
"""

import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from commands import ROOT

from pydrdl import paper
from pydrdl.reproduce import setting
from pydrdl.reproduce.plan import Plan
from pydrdl.reproduce.runner import run_steps
from pydrdl.reproduce.steps import Step

METHODS = (paper.VGG_TRIPLET, paper.VGG_CCL, paper.MIXED_CCL)
NAMES = tuple(f"{method}, seed 1" for method in METHODS)
COMMAND = "reproduce.py table6 --preset mini --work chain"


def make_chain(folder: Path, results: Path) -> None:
    """Makes folder/chain.

    Args:
        folder: where COMMAND is given.
        results: eval_cmc.py's, of three files named NAMES; taken away.
    """
    here = Path.cwd()
    os.chdir(folder)  # the chain's paths are relative
    try:
        tools = Path(os.path.relpath(ROOT / "tools"))
        plan = Plan(setting.mini(Path("chain"), tools))
        files = list(plan.table6().values())
        tool, *words = COMMAND.split()
        argv = [str(ROOT / "tools" / tool), *words]
        plan.report(files, "python " + shlex.join(argv))
        done = [
            replace(step, action=_made(step, files, results)) for step in plan.steps
        ]
        run_steps(done, Path("chain"))
        results.unlink()
    finally:
        os.chdir(here)


def _made(step: Step, files: list[Path], results: Path) -> Callable[[Path], object]:
    def make(_: Path) -> None:
        step.output.parent.mkdir(parents=True, exist_ok=True)
        text = results.read_text() if step.output in files else ""
        step.output.write_text(text)

    return make

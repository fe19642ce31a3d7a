"""A folder of tools/reproduce.py in which every step of Table 6 is done.

The steps are not run: what they make is empty but for the results, which are
another evaluation's with the chain's names.
"""

import os
import shlex
from pathlib import Path

from commands import ROOT

from pydrdl import paper
from pydrdl.reproduce import setting
from pydrdl.reproduce.chain import Chain
from pydrdl.reproduce.steps import StepRecord, recipes

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
        chain = Chain(setting.mini(Path("chain"), tools))
        files = list(chain.table6().values())
        tool, *words = COMMAND.split()
        argv = [str(ROOT / "tools" / tool), *words]
        chain.report(files, "python " + shlex.join(argv))
        recipe = recipes(chain.steps)
        for step in chain.steps:
            record = StepRecord(Path("chain"), step, recipe[step.name])
            record.begin()
            text = results.read_text() if step.output in files else ""
            step.output.write_text(text)
            record.finish(1.0)
        results.unlink()
    finally:
        os.chdir(here)

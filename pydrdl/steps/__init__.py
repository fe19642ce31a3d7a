"""A chain of commands, each run once, that goes on where it was stopped.

A step is done when its output stands and `<work>/steps/<name>.json` holds its
recipe: the command and, through the recipes of the steps it reads from, all
commands before it, with the contents of the files that come from elsewhere. A
step whose recipe has changed is made anew, and so is all that follows.
"""

from pydrdl.steps.forecast import Left
from pydrdl.steps.record import seconds_of
from pydrdl.steps.run import Event, failure, run_steps
from pydrdl.steps.step import Step, log_of

__all__ = ["Event", "Left", "Step", "failure", "log_of", "run_steps", "seconds_of"]

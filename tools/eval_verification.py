"""`drdl eval-verification` as a script."""

from pydrdl.commands import tool

tool(__name__, "eval_verification")

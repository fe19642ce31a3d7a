"""`drdl eval-cmc` as a script."""

from pydrdl.commands import tool

tool(__name__, "eval_cmc")

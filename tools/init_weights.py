"""`drdl init-weights` as a script."""

from pydrdl.commands import tool

tool(__name__, "init_weights")

"""`drdl make-nets` as a script."""

from pydrdl.commands import tool

tool(__name__, "make_nets")

"""`drdl plot-training` as a script."""

from pydrdl.commands import tool

tool(__name__, "plot_training")

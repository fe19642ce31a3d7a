"""`drdl explain` as a script."""

from pydrdl.commands import tool

tool(__name__, "explain")

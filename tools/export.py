"""`drdl export` as a script."""

from pydrdl.commands import tool

tool(__name__, "export")

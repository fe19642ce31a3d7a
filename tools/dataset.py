"""`drdl check` and `drdl show` as a script."""

from pydrdl.commands import tool

tool(__name__, "check", "show")

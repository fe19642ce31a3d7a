"""`drdl parse-log` as a script."""

from pydrdl.commands import tool

tool(__name__, "parse_log")

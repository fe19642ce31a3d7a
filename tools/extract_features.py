"""`drdl extract-features` as a script."""

from pydrdl.commands import tool

tool(__name__, "extract_features")

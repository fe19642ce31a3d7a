"""`drdl build-lmdb` as a script."""

from pydrdl.commands import tool

tool(__name__, "build_lmdb")

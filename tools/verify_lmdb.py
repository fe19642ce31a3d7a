"""`drdl verify-lmdb` as a script."""

from pydrdl.commands import tool

tool(__name__, "verify_lmdb")

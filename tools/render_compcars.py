"""`drdl render-compcars` as a script."""

from pydrdl.commands import tool

tool(__name__, "render_compcars")

"""`drdl models` and `drdl model-card` as a script."""

from pydrdl.commands import tool

tool(__name__, "models", "model_card")

"""`drdl joint-bayesian` and `drdl svm` as a script."""

from pydrdl.commands import tool

tool(__name__, "joint_bayesian", "svm")

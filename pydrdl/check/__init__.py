"""What is right and what is wrong with a data set on disk."""

from pydrdl.check.findings import Checkup, check_dataset
from pydrdl.check.problem import Problem, Severity

__all__ = ["Checkup", "Problem", "Severity", "check_dataset"]

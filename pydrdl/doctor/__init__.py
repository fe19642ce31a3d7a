"""The doctor: what is right and what is wrong with a data set on disk."""

from pydrdl.doctor.checkup import Checkup, check_dataset
from pydrdl.doctor.problem import Problem, Severity

__all__ = ["Checkup", "Problem", "Severity", "check_dataset"]

"""Several trainings of one method: how their rows are named, and their mean.

A row "<method>, seed <n>" is of one training of a method; tools/reproduce.py
names its rows so. Any other name stands for itself.
"""

import math
import re
from dataclasses import dataclass

from scipy.special import stdtrit

_TRAINING = re.compile(r"(.+), seed (\d+)")


def training_of(name: str) -> tuple[str, int | None]:
    """A row's method and the seed of its training; None where it names no seed."""
    found = _TRAINING.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, None)


@dataclass(frozen=True)
class OverTrainings:
    """One number of several trainings.

    Attributes:
        values: one for each training.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over trainings."""
        return math.fsum(self.values) / len(self.values)

    @property
    def interval(self) -> float | None:
        """Half the 95 % confidence interval of the mean; None of one training.

        Student's t, so that five trainings are not taken for many.
        """
        n = len(self.values)
        if n < 2:
            return None
        variance = math.fsum((v - self.mean) ** 2 for v in self.values) / (n - 1)
        quantile = float(stdtrit(n - 1, 0.975))
        return quantile * math.sqrt(variance / n)

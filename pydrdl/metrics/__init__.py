"""Measures of retrieval and verification: pure functions of arrays.

Distances may be any measure whose order counts; smaller is more alike (give a
similarity its minus). No function skips what it cannot score: it raises.
"""

from pydrdl.metrics.average_precision import (
    Rule,
    average_precision,
    average_precision_from_matches,
)
from pydrdl.metrics.cmc import cmc_curve, cmc_from_counts, cmc_from_matches
from pydrdl.metrics.matches import Matches, Ties, matches_from_distances
from pydrdl.metrics.pair_accuracy import accuracy, best_threshold
from pydrdl.metrics.roc import Roc, auc, equal_error_rate, roc_curve

__all__ = [
    "Matches",
    "Roc",
    "Rule",
    "Ties",
    "accuracy",
    "auc",
    "average_precision",
    "average_precision_from_matches",
    "best_threshold",
    "cmc_curve",
    "cmc_from_counts",
    "cmc_from_matches",
    "equal_error_rate",
    "matches_from_distances",
    "roc_curve",
]

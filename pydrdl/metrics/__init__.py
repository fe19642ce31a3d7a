"""Measures of retrieval and verification: pure functions of arrays.

Distances may be any measure whose order counts; smaller is more alike (give a
similarity its minus). No function skips what it cannot score: it raises.
"""

from pydrdl.metrics.matches import (
    Matches,
    Rule,
    Ties,
    average_precision,
    average_precision_from_matches,
    cmc_curve,
    cmc_from_counts,
    cmc_from_matches,
    matches_from_distances,
)
from pydrdl.metrics.thresholds import (
    Roc,
    accuracy,
    auc,
    best_threshold,
    equal_error_rate,
    roc_curve,
)

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

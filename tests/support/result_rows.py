"""Rows of result files as tools/eval_*.py --json writes them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FEATURES = {
    "path": "f.h5", "sha256": "12", "net": "n", "net_sha256": "34", "weights": "w",
    "weights_sha256": "56", "layer": "fc8", "dataset": "VehicleID", "split": "test_800",
    "preprocess": "{}",
}  # fmt: skip
SPLIT = {"name": "one random image per vehicle", "seed": 0, "sha256": "78"}


def cmc_row(name: str, rates: Sequence[float]) -> dict[str, Any]:
    """A row of eval_cmc.py; the last of the rates is that of all further ranks."""
    curve = [*rates, *[rates[-1]] * (50 - len(rates))]
    return {
        "name": name, "features": FEATURES, "split": SPLIT, "repeats": 1,
        "gallery": 800, "probes": 5_693, "vehicles_without_probe": 0,
        "cmc": {"mean": curve, "std": None, "per_repeat": [curve]},
        "ties": {"rule": "expected", "probes": 0.0, "mean_equal": 0.0,
                 "optimistic": None, "pessimistic": None},
        "paper": None,
    }  # fmt: skip


def map_row(name: str, mean: float) -> dict[str, Any]:
    """A row of eval_map.py."""
    rates = {"mean": mean, "std": None, "per_repeat": [mean]}
    return {
        "name": name, "features": FEATURES, "relevance": "vehicle", "split": SPLIT,
        "repeats": 1, "vehicles": 800, "gallery": 4_000, "probes": 2_000,
        "vehicles_without_probe": 3, "map": rates, "map_trapezoid": rates,
        "ties": {"rule": "expected", "probes": 0.0, "mean_equal": 0.0,
                 "optimistic": mean, "pessimistic": mean},
        "paper": None,
    }  # fmt: skip


def verification_row(name: str, accuracies: Sequence[float | None]) -> dict[str, Any]:
    """A row of eval_verification.py, a list of pairs for each accuracy."""
    pairs = [
        {
            "name": f"list {number}", "rule": "the list", "sha256": f"{number}",
            "same": 1_000, "different": 1_000, "accuracy": accuracy, "training": None,
            "folds": {"mean": 0.7, "std": 0.01, "per_fold": [0.7] * 10},
            "test_optimal": {"threshold": 1.2, "accuracy": 0.75},
            "auc": 0.8, "eer": 0.25,
        }
        for number, accuracy in enumerate(accuracies)
    ]  # fmt: skip
    return {"name": name, "features": FEATURES, "pairs": pairs}


def cross_camera_row(name: str, mean: float) -> dict[str, Any]:
    """A row of eval_map.py --protocol cross-camera."""
    return {
        "name": name, "features": FEATURES, "sides_sha256": "9", "image_to": "track",
        "queries": 1_678, "gallery": 2_021, "vehicles": 200, "junk_pairs": 17,
        "map": mean, "map_trapezoid": mean, "cmc": [0.5] * 50,
        "ties": {"rule": "expected", "queries": 0.0, "mean_equal": 0.0,
                 "optimistic": mean, "pessimistic": mean},
    }  # fmt: skip


def content(kind: str, *rows: dict[str, Any]) -> dict[str, Any]:
    """A result file of a kind such as "cmc"."""
    return {
        "schema": f"drdl.{kind}/1", "pydrdl": "0.1.0", "protocol": "p",
        "results": list(rows),
    }  # fmt: skip


def write(path: Path, kind: str, *rows: dict[str, Any]) -> Path:
    """Writes such a file; returns its path."""
    path.write_text(json.dumps(content(kind, *rows)))
    return path

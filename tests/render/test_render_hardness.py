"""What docs/rendered.json says of the demo is of the demo as it is drawn today."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pydrdl.render.vehicle import draw_vehicle
from pydrdl.render.vehicleid import PRESETS, draw_fleet

PATH = Path(__file__).parents[2] / "docs/rendered.json"
DEMO = PRESETS["demo"]


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return json.loads(PATH.read_text(encoding="utf-8"))


def test_it_is_of_the_demo_preset(content: dict[str, Any]) -> None:
    assert content["plan"] == {
        "train": DEMO.train, "tests": list(DEMO.tests), "models": DEMO.models,
        "images": DEMO.images, "size": DEMO.size, "seed": DEMO.seed,
    }  # fmt: skip


def test_the_oracle_guesses_among_vehicles_of_one_model_and_colour(
    content: dict[str, Any],
) -> None:
    """Its expected match rate by counting, without features, galleries or ranks."""
    fleet = draw_fleet(DEMO)
    vehicles = fleet.lists[f"test_{DEMO.tests[-1]}"].tolist()
    kind = {
        v: (int(fleet.models[v]), draw_vehicle(DEMO.seed, v).colour) for v in vehicles
    }
    alike = Counter(kind.values())
    probes = {v: int(fleet.counts[v]) - 1 for v in vehicles}
    assert content["pairs_of_model_and_colour"] == len(alike)
    assert (content["gallery"], content["probes"]) == (200, sum(probes.values()))
    rates = content["cmc"]["model and colour oracle"]["mean"]
    for rank in (1, 5, 10, 20):
        found = sum(n * min(rank / alike[kind[v]], 1) for v, n in probes.items())
        assert rates[str(rank)] == pytest.approx(found / content["probes"], abs=1e-4)


def test_neither_oracle_nor_colours_find_the_vehicle(content: dict[str, Any]) -> None:
    first = {name: rates["mean"]["1"] for name, rates in content["cmc"].items()}
    assert first.pop("model and colour oracle") < 0.25
    assert len(first) >= 3
    assert max(first.values()) < 0.15

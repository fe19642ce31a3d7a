"""Result files: what the tools write is read, and what can be no result is not."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import result_rows
from drawn_features import make

from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, write_features
from pydrdl.report.build import refuse_mixed
from pydrdl.results import read_results, to_json
from pydrdl.results.evaluate import (
    evaluate_cross_camera,
    evaluate_reid,
    evaluate_retrieval,
)
from pydrdl.results.evaluate_pairs import Sampling, evaluate_verification
from pydrdl.results.result import Reidentification, Result, Retrieval

CONTENTS = {
    "cmc": result_rows.content("cmc", result_rows.cmc_row("ours", [0.4, 0.5, 0.6])),
    "map": result_rows.content("map", result_rows.map_row("ours", 0.5)),
    "verification": result_rows.content(
        "verification", result_rows.verification_row("ours", [0.8, None])
    ),
    "cross_camera": result_rows.content(
        "cross_camera", result_rows.cross_camera_row("ours", 0.5)
    ),
}


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("features") / "f.h5"
    write_features(path, make(40, 6))
    return path


def other_images(path: Path) -> Path:
    content = make(40, 6)
    names = tuple(f"other/{name}" for name in content.names)
    other = path.with_name("other.h5")
    write_features(
        other,
        FeatureSet(
            content.features + np.float32(0.1), names, content.vehicle_ids,
            content.model_ids, content.camera_ids, content.source,
        ),
    )  # fmt: skip
    return other


def test_what_the_protocols_write_is_read(features: Path, tmp_path: Path) -> None:
    other = other_images(features)
    made: dict[str, list[Any]] = {
        "cmc": evaluate_reid([features], repeats=3),
        "one": evaluate_reid([features], repeats=1),
        "map": evaluate_retrieval([features], repeats=2),
        "pairs": evaluate_verification(
            [features], sampling=Sampling(100), training=[other]
        ),
        "cameras": evaluate_cross_camera([features], [other]),
    }
    for name, results in made.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(to_json(results)))
        (result,) = read_results(Result, path)
        assert (result.name, result.method, result.seed) == ("f", "f", None)
        # All of it comes back.
        assert result.model_copy(update={"file": None}) == results[0]
        assert result.features.layer == "fc8"
        assert result.file == path
        stated = json.loads(path.read_text())["results"][0]
        if name == "pairs":
            assert result.pairs[0].accuracy == stated["pairs"][0]["accuracy"]
        elif name in ("cmc", "one"):
            assert result.cmc.per_repeat == stated["cmc"]["per_repeat"]
            assert (result.cmc.std is None) == (name == "one")
        elif name == "cameras":
            assert result.map == stated["map"]
        else:
            assert result.map.mean == stated["map"]["mean"]


def test_method_and_seed_are_fields(features: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.json"

    def made(**rows: Any) -> tuple[str, int | None, str]:
        results = evaluate_reid([features], repeats=1, **rows)
        path.write_text(json.dumps(to_json(results)))
        stated = json.loads(path.read_text())["results"][0]
        (result,) = read_results(Reidentification, path)
        found = stated["method"], stated["seed"], stated["name"]
        assert found == (result.method, result.seed, result.name)
        return found

    assert made(names=["ccl"], training_seeds=[3]) == ("ccl", 3, "ccl, seed 3")
    # What people type, and what files of before hold, is told by its name once.
    assert made(names=["ccl, seed 3"]) == ("ccl", 3, "ccl, seed 3")
    assert made(names=["ccl, seed x"]) == ("ccl, seed x", None, "ccl, seed x")
    with pytest.raises(InputError, match="2 seeds for 1 files"):
        made(training_seeds=[1, 2])
    row = result_rows.cmc_row("VGG + CCL, seed 2", [0.4])
    result_rows.write(path, "cmc", row, row | {"method": "own", "seed": None})
    before, own = read_results(Reidentification, path)
    assert (before.method, before.seed) == ("VGG + CCL", 2)
    assert (own.method, own.seed, own.name) == ("own", None, "own")


@pytest.mark.parametrize(
    ("kind", "change", "what"),
    [
        ("cmc", lambda r: r["cmc"]["mean"].__setitem__(0, 7.5),
         "results[0].cmc.mean[0] is 7.5; expected a rate from 0 to 1"),
        ("cmc", lambda r: r.update(probes=-3),
         "results[0].probes is -3; expected greater than or equal to 1"),
        ("cmc", lambda r: r.update(probes=0), "probes is 0; expected greater"),
        ("cmc", lambda r: r["cmc"].update(mean=[0.5] * 49),
         "results[0].cmc: curves of [49, 50] ranks"),
        ("cmc", lambda r: r["cmc"].update(std=[0.1]), "curves of [1, 50] ranks"),
        ("cmc", lambda r: r["cmc"].update(std=[-0.1] * 50), "std[0] is -0.1; expected"),
        ("cmc", lambda r: r["cmc"].update(per_repeat=[]), "per_repeat: List should"),
        ("cmc", lambda r: r["cmc"]["per_repeat"][0].__setitem__(9, 0.1),
         "fewer matches at rank 10 than before"),
        ("cmc", lambda r: r["ties"].update(probes=2), "ties.probes is 2; expected"),
        ("cmc", lambda r: r.update(name=5), "name is 5; expected a valid string"),
        ("cmc", lambda r: r["features"].update(net=5), "features.net is 5; expected"),
        ("cmc", lambda r: r.update(split=[]), "results[0].split; expected an object"),
        ("map", lambda r: r["map"].update(mean=True), "map.mean is True; expected"),
        ("map", lambda r: r.update(relevance="colour"), "relevance is 'colour'"),
        ("map", lambda r: r.update(vehicles=2.5), "vehicles is 2.5; expected"),
        ("verification", lambda r: r["pairs"][0].update(auc=-0.5), "auc is -0.5"),
        ("verification", lambda r: r.update(pairs=[]), "pairs: List should have"),
        ("verification", lambda r: r["pairs"][1].update(same="1"), "same is '1'"),
        ("cross_camera", lambda r: r.update(cmc=[0.5]), "cmc: List should have at"),
        ("cross_camera", lambda r: r.update(image_to="car"), "image_to is 'car'"),
    ],
)  # fmt: skip
def test_no_result(
    tmp_path: Path, kind: str, change: Callable[[Any], object], what: str
) -> None:
    content = copy.deepcopy(CONTENTS[kind])
    change(content["results"][0])
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        read_results(Result, path)
    assert what in caught.value.what
    assert caught.value.where == str(path)
    assert caught.value.next_step.startswith("evaluate again")


@pytest.mark.parametrize(
    "schema", ["drdl.cmc/2", "drdl.split/1", None, 5, ["drdl.cmc/1"]]
)
def test_another_version(tmp_path: Path, schema: object) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(CONTENTS["cmc"] | {"schema": schema}))
    with pytest.raises(InputError, match=r"schema .*; expected one of drdl\.cmc/1, "):
        read_results(Result, path)


def test_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(CONTENTS["cmc"]))
    assert read_results(Reidentification, path)[0].cmc.mean[2] == 0.6
    with pytest.raises(InputError, match=r"not of schema 'drdl\.map/1'"):
        read_results(Retrieval, path)


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every holder and key of parsed JSON."""
    if isinstance(content, dict | list):
        for key in content if isinstance(content, dict) else range(len(content)):
            yield content, key
            yield from places(content[key])


@pytest.mark.parametrize("kind", CONTENTS)
def test_any_value_anywhere_is_an_error_or_a_report(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.json"
    read = refused = 0
    for number in range(len(list(places(CONTENTS[kind])))):
        for value in (7.5, -3, 0, 10**30, True, None, "x", [], {}, [[1]], {"a": 1}):
            content = copy.deepcopy(CONTENTS[kind])
            holder, key = list(places(content))[number]
            holder[key] = value
            path.write_text(json.dumps(content))
            try:
                refuse_mixed(read_results(Result, path))
                read += 1
            except InputError:
                refused += 1
    assert read > 10 and refused > 100

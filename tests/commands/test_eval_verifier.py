"""--verifier of the evaluation tools: Joint Bayesian and SVM in the place of L2."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_tool, succeed
from sklearn.metrics import roc_auc_score

from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, Source, write_features
from pydrdl.files import file_sha256
from pydrdl.metrics import cmc_curve
from pydrdl.protocols import reid
from pydrdl.protocols.split import Split, load_split
from pydrdl.protocols.verification import read_pairs
from pydrdl.results.evaluate import evaluate_reid
from pydrdl.verifiers.file import LoadedVerifier, load, save_verifier
from pydrdl.verifiers.verifier import (
    Projection,
    Verifier,
    train_joint_bayesian,
    train_svm,
)

SOURCE = Source(net_sha256="1", weights="w", weights_sha256="2", layer="fc7")


def make(seed: int, vehicles: int = 60, images: int = 4, d: int = 12) -> FeatureSet:
    """Vehicles differ in four of the dimensions, images most in the others."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(vehicles), images)
    own = np.arange(d) < 4
    centres = rng.standard_normal((vehicles, d)) * np.where(own, 2.0, 0.0)
    noise = rng.standard_normal((ids.size, d)) * np.where(own, 0.7, 2.5)
    features = 3 + centres[ids] + noise
    return FeatureSet(
        features.astype(np.float32),
        tuple(f"{seed}_{i:04d}.jpg" for i in rng.permutation(ids.size)),
        ids,
        ids % 5,
        np.full(ids.size, -1),
        SOURCE,
    )


def with_copies(content: FeatureSet) -> FeatureSet:
    """A quarter of the images have the features of an image of other vehicles."""
    rng = np.random.default_rng(0)
    source, target = rng.permutation(len(content.names)).reshape(2, -1)
    half = len(target) // 2
    features = content.features.copy()
    features[target[:half]] = features[source[:half]]
    return replace(content, features=features)


def jb() -> Verifier:
    return train_joint_bayesian(
        make(1), "vehicle", components=11, steps=20, where="f"
    )  # fmt: skip


def svm() -> Verifier:
    return train_svm(
        make(1), "vehicle", components=11, pairs=400, seed=0, c=0.01, where="f"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features test.h5, train.h5 and verifiers jb.npz, svm.npz."""
    made = tmp_path_factory.mktemp("verifier")
    write_features(made / "test.h5", with_copies(make(2)))
    write_features(made / "train.h5", make(3))
    save_verifier(jb(), made / "jb.npz")
    save_verifier(svm(), made / "svm.npz")
    return made


def score_matrix(verifier: Verifier, content: FeatureSet) -> np.ndarray:
    """(N, N) scores; those of equal features are equal bit for bit."""
    rows, place = np.unique(content.features, axis=0, return_inverse=True)
    n = len(rows)
    grid = np.triu_indices(n)
    scores = np.empty((n, n))
    scores[grid] = scores.T[grid] = verifier.score(rows, *grid)
    return scores[np.ix_(place.ravel(), place.ravel())]


def curves(split: Split, content: FeatureSet, scores: np.ndarray, ties: Any) -> Any:
    """(repeats, 50) by the matrix of all scores."""
    row_of = {name: row for row, name in enumerate(content.names)}
    found = []
    for chosen in split.gallery:
        gallery = [row_of[split.images[i]] for i in chosen]
        probes = np.setdiff1d(np.arange(len(row_of)), gallery)
        found.append(
            cmc_curve(
                -scores[np.ix_(probes, gallery)],
                content.vehicle_ids[probes],
                content.vehicle_ids[gallery],
                ties=ties,
            )
        )
    return np.stack(found)


def test_reid_ranks_by_joint_bayesians_score(folder: Path, tmp_path: Path) -> None:
    split_file, output = tmp_path / "split.json", tmp_path / "o.json"
    options = (folder / "test.h5", "--split-file", split_file, "--json", output)
    bare = succeed("eval_cmc.py", *options)
    (by_l2,) = json.loads(output.read_text())["results"]
    assert "verifier" not in by_l2 and "compared by" not in bare
    printed = succeed("eval_cmc.py", *options, "--verifier", folder / "jb.npz")
    (result,) = json.loads(output.read_text())["results"]

    content, verifier = with_copies(make(2)), jb()
    split = load_split(split_file)
    scores = score_matrix(verifier, content)
    expected = curves(split, content, scores, "expected")
    np.testing.assert_allclose(result["cmc"]["per_repeat"], expected, atol=1e-12)
    for ties in ("optimistic", "pessimistic"):
        mean = curves(split, content, scores, ties).mean(axis=0)
        np.testing.assert_allclose(result["ties"][ties], mean, atol=1e-12)
    # There are ties, and the score is worth more than L2.
    assert result["ties"]["optimistic"][0] > result["ties"]["pessimistic"][0]
    assert expected[:, 0].mean() > np.mean(by_l2["cmc"]["mean"][0]) + 0.05
    assert result["split"] == by_l2["split"]
    named = result["verifier"]
    assert named["sha256"] == file_sha256(folder / "jb.npz")
    assert named["kind"] == "joint_bayesian"
    assert named["training"]["label"] == "vehicle"
    assert named["training"]["features_sha256"] == make(1).sha256
    assert (
        f"compared by Joint Bayesian, {folder / 'jb.npz'} {named['sha256'][:16]}, "
        f"trained on vehicles, features {make(1).sha256[:16]}" in printed
    )
    assert "no test result" not in printed


@pytest.mark.parametrize("kind", ["jb", "svm"])
def test_verification_compares_by_the_score(
    kind: str, folder: Path, tmp_path: Path
) -> None:
    listed, output = tmp_path / "pairs.txt", tmp_path / "o.json"
    train_listed = tmp_path / "train_pairs.txt"
    train = folder / "train.h5"
    succeed("eval_verification.py", train, "--draw", 200, "--save-pairs", train_listed)
    printed = succeed(
        "eval_verification.py", folder / "test.h5", "--draw", 150,
        "--save-pairs", listed, "--train", train, "--train-pairs", train_listed,
        "--verifier", folder / f"{kind}.npz", "--json", output,
    )  # fmt: skip
    (result,) = json.loads(output.read_text())["results"]
    (scored,) = result["pairs"]

    verifier = {"jb": jb, "svm": svm}[kind]()
    truth, scores = {}, {}
    for file, content in ((listed, with_copies(make(2))), (train_listed, make(3))):
        pairs = read_pairs(file)
        first, second = pairs.rows_in(content.names, file)
        truth[file] = np.array(pairs.same)
        scores[file] = score_matrix(verifier, content)[first, second]
    cut = -scored["training"]["threshold"]
    judged = (scores[listed] >= cut) == truth[listed]
    assert scored["accuracy"] == pytest.approx(judged.mean(), abs=1e-12)
    assert scored["auc"] == pytest.approx(roc_auc_score(truth[listed], scores[listed]))
    # No other threshold does better on the training pairs.
    ours = ((scores[train_listed] >= cut) == truth[train_listed]).mean()
    for other in scores[train_listed]:
        assert ((scores[train_listed] >= other) == truth[train_listed]).mean() <= ours
    assert scored["training"]["accuracy"] == pytest.approx(ours)
    assert f"threshold: a score of at least {cut:.4g}, from" in printed
    assert result["verifier"]["kind"] == {"jb": "joint_bayesian"}.get(kind, kind)


def load_from(verifier: Verifier) -> LoadedVerifier:
    return LoadedVerifier(Path("jb.npz"), "0", verifier)


class Uneven(Projection):
    """As a matrix product that rounds a row by where it stands, only coarser."""

    def __call__(self, features: np.ndarray) -> np.ndarray:
        error = 1e-3 * np.arange(len(features))[:, None]
        return np.asarray(super().__call__(features) + error)


def test_equal_features_tie_however_products_round() -> None:
    verifier = jb()
    uneven = replace(verifier, projection=Uneven(**vars(verifier.projection)))
    loaded = load_from(uneven)
    content = make(4)
    content.features[:] = content.features[np.arange(240) % 7]
    for points in loaded.points(content, "f"):
        assert len(np.unique(points, axis=0)) == 7
        np.testing.assert_array_equal(points[::7], points[[0] * 35])
    rows = np.arange(200)
    one = loaded.distances(content, rows, rows + 3, "f")
    np.testing.assert_array_equal(
        one, loaded.distances(content, rows + 3 + 14, rows + 7, "f")
    )
    np.testing.assert_array_equal(
        load_from(verifier).distances(make(4), rows, rows + 3, "f"),
        load_from(verifier).distances(make(4), rows + 3, rows, "f"),
    )
    assert len(np.unique(one)) == 7


def test_a_collapsed_net_scores_chance(folder: Path, tmp_path: Path) -> None:
    content = make(2)
    content.features[:] = content.features[5]
    write_features(tmp_path / "c.h5", content)
    (entry,) = evaluate_reid([tmp_path / "c.h5"], verifier=folder / "jb.npz")
    np.testing.assert_allclose(entry.cmc.mean, np.arange(1, 51) / 60)
    assert entry.ties.probes == 1


def test_points_may_be_zero_but_features_not(folder: Path, tmp_path: Path) -> None:
    """The mean of the training images is probe 0 for Joint Bayesian."""
    content = make(2)
    split = reid.draw_split(content.names, content.vehicle_ids)
    probes = content.features.copy()
    probes[7] = 0
    reid.evaluate(
        probes, content.names, content.vehicle_ids, split,
        gallery_features=content.features,
    )  # fmt: skip
    with pytest.raises(InputError, match="1 of 240 features are zero throughout"):
        reid.evaluate(probes, content.names, content.vehicle_ids, split)
    infinite = content.features.copy()
    infinite[9, 3] = np.inf
    with pytest.raises(InputError, match="NaN or infinity"):
        reid.evaluate(
            probes, content.names, content.vehicle_ids, split,
            gallery_features=infinite,
        )  # fmt: skip
    write_features(tmp_path / "z.h5", replace(content, features=probes))
    with pytest.raises(InputError, match="1 of 240 features are zero throughout"):
        evaluate_reid([tmp_path / "z.h5"], verifier=folder / "jb.npz")


@pytest.mark.parametrize("tool", ["eval_cmc.py", "eval_verification.py"])
def test_features_of_another_net_are_refused(
    tool: str, folder: Path, tmp_path: Path
) -> None:
    other, output = tmp_path / "other.h5", tmp_path / "o.json"
    write_features(
        other, replace(make(2), source=SOURCE.model_copy(update={"layer": "fc6"}))
    )
    options = () if tool == "eval_cmc.py" else ("--draw", 20)
    done = run_tool(
        tool, folder / "test.h5", other, *options,
        "--verifier", folder / "jb.npz", "--json", output,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: features of another net: layer is 'fc6'; the baseline was trained on "
        f"'fc7'\n  where: {other}\n  next: extract with the net it was trained on, or "
        "train it on these\n"
    )
    assert not output.exists()
    missing = run_tool(tool, folder / "test.h5", "--verifier", tmp_path / "no.npz")
    assert missing.returncode == 1
    assert "cannot read the verifier: No such file" in missing.stderr


def test_a_report_draws_no_l2_strips_of_it(folder: Path, tmp_path: Path) -> None:
    result, features = tmp_path / "o.json", folder / "test.h5"
    succeed(
        "eval_cmc.py", features, "--verifier", folder / "jb.npz", "--json", result
    )  # fmt: skip
    page = tmp_path / "page"
    done = run_tool(
        "report.py", page, "--result", result, "--features", f"test={features}"
    )
    assert (done.returncode, page.exists()) == (1, False)
    assert "'test' was not ranked by L2 distance, as strips" in done.stderr
    succeed("report.py", page, "--result", result)


@pytest.mark.parametrize("large", [1e160, 1e300])
def test_scores_beyond_all_numbers_are_refused(
    folder: Path, large: float, recwarn: pytest.WarningsRecorder
) -> None:
    trained = jb()
    model = replace(trained.model, s_mu=trained.model.s_mu * large)  # type: ignore[arg-type]
    loaded = load_from(replace(trained, model=model))
    content, rows = make(2), np.arange(9)
    with pytest.raises(InputError, match="scores these features with NaN or infinity"):
        loaded.points(content, "f")
    with pytest.raises(InputError, match="scores these features with NaN or infinity"):
        loaded.distances(content, rows, rows + 1, "f")
    assert not recwarn


def test_an_svm_ranks_no_gallery(folder: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    done = run_tool(
        "eval_cmc.py", folder / "test.h5", "--verifier", folder / "svm.npz",
        "--split-file", split,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "an SVM scores pairs, and does not rank a gallery" in done.stderr
    assert not split.exists()


def test_other_refusals_and_notes(folder: Path, tmp_path: Path) -> None:
    loaded = load(folder / "jb.npz")
    assert loaded is not None and load(None) is None
    with pytest.raises(
        InputError, match=r"of 9 dimensions; .*jb\.npz was trained on 12"
    ):
        loaded.points(make(2, d=9), "f")
    change = {"weights": "untrained, seed 0", "weights_sha256": ""}
    untrained = SOURCE.model_copy(update=change)
    training = loaded.verifier.training.model_copy(update={"source": untrained})
    trained = replace(loaded.verifier, training=training)
    trained.check_source(untrained, "f")
    another = untrained.model_copy(update={"weights": "untrained, seed 1"})
    with pytest.raises(InputError, match="another net: weights is 'untrained, seed 1'"):
        trained.check_source(another, "f")
    write_features(tmp_path / "own.h5", make(1))
    printed = succeed(
        "eval_cmc.py", tmp_path / "own.h5", "--verifier", folder / "jb.npz"
    )
    assert "it was trained on these very images: no test result" in printed

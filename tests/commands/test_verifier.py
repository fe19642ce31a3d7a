"""Baselines from features to scores: pairs, PCA, SVM, the file, the tool."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, Done, run_tool
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, Source, write_features
from pydrdl.ranking import count_closer
from pydrdl.verifiers.file import load_verifier, save_verifier
from pydrdl.verifiers.joint_bayesian import Model, embed, score_block
from pydrdl.verifiers.svm import (
    PairSvm,
    RowPairs,
    draw_pairs,
    fit_pair_svm,
    pair_vectors,
)
from pydrdl.verifiers.verifier import (
    Verifier,
    fit_projection,
    train_joint_bayesian,
    train_svm,
)

SOURCE = Source(net="n", net_sha256="1", weights="w", weights_sha256="2",
                layer="pool5/7x7_s1", preprocess="{}")  # fmt: skip


def draw_features(seed: int, vehicles: int, d: int = 24) -> FeatureSet:
    """Vehicles of four images and ten models; every third model is not labelled."""
    rng = np.random.default_rng(seed)
    vehicle = np.repeat(np.arange(vehicles), 4)
    # Classes lie in eight of the dimensions, images vary in all.
    loud = np.zeros(d)
    loud[:8] = 1.5
    centre = rng.normal(size=(vehicles, d)) * loud
    features = 5 + centre[vehicle] + rng.normal(size=(len(vehicle), d))
    model = np.where(vehicle % 3, vehicle % 10, -1)
    return FeatureSet(
        features.astype(np.float32),
        tuple(f"{seed}_{i}.jpg" for i in range(len(vehicle))),
        vehicle.astype(np.int64),
        model.astype(np.int64),
        np.full(len(vehicle), -1, np.int64),
        SOURCE,
    )


@pytest.fixture(scope="module")
def joint_bayesian() -> Verifier:
    return train_joint_bayesian(
        draw_features(1, 150), "vehicle", components=16, steps=50, where="f"
    )


@pytest.fixture(scope="module")
def svm() -> Verifier:
    return train_svm(
        draw_features(1, 150), "vehicle", components=16, pairs=1500, seed=3, c=0.01,
        where="f",
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(st.integers(-1, 5), min_size=4, max_size=40),
    count=st.integers(2, 120),
    seed=st.integers(0, 99),
)
def test_pairs_are_what_they_say(labels: list[int], count: int, seed: int) -> None:
    ids = np.array(labels, np.int64)
    _, sizes = np.unique(ids[ids >= 0], return_counts=True)
    within = int((sizes * (sizes - 1) // 2).sum())
    total = int(sizes.sum() * (sizes.sum() - 1) // 2)
    if len(sizes) < 2 or not within:
        with pytest.raises(InputError, match="hold no pair"):
            draw_pairs(ids, count, seed)
        return
    pairs = draw_pairs(ids, count, seed)
    assert (ids[pairs.first] >= 0).all() and (ids[pairs.second] >= 0).all()
    np.testing.assert_array_equal(ids[pairs.first] == ids[pairs.second], pairs.same)
    assert (pairs.first != pairs.second).all()
    drawn = {frozenset(p) for p in zip(pairs.first, pairs.second, strict=True)}
    assert len(drawn) == len(pairs.same)  # none twice
    assert pairs.same.sum() == min(count // 2, within)
    assert (~pairs.same).sum() == min(count // 2, total - within)
    for ours, again in zip(pairs, draw_pairs(ids, count, seed), strict=True):
        np.testing.assert_array_equal(ours, again)


def test_every_pair_is_as_likely_as_another() -> None:
    ids = np.array([4, 4, 4, 9, 9, 2, 2, 2, 2, -1])
    counts: dict[tuple[int, int], int] = {}
    for seed in range(1500):
        pairs = draw_pairs(ids, 6, seed)
        for first, second in zip(pairs.first, pairs.second, strict=True):
            pair = (min(first, second), max(first, second))
            counts[pair] = counts.get(pair, 0) + 1
    same = [n for (a, b), n in counts.items() if ids[a] == ids[b]]
    different = [n for (a, b), n in counts.items() if ids[a] != ids[b]]
    assert len(same) == 3 + 1 + 6 and len(different) == 36 - 10
    for kind in (same, different):
        mean = 3 * 1500 / len(kind)
        assert np.abs(np.array(kind) - mean).max() < 5 * np.sqrt(mean)


def test_projection_is_that_of_the_covariance() -> None:
    content = draw_features(2, 60)
    projection = fit_projection(content.features, 10)
    centred = content.features.astype(np.float64) - content.features.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(centred.T))
    assert projection.kept == pytest.approx(values[-10:].sum() / values.sum())
    # The same subspace, each axis but for its sign.
    np.testing.assert_allclose(
        np.abs(projection.axes @ vectors[:, ::-1][:, :10]), np.eye(10), atol=1e-4
    )
    projected = projection(content.features)
    np.testing.assert_allclose(
        np.cov(projected.T), np.diag(values[::-1][:10]), atol=1e-4
    )
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-6)
    assert fit_projection(content.features, 1000).axes.shape == (24, 24)
    assert fit_projection(content.features[:7], 1000).axes.shape == (6, 24)
    with pytest.raises(InputError, match="no principal component"):
        fit_projection(content.features[:1], 4)
    with pytest.raises(InputError, match="all 9 features are the same"):
        fit_projection(np.ones((9, 4), np.float32), 4)


def test_pair_vectors_do_not_depend_on_the_order() -> None:
    a, b = np.array([[1.0, -2.0]]), np.array([[3.0, 5.0]])
    assert pair_vectors(a, b).tolist() == [[2, 7, 3, -10]]
    assert pair_vectors(b, a).tolist() == [[2, 7, 3, -10]]


def test_svm_is_scikit_learns_in_one_product() -> None:
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    content = draw_features(3, 40)
    samples = content.features.astype(np.float64)
    pairs = draw_pairs(content.vehicle_ids, 400, 0)
    ours = fit_pair_svm(samples, pairs, c=0.1)
    vectors = pair_vectors(samples[pairs.first], samples[pairs.second])
    scaled = StandardScaler().fit_transform(vectors)
    theirs = LinearSVC(C=0.1, dual=False).fit(scaled, pairs.same)
    np.testing.assert_allclose(
        ours.score(samples[pairs.first], samples[pairs.second]),
        theirs.decision_function(scaled),
        atol=1e-9,
    )
    with pytest.raises(InputError, match="of one kind"):
        fit_pair_svm(
            samples, RowPairs(pairs.first[:5], pairs.second[:5], pairs.same[:5])
        )


def auc(scores: NDArray[np.float64], pairs: RowPairs) -> float:
    return float(roc_auc_score(pairs.same, scores))


@pytest.mark.parametrize("kind", ["joint_bayesian", "svm"])
def test_new_vehicles_are_told_apart(kind: str, request: pytest.FixtureRequest) -> None:
    """Both learn which dimensions count: better than the bare distance."""
    trained: Verifier = request.getfixturevalue(kind)
    unseen = draw_features(9, 150)
    pairs = draw_pairs(unseen.vehicle_ids, 1600, 0)
    scores = trained.score(unseen.features, pairs.first, pairs.second)
    apart = unseen.features[pairs.first] - unseen.features[pairs.second]
    bare = auc(-(apart.astype(np.float64) ** 2).sum(axis=1), pairs)
    assert bare < 0.9 < auc(scores, pairs)
    swapped = trained.score(unseen.features, pairs.second, pairs.first)
    np.testing.assert_allclose(scores, swapped, rtol=1e-12)


def test_points_rank_as_scores_do(joint_bayesian: Verifier) -> None:
    unseen = draw_features(9, 30)
    probes, gallery = joint_bayesian.points(unseen.features)
    rows = np.arange(120)
    first, second = rows[rows % 4 > 0], rows[::4]
    grid = np.meshgrid(first, second, indexing="ij")
    scores = joint_bayesian.score(unseen.features, *(g.ravel() for g in grid))
    scores = scores.reshape(90, 30)
    match = first // 4
    counts = count_closer(probes[first], gallery[second], match)
    own = scores[np.arange(90), match]
    np.testing.assert_array_equal(counts.closer, (scores > own[:, None]).sum(axis=1))
    assert 0 < counts.closer.sum() < 90 * 10


def test_an_svm_has_no_points(svm: Verifier) -> None:
    with pytest.raises(InputError, match="does not rank a gallery"):
        svm.points(draw_features(9, 2).features)


def test_classes_may_be_models(joint_bayesian: Verifier) -> None:
    content = draw_features(1, 150)
    trained = train_joint_bayesian(content, "model", components=16, steps=3, where="f")
    labelled = content.model_ids >= 0
    assert trained.training.images == labelled.sum() < len(labelled)
    assert trained.training.classes == 10
    assert joint_bayesian.training.images == 600
    assert joint_bayesian.training.classes == 150
    none = replace(content, model_ids=np.full_like(content.model_ids, -1))
    with pytest.raises(InputError, match="none of the 600 images has a model id"):
        train_svm(none, "model", components=4, pairs=10, seed=0, c=1, where="f")


def test_components_leave_degrees_of_freedom() -> None:
    content = draw_features(1, 7, d=60)  # 28 images, 21 degrees of freedom within
    trained = train_joint_bayesian(
        content, "vehicle", components=256, steps=2, where="f"
    )
    assert trained.projection.axes.shape == (21, 60)
    assert np.isfinite(trained.model.log_likelihoods).all()  # type: ignore[union-attr]


def test_features_that_cannot_be_used() -> None:
    content = draw_features(1, 10)
    content.features[3, 2] = np.nan
    with pytest.raises(InputError, match="NaN or infinity; the first is of image"):
        train_joint_bayesian(content, "vehicle", components=4, steps=2, where="f")


@pytest.mark.parametrize("kind", ["joint_bayesian", "svm"])
def test_a_file_holds_all_of_it(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    trained: Verifier = request.getfixturevalue(kind)
    save_verifier(trained, tmp_path / "v.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["v.npz"]
    loaded = load_verifier(tmp_path / "v.npz")
    assert loaded.training == trained.training
    assert loaded.training.features_sha256 == draw_features(1, 150).sha256
    assert isinstance(loaded.model, type(trained.model))
    unseen, rows = draw_features(9, 20), np.arange(79)
    np.testing.assert_array_equal(
        loaded.score(unseen.features, rows, rows + 1),
        trained.score(unseen.features, rows, rows + 1),
    )
    if isinstance(loaded.model, Model) and isinstance(trained.model, Model):
        assert loaded.model.log_likelihoods == trained.model.log_likelihoods


def test_features_of_another_net_are_refused(svm: Verifier) -> None:
    svm.check_source(SOURCE.model_copy(update={"net": "moved", "split": "other"}), "f")
    for change in (
        {"net_sha256": "9"}, {"weights_sha256": ""}, {"layer": "fc7"},
        {"preprocess": '{"crop": 1}'},
    ):  # fmt: skip
        (name,) = change
        with pytest.raises(InputError, match=f"another net: {name} is"):
            svm.check_source(SOURCE.model_copy(update=change), "f")


def test_damaged_files(svm: Verifier, tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    with pytest.raises(InputError, match="No such file"):
        load_verifier(path)
    save_verifier(svm, path)
    whole = path.read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="not a verifier"):
            load_verifier(path)
    np.savez(path, meta=np.array('{"schema": "drdl.verifier/9"}'))
    with pytest.raises(InputError, match=r"schema 'drdl\.verifier/9'; expected"):
        load_verifier(path)


def changed(old: str, new: str) -> Callable[[np.ndarray], np.ndarray]:
    """Changes an array of one text."""
    return lambda array: np.array(str(array).replace(old, new))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("projection.axes", lambda a: a[0], "projection.axes is .* float64; expected"),
        ("projection.axes", lambda a: a[:0], "is 0 x 24 float64; expected any x any"),
        ("projection.mean", lambda a: a[:-1], "projection.mean is 23 float64"),
        ("projection.mean", lambda a: a * np.nan, "projection.mean holds NaN"),
        ("projection.kept", lambda a: np.ones(2), "projection.kept is 2 float64"),
        ("model.s_mu", lambda a: a[:, :-1], "model.s_mu is 16 x 15"),
        ("model.s_mu", lambda a: a.astype("f4"), "model.s_mu is 16 x 16 float32"),
        ("model.s_eps", lambda a: -a, "model.s_eps is no covariance"),
        ("model.s_eps", None, "no array model.s_eps"),
        ("model.log_likelihoods", lambda a: a[:0], "log_likelihoods is 0 float64"),
        ("model.mean", lambda a: np.array([{}], object), "Object arrays cannot be"),
        ("meta", lambda a: np.array(5), "schema None; expected 'drdl.verifier/1'"),
        ("meta", lambda a: np.array(str(a)[:-1]), "Expecting|delimiter"),
        ("meta", changed("joint_bayesian", "x"), "kind is 'x'"),
        ("meta", changed('"layer"', '"x"'), "source has net"),
        ("meta", changed('"images": ', '"images": -'), "training.images is -"),
        ("meta", None, "no array meta"),
    ],
)  # fmt: skip
def test_other_arrays(
    joint_bayesian: Verifier, tmp_path: Path, name: str, change, message: str
) -> None:
    path = tmp_path / "v.npz"
    save_verifier(joint_bayesian, path)
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files}
    assert arrays["projection.axes"].shape == (16, 24)
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=f"not a verifier: .*({message})"):
        load_verifier(path)


def test_every_flipped_bit_is_an_error_or_changes_nothing(
    svm: Verifier, tmp_path: Path
) -> None:
    """The zip's CRC-32 holds its members; of its own fields some say nothing."""
    path = tmp_path / "v.npz"
    save_verifier(svm, path)
    data, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for place in rng.integers(0, len(data), 400):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        try:
            found = load_verifier(path)
        except InputError:
            refused += 1
        else:
            assert found.training == svm.training
            np.testing.assert_array_equal(found.model.weights, svm.model.weights)
    assert refused > 350


def test_a_member_that_is_no_array(svm: Verifier, tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    save_verifier(svm, path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("more.npy", b"text")
    with pytest.raises(InputError, match=r"not a verifier: more(\.npy)? is no array"):
        load_verifier(path)


def test_compressed_arrays_are_refused(svm: Verifier, tmp_path: Path) -> None:
    """A small file could fill the memory."""
    path = tmp_path / "v.npz"
    np.savez_compressed(path, meta=np.zeros(10**6))
    with pytest.raises(InputError, match="its arrays are compressed"):
        load_verifier(path)


def run(*words: object) -> Done:
    return run_tool("train_verifier.py", *words, cwd=ROOT)


@pytest.mark.parametrize("kind", ["joint-bayesian", "svm"])
def test_the_tool(kind: str, tmp_path: Path) -> None:
    content = draw_features(1, 60)
    write_features(tmp_path / "f.h5", content)
    output = tmp_path / "v.npz"
    done = run(kind, tmp_path / "f.h5", output, "--components", 12)
    assert done.returncode == 0, done.stderr
    trained = load_verifier(output)
    assert isinstance(trained.model, PairSvm if kind == "svm" else Model)
    assert trained.projection.axes.shape == (12, 24)
    assert trained.training.features_sha256 == content.sha256
    assert "240" in done.stdout and "12 of 24" in done.stdout
    again = run(kind, tmp_path / "f.h5", output)
    assert again.returncode == 1 and "the output exists" in again.stderr
    none = run(kind, tmp_path / "g.h5", tmp_path / "w.npz")
    assert none.returncode == 1 and "No such file" in none.stderr
    assert not (tmp_path / "w.npz").exists()
    assert run(kind, tmp_path / "f.h5").returncode == 2


def test_scores_of_joint_bayesian_are_ratios(joint_bayesian: Verifier) -> None:
    features = draw_features(9, 5).features
    assert isinstance(joint_bayesian.model, Model)
    embedded = embed(joint_bayesian.model, joint_bayesian.projection(features))
    expected = score_block(embedded, embedded)
    first, second = np.array([0, 7, 3]), np.array([1, 2, 3])
    np.testing.assert_allclose(
        joint_bayesian.score(features, first, second), expected[first, second]
    )

"""Joint Bayesian against SciPy's Gaussians, and against what made the data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from pydrdl.errors import InputError
from pydrdl.ranking import count_closer
from pydrdl.verifiers import joint_bayesian
from pydrdl.verifiers.joint_bayesian import Model

Float64 = NDArray[np.float64]
Int = NDArray[np.int64]


def covariance(rng: np.random.Generator, d: int, rank: int | None = None) -> Float64:
    root = rng.normal(size=(d, rank or 2 * d))
    return root @ root.T / root.shape[1]


def draw(
    seed: int, classes: int, d: int, largest: int = 6
) -> tuple[Float64, Int, Float64, Float64, Float64]:
    """Samples of the model, their labels, and its mean and covariances."""
    rng = np.random.default_rng(seed)
    mean, s_mu, s_eps = 3 * rng.normal(size=d), covariance(rng, d), covariance(rng, d)
    labels = np.repeat(np.arange(classes), rng.integers(1, largest + 1, classes))
    mu = rng.multivariate_normal(np.zeros(d), s_mu, classes)
    eps = rng.multivariate_normal(np.zeros(d), s_eps, labels.size)
    shuffled = rng.permutation(labels.size)
    samples = mean + mu[labels] + eps
    # Labels are ids: neither dense nor sorted.
    return samples[shuffled], 7 * labels[shuffled] + 5, mean, s_mu, s_eps


def stacked(model: Model, n: int) -> Float64:
    """Covariance of n samples of one class, one below the other."""
    return np.kron(np.eye(n), model.s_eps) + np.kron(np.ones((n, n)), model.s_mu)


def log_likelihood(model: Model, samples: Float64, labels: Int) -> float:
    """Each class as one Gaussian vector."""
    total = 0.0
    for label in np.unique(labels):
        x = samples[labels == label] - model.mean
        total += multivariate_normal.logpdf(x.ravel(), cov=stacked(model, len(x)))
    return total


def ratio(model: Model, a: Float64, b: Float64) -> float:
    """Of the two vectors stacked: one class against two."""
    x = np.concatenate([a - model.mean, b - model.mean])
    one = model.s_mu + model.s_eps
    apart = np.kron(np.eye(2), one)
    together = multivariate_normal.logpdf(x, cov=stacked(model, 2))
    return float(together - multivariate_normal.logpdf(x, cov=apart))


@pytest.fixture(scope="module")
def fitted() -> tuple[Model, Float64, Int]:
    samples, labels, *_ = draw(0, 60, 5)
    return joint_bayesian.fit(samples, labels, steps=5, tolerance=0), samples, labels


def test_likelihood_is_that_of_scipys_gaussians(
    fitted: tuple[Model, Float64, Int],
) -> None:
    model, samples, labels = fitted
    expected = log_likelihood(model, samples, labels)
    assert joint_bayesian.log_likelihood(model, samples, labels) == pytest.approx(
        expected, rel=1e-10
    )
    assert model.log_likelihoods[-1] == pytest.approx(expected / len(samples))


def test_score_is_the_likelihood_ratio(fitted: tuple[Model, Float64, Int]) -> None:
    model, samples, _ = fitted
    embedded = joint_bayesian.embed(model, samples[:12])
    expected = np.array([[ratio(model, a, b) for b in samples[:12]]
                         for a in samples[:12]])  # fmt: skip
    assert np.ptp(expected) > 5
    scores = joint_bayesian.score_block(embedded, embedded)
    np.testing.assert_allclose(scores, expected, atol=1e-9)
    order = np.random.default_rng(1).permutation(12)
    pairs = joint_bayesian.score_pairs(embedded, embedded.rows(order))
    np.testing.assert_allclose(pairs, expected[np.arange(12), order], atol=1e-9)


def test_the_matrices_of_chen_et_al(fitted: tuple[Model, Float64, Int]) -> None:
    """Their r = x1'A x1 + x2'A x2 - 2 x1'G x2 is twice ours without c."""
    model, samples, _ = fitted
    mu, eps = model.s_mu, model.s_eps
    g = -np.linalg.inv(2 * mu + eps) @ mu @ np.linalg.inv(eps)
    a = np.linalg.inv(mu + eps) - (np.linalg.inv(eps) + g)
    x = samples[:20] - model.mean
    own = np.einsum("ij,jk,ik->i", x, a, x)
    expected = own[:, None] + own - 2 * x @ g @ x.T
    embedded = joint_bayesian.embed(model, samples[:20])
    ours = joint_bayesian.score_block(embedded, embedded) - embedded.constant
    np.testing.assert_allclose(2 * ours, expected, atol=1e-9)
    assert np.linalg.eigvalsh((g + g.T) / 2).max() < 1e-9


@pytest.mark.parametrize("rank", [5, 2])
def test_em_is_the_posterior_by_conditioning(rank: int) -> None:
    """One step, each class by the rules of conditioning one large Gaussian."""
    rng = np.random.default_rng(4)
    samples, labels, *_ = draw(3, 25, 5)
    model = Model(samples.mean(axis=0), covariance(rng, 5, rank), covariance(rng, 5))
    d, x = 5, samples - samples.mean(axis=0)
    mu, eps, ids = np.zeros((d, d)), np.zeros((d, d)), np.unique(labels)
    for label in ids:
        own = x[labels == label]
        n = len(own)
        # h = (mu, eps_1 .. eps_n), and x = P h.
        prior = np.kron(np.eye(n + 1), model.s_eps)
        prior[:d, :d] = model.s_mu
        p = np.hstack([np.tile(np.eye(d), (n, 1)), np.eye(n * d)])
        gain = prior @ p.T @ np.linalg.inv(p @ prior @ p.T)
        mean, cov = gain @ own.ravel(), prior - gain @ p @ prior
        moments = cov + np.outer(mean, mean)
        blocks = [moments[k * d : (k + 1) * d, k * d : (k + 1) * d]
                  for k in range(n + 1)]  # fmt: skip
        mu += blocks[0]
        eps += np.sum(blocks[1:], axis=0)
    classes = joint_bayesian.group(x, labels)
    basis = joint_bayesian.diagonalise(model.s_mu, model.s_eps)
    s_mu, s_eps = joint_bayesian._em_step(classes, basis, model.s_eps)
    np.testing.assert_allclose(s_mu, mu / len(ids), atol=1e-10)
    np.testing.assert_allclose(s_eps, eps / len(x), atol=1e-10)


def test_what_made_the_data_is_found_again() -> None:
    samples, labels, mean, s_mu, s_eps = draw(1, 6000, 4)
    model = joint_bayesian.fit(samples, labels, steps=300, tolerance=1e-9)
    for found, true, within in (
        (model.mean, mean, 0.02), (model.s_mu, s_mu, 0.06), (model.s_eps, s_eps, 0.03),
    ):  # fmt: skip
        assert np.linalg.norm(found - true) < within * np.linalg.norm(true)
    # Far better than the class means' covariance, which holds noise too.
    first = joint_bayesian.fit(samples, labels, steps=0)
    assert np.linalg.norm(first.s_mu - s_mu) > 0.15 * np.linalg.norm(s_mu)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    classes=st.integers(3, 30),
    d=st.integers(1, 5),
    largest=st.integers(2, 9),
)
def test_no_step_makes_the_data_less_likely(
    seed: int, classes: int, d: int, largest: int
) -> None:
    samples, labels, *_ = draw(seed, classes, d, largest)
    if len(labels) - classes < 2 * d + 2:
        return
    model = joint_bayesian.fit(samples, labels, steps=12, tolerance=-1)
    history = np.array(model.log_likelihoods)
    assert history.size == 13
    assert np.diff(history).min() > -1e-9 * (1 + np.abs(history).max())
    # And the result does not depend on the order of samples, or names of classes.
    order = np.random.default_rng(seed).permutation(len(labels))
    again = joint_bayesian.fit(
        samples[order], -labels[order] + 10**6, steps=12, tolerance=-1
    )
    np.testing.assert_allclose(again.s_eps, model.s_eps, atol=1e-8)
    np.testing.assert_allclose(again.s_mu, model.s_mu, atol=1e-8)


def test_em_stops_when_it_gains_little() -> None:
    samples, labels, *_ = draw(2, 200, 3)
    model = joint_bayesian.fit(samples, labels, steps=500, tolerance=1e-4)
    gains = np.diff(model.log_likelihoods)
    assert 2 < gains.size < 200
    assert gains[-1] < 1e-4 <= gains[:-1].min()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1e-3, 1.0, 1e3]))
def test_a_ranking_by_distance_is_one_by_ratio(seed: int, scale: float) -> None:
    """Any scale of features; the points go through the evaluator's own counting."""
    rng = np.random.default_rng(seed)
    model = Model(
        scale * rng.normal(size=6),
        scale**2 * covariance(rng, 6, rank=int(rng.integers(1, 8))),
        scale**2 * covariance(rng, 6),
    )
    samples = scale * rng.normal(size=(40, 6))
    embedded = joint_bayesian.embed(model, samples)
    probes, gallery = joint_bayesian.as_points(embedded)
    assert probes.shape == gallery.shape == (40, 7) and probes.dtype == np.float32
    scores = joint_bayesian.score_block(embedded, embedded)[:25, 25:]
    match = rng.integers(15, size=25)
    own = scores[np.arange(25), match][:, None]
    # Float32 points cannot tell scores apart that differ in the seventh digit.
    unclear = np.abs(scores - own) < 1e-4 * (1 + np.abs(scores))
    assert unclear.mean() < 0.1  # of 15, the match itself is one
    counts = count_closer(probes[:25], gallery[25:], match)
    ahead = (scores > own).sum(axis=1)
    assert (np.abs(counts.closer - ahead) < unclear.sum(axis=1)).all()


def test_images_of_new_classes_score_higher_together() -> None:
    samples, labels, *_ = draw(8, 600, 6)
    known = labels % 2 == 0
    model = joint_bayesian.fit(samples[known], labels[known])
    embedded = joint_bayesian.embed(model, samples[~known])
    scores = joint_bayesian.score_block(embedded, embedded)
    ids = labels[~known]
    same = ids[:, None] == ids
    np.fill_diagonal(same, False)
    different = ids[:, None] != ids
    assert np.median(scores[same]) > 0 > np.median(scores[different])


def test_it_refuses_what_cannot_be_fitted() -> None:
    samples, labels, *_ = draw(0, 20, 3)
    with pytest.raises(InputError, match="two classes"):
        joint_bayesian.fit(samples, np.zeros_like(labels))
    with pytest.raises(InputError, match="0 degrees of freedom"):
        joint_bayesian.fit(samples, np.arange(len(samples)))
    flat = samples.copy()
    flat[:, 2] = 0  # no variance at all
    with pytest.raises(InputError, match=r"do not vary in all 3 dimensions"):
        joint_bayesian.fit(flat, labels)

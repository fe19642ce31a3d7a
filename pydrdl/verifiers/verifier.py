"""A trained baseline: from a net's features, by PCA, to scores of pairs of images.

It knows the net whose features it was trained on, and refuses another's.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pydrdl.arrays import Float32, Float64, Int
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, Source, check_features
from pydrdl.strict_json import Count, Form, Positive
from pydrdl.verifiers import joint_bayesian
from pydrdl.verifiers.svm import PairSvm, draw_pairs, fit_pair_svm


@dataclass(frozen=True)
class Projection:
    """Onto the K directions in which D-dimensional features vary most."""

    mean: Float64  # (D,) of the training features
    axes: Float64  # (K, D) orthonormal rows, the largest variance first
    kept: float  # share of the training features' variance that is kept

    def __call__(self, features: Float32) -> Float64:
        """Projects (N, D) features to (N, K)."""
        return np.asarray((features - self.mean) @ self.axes.T)


def fit_projection(features: Float32, components: int) -> Projection:
    """Fits to (N, D) features; at most min(N - 1, D) components.

    Raises:
        InputError: no component is left, or the features do not vary.
    """
    from sklearn.decomposition import PCA

    n, d = features.shape
    components = min(components, n - 1, d)
    if components < 1:
        what = f"{n:,} features of {d:,} dimensions have no principal component"
        advice = "train on more images, or ask for at least one component"
        raise InputError(what, "PCA", advice)
    if (features == features[0]).all():
        what = f"all {n:,} features are the same, and vary in no direction"
        advice = "check the weights and the layer: the net has collapsed"
        raise InputError(what, "PCA", advice)
    solver = "covariance_eigh" if n > d else "full"
    pca = PCA(components, svd_solver=solver).fit(features.astype(np.float64))
    return Projection(
        pca.mean_, pca.components_, float(pca.explained_variance_ratio_.sum())
    )


Label = Literal["vehicle", "model"]
Kind = Literal["joint_bayesian", "svm"]
# Of the net, not of the images: what must agree between training and scoring.
OF_THE_NET = ("net_sha256", "weights_sha256", "layer", "preprocess")


class TrainedOn(Form):
    """What a verifier was trained on."""

    label: Label  # which ids its classes are
    features_sha256: str  # of the feature set's content
    source: Source  # what made the features
    images: Positive  # how many had a label
    classes: Positive  # how many there were
    pairs: Count = 0  # drawn for an SVM; 0 for Joint Bayesian
    seed: Count = 0  # of those pairs


@dataclass(frozen=True)
class Verifier:
    """PCA, then Joint Bayesian or an SVM on pairs."""

    projection: Projection  # the PCA
    model: joint_bayesian.Model | PairSvm  # what scores the projected features
    training: TrainedOn  # what both were trained on

    @property
    def kind(self) -> Kind:
        """What the model is."""
        return "svm" if isinstance(self.model, PairSvm) else "joint_bayesian"

    def score(self, features: Float32, first: Int, second: Int) -> Float64:
        """How likely pairs of rows of (N, D) features are of one class: (P,).

        Joint Bayesian: the logarithm of the likelihood ratio. SVM: signed
        distance. Larger is more alike; neither has its best threshold at 0.
        """
        used, place = np.unique(np.concatenate([first, second]), return_inverse=True)
        samples = self.projection(features[used])
        first, second = np.split(place, 2)
        if isinstance(self.model, PairSvm):
            return self.model.score(samples[first], samples[second])
        embedded = joint_bayesian.embed(self.model, samples)
        return joint_bayesian.score_pairs(embedded.rows(first), embedded.rows(second))

    def points(self, features: Float32) -> tuple[Float32, Float32]:
        """(N, D) features as probes and as gallery, for a ranking by L2 distance.

        Raises:
            InputError: this is an SVM, whose scores no such points have.
        """
        if isinstance(self.model, PairSvm):
            what = "an SVM scores pairs, and does not rank a gallery"
            raise InputError(what, "the verifier", "give one of Joint Bayesian")
        samples = self.projection(features)
        return joint_bayesian.as_points(joint_bayesian.embed(self.model, samples))

    def check_source(self, source: Source, where: object) -> None:
        """Refuses features of another net than it was trained on.

        Raises:
            InputError: net, weights, layer or preprocessing differ.
        """
        # Weights that were never trained have no file; their seed is in the name.
        named = OF_THE_NET if source.weights_sha256 else (*OF_THE_NET, "weights")
        for name in named:
            ours, theirs = (getattr(s, name) for s in (self.training.source, source))
            if ours != theirs:
                raise InputError(
                    f"features of another net: {name} is {theirs!r}; the baseline was "
                    f"trained on {ours!r}",
                    where,
                    "extract with the net it was trained on, or train it on these",
                )


def train_joint_bayesian(
    content: FeatureSet, label: Label, *, components: int, steps: int, where: object
) -> Verifier:
    """Trains Joint Bayesian, by so many steps of EM at most, on labelled images.

    PCA keeps so many components at most, never more than the degrees of freedom
    within the classes; where names the features file in messages.

    Raises:
        InputError: features that are not finite, or too few images.
    """
    features, labels = _labelled(content, label, where)
    freedom = len(labels) - len(np.unique(labels))
    projection = fit_projection(features, min(components, freedom))
    model = joint_bayesian.fit(projection(features), labels, steps=steps)
    return Verifier(projection, model, _training(content, label, labels))


def train_svm(
    content: FeatureSet,
    label: Label,
    *,
    components: int,
    pairs: int,
    seed: int,
    c: float,
    where: object,
) -> Verifier:
    """Trains an SVM on pairs of labelled images, see draw_pairs and fit_pair_svm.

    All else is as in train_joint_bayesian.
    """
    features, labels = _labelled(content, label, where)
    projection = fit_projection(features, components)
    drawn = draw_pairs(labels, pairs, seed)
    model = fit_pair_svm(projection(features), drawn, c=c)
    training = _training(content, label, labels, pairs=len(drawn.same), seed=seed)
    return Verifier(projection, model, training)


def _labelled(content: FeatureSet, label: Label, where: object) -> tuple[Float32, Int]:
    """The features that have a label, and their labels."""
    check_features(content.features, content.names, where)
    ids = content.vehicle_ids if label == "vehicle" else content.model_ids
    labelled = ids >= 0
    if not labelled.any():
        what = f"none of the {len(ids):,} images has a {label} id"
        advice = "extract the features of labelled images, or take the other label"
        raise InputError(what, where, advice)
    return content.features[labelled], ids[labelled]


def _training(
    content: FeatureSet, label: Label, labels: Int, *, pairs: int = 0, seed: int = 0
) -> TrainedOn:
    return TrainedOn(
        label=label,
        features_sha256=content.sha256,
        source=content.source,
        images=len(labels),
        classes=len(np.unique(labels)),
        pairs=pairs,
        seed=seed,
    )

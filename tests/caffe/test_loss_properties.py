"""The losses as a net runs them: against NumPy, and by what must hold of them.

Every test runs the float and the double instance, on the CPU and, where there is one,
on a GPU. A way is a mode of CoupledClustersLoss or a sampling of TripletLoss.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from helpers import caffe
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from pydrdl import reference as ref
from pydrdl.gradcheck.case import MemoryNet, Precision
from pydrdl.gradcheck.cases import net_with_inputs, set_ids
from pydrdl.nets import layers
from pydrdl.reference import Gradient, SetLoss

Float = NDArray[np.float64]

PRECISIONS: tuple[Precision, Precision] = ("f64", "f32")
# Of the largest value in sight.
TOLERANCE = {"f64": 1e-12, "f32": 1e-5}
CLUSTERS = ("EXACT", "CENTER_CONSTANT", "PAPER")
WAYS = (*CLUSTERS, "RANDOM", "HARD")
# Their gradient is the derivative of a function of differences of features.
DERIVATIVES = ("EXACT", "RANDOM", "HARD")
SEED = 5
STALE = 1000.0  # Backward has to overwrite it
ROLES = ("anchor", "positive", "negative")
TOPS = ("loss", "active", "d_pos", "d_neg")
few = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.fixture(
    scope="module",
    autouse=True,
    params=["cpu", pytest.param("gpu", marks=pytest.mark.gpu)],
)
def device(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where the nets below compute."""
    caffe.set_mode_gpu() if request.param == "gpu" else caffe.set_mode_cpu()
    yield
    caffe.set_mode_cpu()


@dataclass(frozen=True)
class Sizes:
    sets: int
    positives: int
    negatives: int
    dim: int

    @property
    def set_rows(self) -> int:
        return self.positives + self.negatives

    @property
    def ids(self) -> Float:
        return set_ids(self.sets, self.positives, self.negatives)

    def cut(self, batch: Float) -> Float:
        """Batch rows as sets x rows x dim."""
        return batch.reshape(self.sets, self.set_rows, self.dim)

    def random(self, seed: int, scale: float = 1.0) -> Float:
        """Features that float holds exactly."""
        shape = (self.sets * self.set_rows, self.dim)
        features = scale * np.random.default_rng(seed).standard_normal(shape)
        return features.astype(np.float32).astype(np.float64)


def near(one: Float, other: Float | float, room: float) -> bool:
    return bool((abs(one - other) <= room).all())  # NaN is never near


@dataclass(frozen=True)
class Result:
    stats: SetLoss
    gradient: Float

    def check(self, other: "Result", tolerance: float) -> None:
        """Compares, the loss relative to what its hinges are differences of."""
        stats = other.stats
        assert self.stats.active_fraction == pytest.approx(stats.active_fraction)
        room = tolerance * (stats.positive_distance + stats.negative_distance)
        for name, value in vars(stats).items():
            assert vars(self.stats)[name] == pytest.approx(value, abs=room), name
        largest = abs(other.gradient).max()
        assert largest > 0
        assert near(self.gradient, other.gradient, tolerance * largest)


@lru_cache(maxsize=256)
def set_net(way: str, precision: Precision, sizes: Sizes, margin: float) -> MemoryNet:
    shape = (sizes.sets * sizes.set_rows, sizes.dim)
    net = net_with_inputs({"features": shape, "ids": shape[:1]})
    param = {
        "positives": sizes.positives,
        "negatives": sizes.negatives,
        "margin": margin,
    }
    bottoms = ["features", "ids"]
    if way in CLUSTERS:
        more = {"coupled_clusters_loss_param": param | {"gradient": way}}
        layers.add(net, "CoupledClustersLoss", "set_loss", bottoms, TOPS, **more)
    else:
        more = {"triplet_loss_param": param | {"sampling": way, "seed": SEED}}
        layers.add(net, "TripletLoss", "set_loss", bottoms, TOPS, **more)
    return MemoryNet(net, precision)


def one_pass(net: MemoryNet, values: dict[str, Float], wanted: Sequence[str]) -> Result:
    for name, value in values.items():
        net.blobs[name].data[...] = value
    net.forward()
    for name in wanted:
        net.blobs[name].diff[...] = STALE
    net.backward()
    stats = SetLoss(*(float(net.blobs[top].data) for top in TOPS))
    gradient = [np.array(net.blobs[name].diff, np.float64) for name in wanted]
    return Result(stats, np.concatenate(gradient))


def layer(
    way: str, precision: Precision, sizes: Sizes, features: Float, margin: float
) -> Result:
    net = set_net(way, precision, sizes, margin)
    return one_pass(net, {"features": features, "ids": sizes.ids}, ["features"])


def expected(way: str, sizes: Sizes, features: Float, margin: float) -> Result:
    sizes_of_set = (sizes.positives, sizes.negatives)
    if way in CLUSTERS:
        return Result(
            ref.coupled_clusters_loss(features, *sizes_of_set, margin),
            ref.coupled_clusters_gradient(
                features, *sizes_of_set, margin, Gradient[way]
            ),
        )
    if way == "HARD":
        triplets = ref.hard_triplets(features, *sizes_of_set)
    else:
        triplets = ref.random_triplets(sizes.sets, *sizes_of_set, SEED, sizes.ids)
    columns = triplets.T
    apn = [features[column] for column in columns]
    gradient = np.zeros_like(features)
    parts = ref.triplet_gradient(*apn, margin, sizes.sets)
    for column, part in zip(columns, parts, strict=True):
        np.add.at(gradient, column, part)
    return Result(ref.triplet_loss(*apn, margin, sizes.sets), gradient)


@st.composite
def integer_batches(draw: st.DrawFn, positives: Sequence[int]) -> tuple[Sizes, Float]:
    """Small integers and powers of two: no step of the layers has to round.

    Ties, rows in one place and hinges at exactly zero come by themselves.
    """
    sizes = Sizes(
        draw(st.sampled_from((1, 2, 4))),
        draw(st.sampled_from(positives)),
        draw(st.integers(1, 4)),
        draw(st.integers(1, 3)),
    )
    shape = (sizes.sets * sizes.set_rows, sizes.dim)
    return sizes, draw(arrays(np.float64, shape, elements=st.integers(-3, 3)))


def batch_for(way: str) -> st.SearchStrategy[tuple[Sizes, Float]]:
    # A triplet needs two positives.
    return integer_batches((1, 2, 4) if way in CLUSTERS else (2, 4))


def mixed_batch(way: str, sizes: Sizes, seed: int) -> tuple[Float, float]:
    """Features, and the margin at which the mean hinge is about zero."""
    features = sizes.random(seed, scale=sizes.dim**-0.5)
    sizes.cut(features)[:, sizes.positives :] *= 4
    stats = expected(way, sizes, features, 0).stats
    margin = float(np.float32(stats.negative_distance - stats.positive_distance))
    margin = max(margin, 0.0)
    assert 0 < expected(way, sizes, features, margin).stats.active_fraction < 1
    return features, margin


both = pytest.mark.parametrize("precision", PRECISIONS)
every_way = pytest.mark.parametrize("way", WAYS)


@every_way
@given(data=st.data(), margin=st.sampled_from((0, 1, 5)))
@few
def test_integers_give_the_reference_to_the_last_bit(
    way: str, data: st.DataObject, margin: int
) -> None:
    sizes, features = data.draw(batch_for(way))
    wanted = expected(way, sizes, features, margin)
    for precision in PRECISIONS:
        got = layer(way, precision, sizes, features, margin)
        assert got.stats == wanted.stats
        assert (got.gradient == wanted.gradient).all()


@pytest.mark.parametrize("way", DERIVATIVES)
@given(data=st.data(), margin=st.sampled_from((0, 1, 5)))
@few
def test_gradients_of_a_set_sum_to_zero(
    way: str, data: st.DataObject, margin: int
) -> None:
    """Exactly: what moves a set as a whole does not change its loss."""
    sizes, features = data.draw(batch_for(way))
    for precision in PRECISIONS:
        got = layer(way, precision, sizes, features, margin)
        assert not sizes.cut(got.gradient).sum(axis=1).any()


@every_way
@given(
    data=st.data(), margin=st.sampled_from((0, 1, 5)), shift=st.integers(-1000, 1000)
)
@few
def test_each_set_may_stand_anywhere(
    way: str, data: st.DataObject, margin: int, shift: int
) -> None:
    sizes, features = data.draw(batch_for(way))
    steps = shift * np.arange(1, sizes.sets + 1)
    moved = (sizes.cut(features) + steps[:, None, None]).reshape(features.shape)
    for precision in PRECISIONS:
        here = layer(way, precision, sizes, features, margin)
        there = layer(way, precision, sizes, moved, margin)
        assert there.stats == here.stats
        assert (there.gradient == here.gradient).all()


@both
@every_way
@pytest.mark.parametrize(
    "sizes",
    [
        Sizes(1000, 5, 5, 1),
        Sizes(1000, 3, 2, 40),
        Sizes(3, 3, 2, 203),  # no multiple of what the CPU takes at a time
        Sizes(2, 5, 5, 1024),
        Sizes(1, 7, 6, 4096),
        Sizes(9, 3, 1, 1),
    ],
    ids=str,
)
def test_shapes(way: str, sizes: Sizes, precision: Precision) -> None:
    features, margin = mixed_batch(way, sizes, seed=3)
    wanted = expected(way, sizes, features, margin)
    assert abs(wanted.gradient).max() > 1e-4
    layer(way, precision, sizes, features, margin).check(wanted, TOLERANCE[precision])


@both
@pytest.mark.parametrize("sizes", [Sizes(1000, 1, 1, 64), Sizes(1, 1, 1, 4096)])
def test_one_positive_is_its_own_centre(sizes: Sizes, precision: Precision) -> None:
    """It moves only in the mode that knows that the centre moves with it."""
    features = sizes.random(seed=4, scale=sizes.dim**-0.5)
    positive, negative = features[::2], features[1::2]
    margin = 4.0
    hinge = margin - np.square(positive - negative).sum(axis=1)
    push = np.where(hinge > 0, 1, 0)[:, None] * (positive - negative) / sizes.sets
    for way in CLUSTERS:
        got = layer(way, precision, sizes, features, margin)
        tolerance = TOLERANCE[precision]
        assert got.stats.positive_distance == 0
        assert got.stats.loss == pytest.approx(
            np.maximum(hinge, 0).mean() / 2, rel=tolerance
        )
        room = tolerance * abs(push).max()
        assert near(got.gradient[1::2], push, room)
        assert near(got.gradient[::2], -push if way == "EXACT" else 0, room)


@both
@every_way
@pytest.mark.parametrize("dim", [2, 64])
def test_rotation(way: str, dim: int, precision: Precision) -> None:
    sizes = Sizes(6, 4, 3, dim)
    features, margin = mixed_batch(way, sizes, seed=8)
    turn = np.linalg.qr(np.random.default_rng(9).standard_normal((dim, dim)))[0]
    here = layer(way, precision, sizes, features, margin)
    turned = layer(way, precision, sizes, features @ turn, margin)
    turned.check(Result(here.stats, here.gradient @ turn), TOLERANCE[precision])


@both
@pytest.mark.parametrize("way", [*CLUSTERS, "HARD"])
@pytest.mark.parametrize("what", ["positives", "negatives", "sets"])
def test_order(way: str, what: str, precision: Precision) -> None:
    """Gradients go with their rows. RANDOM draws by place."""
    sizes = Sizes(7, 5, 4, 6)
    features, margin = mixed_batch(way, sizes, seed=10)
    rows = np.arange(len(features)).reshape(sizes.sets, -1)
    shuffle = np.random.default_rng(11).permuted
    if what == "positives":
        rows[:, :5] = shuffle(rows[:, :5], axis=1)
    elif what == "negatives":
        rows[:, 5:] = shuffle(rows[:, 5:], axis=1)
    else:
        rows = rows[::-1]
    order = rows.ravel()
    here = layer(way, precision, sizes, features, margin)
    there = layer(way, precision, sizes, features[order], margin)
    there.check(Result(here.stats, here.gradient[order]), TOLERANCE[precision])


@both
@every_way
@pytest.mark.parametrize("dim", [1, 1024, 4096])
def test_nothing_active_is_exactly_zero(
    way: str, dim: int, precision: Precision
) -> None:
    sizes = Sizes(3, 4, 3, dim)
    features = sizes.random(seed=12, scale=0.1 * dim**-0.5)
    sizes.cut(features)[:, 4:] += 3.0
    got = layer(way, precision, sizes, features, 1.0)
    assert got.stats.loss == 0
    assert got.stats.active_fraction == 0
    assert got.stats.negative_distance > 1
    assert not got.gradient.any()


@both
@every_way
@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_collapse(way: str, margin: float, precision: Precision) -> None:
    """All rows in one place: the loss says so, and no gradient points anywhere."""
    sizes = Sizes(2, 4, 3, 1024)
    row = Sizes(1, 1, 0, 1024).random(seed=13)
    got = layer(way, precision, sizes, np.repeat(row, 14, axis=0), margin)
    hinges = 4 * margin / 2 if way in CLUSTERS else 4 * margin
    assert got.stats == SetLoss(hinges, float(margin > 0), 0.0, 0.0)
    assert not got.gradient.any()


@both
@every_way
@pytest.mark.parametrize("exponent", [-50, -9, 9, 50])
def test_tiny_and_huge_features(way: str, exponent: int, precision: Precision) -> None:
    """A power of two, k times the features, changes no digit.

    With k^2 times the margin, the loss is k^2 and the gradient k times as large.
    """
    sizes = Sizes(5, 3, 4, 17)
    features, k = sizes.random(seed=14, scale=0.5), 2.0**exponent
    one = layer(way, precision, sizes, features, 1.0)
    scaled = layer(way, precision, sizes, k * features, k * k)
    assert 0 < one.stats.active_fraction < 1
    assert scaled.stats == SetLoss(
        k * k * one.stats.loss,
        one.stats.active_fraction,
        k * k * one.stats.positive_distance,
        k * k * one.stats.negative_distance,
    )
    assert (scaled.gradient == k * one.gradient).all()


@both
@every_way
def test_overflow_is_no_finite_loss(way: str, precision: Precision) -> None:
    """Features whose squares leave the type's range."""
    sizes, big = Sizes(2, 2, 2, 3), 1e30 if precision == "f32" else 1e200
    features = sizes.random(seed=15)
    for rows, loss in (((0,), np.inf), ((0, 1, 2, 3), np.nan), ((2, 3), 0.0)):
        huge = features.copy()
        huge[[*rows, *(row + 4 for row in rows)]] *= big
        got = layer(way, precision, sizes, huge, 1.0).stats.loss
        if loss == 0:  # the negatives really are far away
            assert got == 0
        else:
            assert not np.isfinite(got)


@both
@every_way
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_never_hidden(
    way: str, bad: float, precision: Precision
) -> None:
    sizes = Sizes(2, 3, 2, 4)
    features = sizes.random(seed=16)
    good = layer(way, precision, sizes, features, 8.0)
    drawn = ref.random_triplets(2, 3, 2, SEED, sizes.ids)
    for row in range(10):
        spoilt = features.copy()
        spoilt[row, 2] = bad
        got = layer(way, precision, sizes, spoilt, 8.0)
        other = slice(5, 10) if row < 5 else slice(0, 5)
        assert (got.gradient[other] == good.gradient[other]).all()
        if way == "RANDOM" and row not in drawn:
            assert got.stats == good.stats
            continue
        assert np.isnan(got.stats.loss), row
        own = slice(0, 5) if row < 5 else slice(5, 10)
        assert not np.isfinite(got.gradient[own]).all()


@both
@pytest.mark.parametrize("way", ["EXACT", "HARD"])
@pytest.mark.parametrize(("row", "bad"), [(0, np.nan), (1, np.nan), (4, 1.0), (1, 2.0)])
def test_wrong_ids_are_refused(
    way: str, row: int, bad: float, precision: Precision
) -> None:
    """A positive of another vehicle or of none, a negative of the same."""
    sizes = Sizes(2, 3, 2, 4)
    ids = sizes.ids
    ids[row] = bad
    net = set_net(way, precision, sizes, 1.0)
    net.blobs["features"].data[...] = sizes.random(seed=1)
    net.blobs["ids"].data[...] = ids
    with pytest.raises(RuntimeError, match=r"set 0, row \d is a .* with vehicle id"):
        net.forward()


@lru_cache(maxsize=64)
def triplet_net(precision: Precision, rows: int, dim: int, margin: float) -> MemoryNet:
    net = net_with_inputs(dict.fromkeys(ROLES, (rows, dim)))
    param = {"margin": margin}
    layers.add(net, "TripletLoss", "apn", ROLES, TOPS, triplet_loss_param=param)
    return MemoryNet(net, precision)


def given_triplets(precision: Precision, apn: Float, margin: float) -> Result:
    net = triplet_net(precision, *apn.shape[1:], margin)
    return one_pass(net, dict(zip(ROLES, apn, strict=True)), ROLES)


def expected_triplets(apn: Float, margin: float) -> Result:
    gradient = ref.triplet_gradient(*apn, margin, apn.shape[1])
    loss = ref.triplet_loss(*apn, margin, apn.shape[1])
    return Result(loss, np.concatenate(gradient))


@given(
    apn=st.sampled_from(list(itertools.product((1, 2, 4, 8), (1, 2, 5)))).flatmap(
        lambda shape: arrays(np.float64, (3, *shape), elements=st.integers(-3, 3))
    ),
    margin=st.sampled_from((0, 1, 5)),
)
@example(apn=np.zeros((3, 1, 1)), margin=0)
@example(apn=np.array([[[0.0]], [[2.0]], [[3.0]]]), margin=5)  # a hinge of zero
@few
def test_three_bottoms_of_integers(apn: Float, margin: int) -> None:
    wanted = expected_triplets(apn, margin)
    for precision in PRECISIONS:
        got = given_triplets(precision, apn, margin)
        assert got.stats == wanted.stats
        assert (got.gradient == wanted.gradient).all()
        # What moves a triplet as a whole does not change its loss.
        assert not got.gradient.reshape(apn.shape).sum(axis=0).any()


@both
@pytest.mark.parametrize(("rows", "dim"), [(1000, 1), (1, 4096), (1000, 64)])
def test_shapes_of_three_bottoms(rows: int, dim: int, precision: Precision) -> None:
    apn = Sizes(1, 3, 0, rows * dim).random(seed=17, scale=dim**-0.25)
    apn = apn.reshape(3, rows, dim)
    margin = 0.5 if rows > 1 else 50.0
    wanted = expected_triplets(apn, margin)
    assert rows == 1 or 0 < wanted.stats.active_fraction < 1
    given_triplets(precision, apn, margin).check(wanted, TOLERANCE[precision])
    # The order of triplets says nothing.
    turned = given_triplets(precision, apn[:, ::-1], margin)
    gradient = wanted.gradient.reshape(apn.shape)[:, ::-1].reshape(-1, dim)
    turned.check(Result(wanted.stats, gradient), TOLERANCE[precision])


def test_float_distances_are_rounded_once() -> None:
    """Sums of 4096 squares in float would be off in the last three bits."""
    for seed in range(10):
        apn = Sizes(1, 3, 0, 4096).random(seed).reshape(3, 1, 4096)
        wanted = expected_triplets(apn, 0.5).stats
        got = given_triplets("f32", apn, 0.5).stats
        assert got.positive_distance == np.float32(wanted.positive_distance)
        assert got.negative_distance == np.float32(wanted.negative_distance)


@both
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("role", range(3))
def test_three_bottoms_never_hide(role: int, bad: float, precision: Precision) -> None:
    apn = np.random.default_rng(18).standard_normal((3, 4, 5))
    apn[role, 1, 2] = bad
    assert np.isnan(given_triplets(precision, apn, 1.0).stats.loss)


@lru_cache(maxsize=64)
def unit_net(
    precision: Precision, rows: int, dim: int, in_place: bool, epsilon: float
) -> MemoryNet:
    net = net_with_inputs({"x": (rows, dim)})
    top = "x" if in_place else "y"
    layers.add(
        net, "L2Normalize", "unit", ["x"], [top],
        loss_weight=[1.0], l2_normalize_param={"epsilon": epsilon},
    )  # fmt: skip
    return MemoryNet(net, precision)


def unit(
    precision: Precision,
    x: Float,
    dy: Float | None = None,
    in_place: bool = False,
    epsilon: float = 1e-12,
) -> tuple[Float, Float]:
    """Rows on the sphere and, given the gradient there, the gradient of x."""
    net = unit_net(precision, *x.shape, in_place, epsilon)
    top = "x" if in_place else "y"
    net.blobs["x"].diff[...] = STALE
    net.blobs["x"].data[...] = x
    net.blobs[top].diff[...] = np.zeros_like(x) if dy is None else dy
    net.forward()
    y = np.array(net.blobs[top].data, np.float64)
    net.backward()
    return y, np.array(net.blobs["x"].diff, np.float64)


def rows_and_gradient(rows: int, dim: int) -> tuple[Float, Float]:
    x = Sizes(rows, 1, 0, dim).random(seed=20)
    return x, Sizes(rows, 1, 0, dim).random(seed=21)


@both
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(("rows", "dim"), [(10000, 1), (3, 1024), (1, 4096), (500, 7)])
def test_unit_rows(rows: int, dim: int, in_place: bool, precision: Precision) -> None:
    x, dy = rows_and_gradient(rows, dim)
    y, dx = unit(precision, x, dy, in_place)
    tolerance = TOLERANCE[precision]
    assert near(np.linalg.norm(y, axis=1), 1, tolerance)
    assert near(y, ref.l2_normalize(x), tolerance)
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    wanted = ref.l2_normalize_gradient(x, dy) * norm
    assert near(dx * norm, wanted, tolerance * abs(dy).max())
    # No step along a row changes where it goes on the sphere.
    along = (dx * norm * y).sum(axis=1)
    assert near(along, 0, tolerance * np.linalg.norm(dy, axis=1).max())


@both
@pytest.mark.parametrize("exponent", [-60, -1, 30, 60])
def test_length_of_a_row_is_forgotten(exponent: int, precision: Precision) -> None:
    """Bit for bit by powers of two; the gradient shrinks as the row grows."""
    x, dy = rows_and_gradient(20, 33)
    y, dx = unit(precision, x, dy, epsilon=0)
    k = 2.0 ** (exponent if precision == "f32" else 8 * exponent)
    scaled_y, scaled_dx = unit(precision, k * x, dy, epsilon=0)
    assert (scaled_y == y).all()
    assert (scaled_dx * k == dx).all()
    assert (unit(precision, -x)[0] == -y).all()


@both
def test_unit_rows_turn_with_their_space(precision: Precision) -> None:
    x, dy = rows_and_gradient(20, 33)
    turn = np.linalg.qr(np.random.default_rng(22).standard_normal((33, 33)))[0]
    here, there = unit(precision, x, dy), unit(precision, x @ turn, dy @ turn)
    for one, other in zip(here, there, strict=True):
        assert near(other, one @ turn, TOLERANCE[precision])


def exact_norms(x: Float) -> Float:
    """Of rows whose squares may leave the range of double."""
    largest = abs(x).max(axis=1, keepdims=True)
    largest[largest == 0] = 1
    with np.errstate(over="ignore", under="ignore"):
        return largest[:, 0] * np.linalg.norm(x / largest, axis=1)


@pytest.mark.parametrize(("precision", "width"), [("f64", 64), ("f32", 32)])
@given(data=st.data())
@few
def test_a_row_is_unit_or_zero_or_nan(
    precision: Precision, width: int, data: st.DataObject
) -> None:
    """Zero where the norm is at most epsilon, NaN where it leaves the range."""
    numbers = st.floats(width=width, allow_nan=False, allow_infinity=False)
    small = st.floats(-2e-12, 2e-12)
    largest = float(np.finfo(np.float32 if width == 32 else np.float64).max)
    huge = st.sampled_from((largest, -largest, largest / 2, np.sqrt(largest), 0.0))
    element = st.one_of(numbers, small, huge)
    x = data.draw(arrays(np.float64, (6, 3), elements=element))
    norm = exact_norms(x)
    y, dx = unit(precision, x, np.ones_like(x))
    epsilon = float(np.float32(1e-12))
    # Double cannot square what is beyond this; float's squares are doubles.
    edge = largest if width == 32 else np.sqrt(largest)
    for row in range(6):
        if norm[row] <= epsilon * 0.999999:
            assert not y[row].any()
            assert not dx[row].any()
        elif norm[row] > edge * 1.000001:
            assert np.isnan(y[row]).all()
            assert np.isnan(dx[row]).all()
        elif epsilon * 1.000001 < norm[row] < edge * 0.5:
            with np.errstate(under="ignore"):
                wanted = x[row] / norm[row]
            assert near(y[row], wanted, 1e-6)


@both
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_unit_rows_never_hide(bad: float, precision: Precision) -> None:
    x, dy = rows_and_gradient(3, 4)
    good = unit(precision, x, dy)
    x[1, 2] = bad
    for got, wanted in zip(unit(precision, x, dy), good, strict=True):
        assert np.isnan(got[1]).all()
        assert (got[[0, 2]] == wanted[[0, 2]]).all()

"""Connections that add up few spikes give what Lava's give, to the last bit."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lava.proc.dense import models as dense
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.sparse import models as sparse
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy.sparse import csr_matrix

from lava_sqs import SQSSimCfg, runtime
from lava_sqs.proc import _stock_synapses as ours
from lava_sqs.proc._private import models_of
from lava_sqs.proc._stock import quicker
from lava_sqs.proc._stock_synapses import adds_exactly

pytestmark = pytest.mark.filterwarnings("ignore:Changing the sparsity structure")  # by Lava

#: Process and Lava's model
PAIRS = [
    (Dense, dense.PyDenseModelFloat),
    (Dense, dense.PyDenseModelBitAcc),
    (DelayDense, dense.PyDelayDenseModelFloat),
    (DelayDense, dense.PyDelayDenseModelBitAcc),
    (Sparse, sparse.PySparseModelFloat),
    (Sparse, sparse.PySparseModelBitAcc),
    (DelaySparse, sparse.PyDelaySparseModelFloat),
    (DelaySparse, sparse.PyDelaySparseModelBitAcc),
]
SHAPES = st.sampled_from([(1, 1), (1, 40), (30, 1), (3, 70), (40, 25)])


class Port:
    """Gives what it was told, and keeps what it gets."""

    def recv(self):
        return self.value

    def send(self, data):
        self.value = data.copy()


def build(kind, weights, delays, bits, **params):
    """Return a model as Lava's builder makes it, without a network."""
    model = kind({"num_weight_bits": 7, **params})
    is_sparse, fixed = "Sparse" in kind.__mro__[1].__name__ + kind.__name__, "BitAcc" in str(kind)
    dtype = np.int32 if fixed else float
    matrix = csr_matrix if is_sparse else np.array
    model.weights = matrix(weights.astype(dtype))
    model.num_message_bits = np.array([bits])
    shape = (weights.shape[0],)
    if "Delay" in kind.__name__:
        model.delays = matrix(delays.astype(np.int32))
        shape += (int(delays.max()) + 1,)
    model.a_buff = np.zeros(shape, dtype)
    model.s_in, model.a_out = Port(), Port()
    return model


def assert_same(stock, weights, delays, trains, bits=0, **params):
    """Run Lava's model and ours side by side, and return ours."""
    models = [build(kind, weights, delays, bits, **params) for kind in (quicker(stock), stock)]
    assert type(models[0]) is not stock
    for spikes in trains:
        for model in models:
            model.s_in.value = spikes.copy()
            model.run_spk()
        mine, theirs = models
        assert mine.a_buff.dtype == theirs.a_buff.dtype
        assert mine.a_buff.tobytes() == theirs.a_buff.tobytes()
        assert mine.a_out.value.tobytes() == theirs.a_out.value.tobytes()
    return models[0]


@pytest.fixture(autouse=True)
def no_matrix_is_small(monkeypatch):
    monkeypatch.setattr(ours, "_SMALL", 0)


def any_weights(shape, seed, fixed, coarse):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-128, 127, shape) if fixed else rng.normal(size=shape)
    if coarse:
        weights = np.round(weights * 8) / 8
    weights[rng.random(shape) < 0.3] = 0
    weights[0, 0] = 1
    return weights, rng.integers(0, 5, shape)


def any_trains(seed, n, share, payload, dtype):
    rng = np.random.default_rng(seed)
    spikes = (rng.random((6, n)) < share) * np.ceil(rng.random((6, n)) * payload)
    return spikes.astype(dtype)


@pytest.mark.parametrize(("process", "stock"), PAIRS, ids=lambda p: p.__name__)
@given(
    SHAPES,
    st.integers(0, 2**32),
    st.booleans(),
    st.sampled_from([0.0, 0.05, 0.3, 1.0]),
    st.sampled_from([bool, float, int, np.int32]),
    st.integers(-2, 3),
)
def test_binary_spikes(process, stock, shape, seed, coarse, share, dtype, weight_exp):
    fixed = "BitAcc" in stock.__name__
    weights, delays = any_weights(shape, seed, fixed, coarse)
    trains = any_trains(seed, shape[1], share, 1, dtype)
    assert_same(stock, weights, delays, trains, weight_exp=weight_exp)


@pytest.mark.parametrize(("process", "stock"), PAIRS, ids=lambda p: p.__name__)
@given(
    SHAPES,
    st.integers(0, 2**32),
    st.booleans(),
    st.sampled_from([0.0, 0.05, 0.2, 1.0]),
    st.sampled_from([float, int, np.int32]),
)
def test_graded_spikes(process, stock, shape, seed, coarse, share, dtype):
    fixed = "BitAcc" in stock.__name__
    weights, delays = any_weights(shape, seed, fixed, coarse)
    trains = any_trains(seed, shape[1], share, 200, np.int32 if fixed else dtype)
    trains[::2] *= -1
    assert_same(stock, weights, delays, trains, bits=8)


@given(SHAPES, st.integers(0, 2**32), st.sampled_from([0.5, 300.0, np.inf, np.nan, -0.1]))
def test_a_payload_of_another_kind_is_multiplied_as_before(shape, seed, odd):
    weights, delays = any_weights(shape, seed, False, coarse=True)
    trains = any_trains(seed, shape[1], 0.2, 100, float)
    trains[3:, 0] = odd
    for stock in (dense.PyDenseModelFloat, dense.PyDelayDenseModelFloat):
        with np.errstate(invalid="ignore"):
            model = assert_same(stock, weights, delays, trains, bits=8)
        assert not model._exact


def test_weights_that_are_not_numbers():
    weights = np.array([[1.0, np.inf, 2.0], [np.nan, 0.0, -0.0]])
    trains = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0]])
    for stock in (dense.PyDenseModelFloat, dense.PyDelayDenseModelFloat, sparse.PySparseModelFloat):
        for bits in (0, 8):
            with np.errstate(invalid="ignore"):
                assert_same(stock, weights, np.array([[0, 1, 2], [2, 1, 0]]), trains, bits=bits)


def test_what_adds_up_exactly():
    whole = np.arange(12.0).reshape(3, 4) - 5
    assert adds_exactly(whole / 64, 255)
    assert adds_exactly(whole * 0, 255)
    assert not adds_exactly(whole / 3, 255)
    assert not adds_exactly(whole + 2.0**50, 255)  # sums of more than 53 bits
    assert not adds_exactly(whole + np.nan, 1)
    assert not adds_exactly(np.full((2, 2), 1e308), 2.0**24)


@given(
    arrays(float, (3, 9), elements=st.integers(-1000, 1000).map(lambda k: k / 128)),
    arrays(float, 9, elements=st.integers(-255, 255).map(float)),
    st.permutations(range(9)),
)
def test_what_adds_up_exactly_does_so_in_any_order(weights, spikes, order):
    assert adds_exactly(weights, 255)
    assert (weights @ spikes == np.cumsum(weights[:, order] * spikes[order], axis=1)[:, -1]).all()


def test_few_spikes_are_added_and_many_multiplied():
    weights = np.arange(400.0).reshape(20, 20)
    model = build(ours.DenseModel, weights, None, 8)
    model.s_in.value = np.eye(20)[3] * 7
    model.run_spk()
    assert model._exact
    assert model.weights.flags.f_contiguous
    rounded = build(ours.DenseModel, weights / 3, None, 8)
    rounded.s_in.value = np.eye(20)[3] * 7
    rounded.run_spk()
    assert not rounded._exact
    assert rounded.weights.flags.c_contiguous


@pytest.mark.parametrize("stock", [dense.PyDenseModelFloat, dense.PyDelayDenseModelFloat])
def test_weights_set_in_place_are_looked_at_again(stock):
    rng = np.random.default_rng(0)
    whole, delays = rng.integers(-9, 9, (40, 60)), rng.integers(0, 4, (40, 60))
    models = [build(kind, whole, delays, 8) for kind in (quicker(stock), stock)]
    for weights in (whole, rng.normal(size=(40, 60)), whole):
        for model in models:
            model.weights[...] = weights
            model.on_var_update()
        for spikes in any_trains(3, 60, 0.15, 200, float):
            for model in models:
                model.s_in.value = spikes.copy()
                model.run_spk()
            assert models[0].a_buff.tobytes() == models[1].a_buff.tobytes()
        assert models[0]._exact == (weights is whole)


def test_small_matrices_are_multiplied(monkeypatch):
    monkeypatch.undo()
    model = build(ours.DenseModel, np.arange(400.0).reshape(20, 20), None, 8)
    model.s_in.value = np.eye(20)[3] * 7
    model.run_spk()
    assert not model._exact
    assert (model.a_buff == 7 * (20 * np.arange(20) + 3)).all()


# -- in a network ----------------------------------------------------------------------------------


def chain(process, weights, delays, trains, **options):
    """RingBuffer - connection - LIF."""
    n = weights.shape[0]
    more = (
        {"delays": delays, "max_delay": 4} if issubclass(process, (DelayDense, DelaySparse)) else {}
    )
    if issubclass(process, (Sparse, DelaySparse)):
        weights = csr_matrix(weights)
        more = {key: csr_matrix(d) if key == "delays" else d for key, d in more.items()}
    synapses = process(weights=weights, **more, **options)
    neurons = LIF(shape=(n,), vth=3, du=0, dv=0)
    RingBuffer(data=trains).s_out.connect(synapses.s_in)
    synapses.a_out.connect(neurons.a_in)
    return neurons, synapses


def run(process, tag, stock, weights, delays, trains, change, **options):
    neurons, synapses = chain(process, weights, delays, trains, **options)
    theirs = {process: stock} if stock else {}
    with runtime(neurons, SQSSimCfg(tag, exception_proc_model_map=theirs)) as net:
        seen = net.record(neurons.v, synapses.a_out)
        net.run(5)
        if change is not None:
            synapses.weights.set(change)
            assert np.array_equal(synapses.weights.get(), change)
        net.run(5)
    return seen.v, seen.a_out, synapses.model_class


@pytest.mark.parametrize(("process", "stock"), PAIRS[:4], ids=lambda p: p.__name__)
@pytest.mark.parametrize(("bits", "unit"), [(0, 1), (8, 1), (8, 3)])
def test_weights_may_be_set_between_runs(process, stock, bits, unit):
    tag = "fixed_pt" if "BitAcc" in stock.__name__ else "floating_pt"
    rng = np.random.default_rng(2)
    trains = (rng.random((7, 10)) < 0.3).astype(int)
    weights, delays = rng.integers(-9, 9, (4, 7)), rng.integers(0, 4, (4, 7))
    change = rng.integers(-9, 9, (4, 7)).astype(float)
    if tag == "floating_pt":
        change /= unit  # thirds do not add up exactly
    mine, theirs = (
        run(process, tag, model, weights, delays, trains, change, num_message_bits=bits)
        for model in (None, stock)
    )
    assert (mine[2], theirs[2]) == (quicker(stock), stock)
    assert np.array_equal(mine[0], theirs[0])
    assert np.array_equal(mine[1], theirs[1])
    assert mine[1].any()


@pytest.mark.parametrize(("process", "stock"), PAIRS[4:], ids=lambda p: p.__name__)
def test_sparse_connections_in_a_network(process, stock):
    tag = "fixed_pt" if "BitAcc" in stock.__name__ else "floating_pt"
    rng = np.random.default_rng(2)
    trains = (rng.random((7, 10)) < 0.3).astype(int)
    weights, delays = rng.integers(1, 9, (4, 7)), rng.integers(0, 4, (4, 7))
    mine, theirs = (
        run(process, tag, model, weights, delays, trains, None) for model in (None, stock)
    )
    assert (mine[2], theirs[2]) == (quicker(stock), stock)
    assert np.array_equal(mine[1], theirs[1])
    assert mine[1].any()


# -- who chooses -----------------------------------------------------------------------------------


def test_every_model_of_these_processes_has_one_of_ours():
    synapses = Dense(weights=np.ones((2, 3)))
    for model in models_of(synapses):
        assert issubclass(quicker(model), model)
        assert quicker(model).tags == model.tags
        assert quicker(model).implements_process is Dense


def test_models_of_others_stay():
    class Mine(dense.PyDenseModelFloat):
        pass

    synapses = Dense(weights=np.ones((2, 3)))
    assert SQSSimCfg().select(synapses, [Mine]) is Mine
    assert SQSSimCfg(exception_proc_model_map={Dense: Mine}).select(synapses, []) is Mine
    stock = dense.PyDenseModelFloat
    assert SQSSimCfg(exception_proc_model_map={Dense: stock}).select(synapses, [Mine]) is stock
    assert SQSSimCfg().select(synapses, [stock]) is ours.DenseModel
    assert SQSSimCfg(None).select(synapses, [stock]) is ours.DenseModel
    by_tag = SQSSimCfg("bit_accurate_loihi").select(synapses, models_of(synapses))
    assert by_tag is ours.DenseModelBitAcc


def test_it_says_why_it_multiplies(caplog):
    with caplog.at_level(logging.DEBUG, "lava_sqs"):
        model = build(ours.DenseModel, np.full((2, 3), 0.1), None, 8)
        model.s_in.value = np.ones(3)
        model.run_spk()
    assert "sums of its weights are rounded" in caplog.text

"""LIF in one loop gives what Lava's models give, to the last bit."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lava.proc.dense.process import Dense
from lava.proc.lif import models as lif
from lava.proc.lif.process import LIF, LIFReset

from lava_sqs import SQSSimCfg, runtime
from lava_sqs.proc._private import models_of
from lava_sqs.proc._stock import quicker

STOCK = [lif.PyLifModelFloat, lif.PyLifResetModelFloat]
NUMBERS = st.one_of(
    st.floats(-2, 2), st.integers(-2, 2), st.sampled_from([np.float32(0.1), np.int8(1), True])
)


class Port:
    def recv(self):
        return self.value

    def send(self, data):
        self.value = data.copy()


def build(kind, shape, seed, du=0.0, dv=0.0, vth=1.0):
    """Return a model of a LIF Process as Lava's builder makes it, without a network."""
    rng = np.random.default_rng(seed)
    model = kind({"reset_interval": 3, "reset_offset": 4})
    for name in ("u", "v", "bias_mant"):
        setattr(model, name, rng.normal(size=shape))
    model.bias_exp, model.du, model.dv, model.vth = np.zeros(shape), du, dv, vth
    model.a_in, model.s_out, model.time_step = Port(), Port(), 0
    return model


def step(model, a_in):
    model.time_step += 1
    model.a_in.value = a_in.copy()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.run_spk()
    return [str(each.message) for each in said]


def assert_same(mine, theirs):
    for name in ("u", "v"):
        ours, stock = getattr(mine, name), getattr(theirs, name)
        assert (ours.dtype, ours.tobytes()) == (stock.dtype, stock.tobytes())
    assert (mine.s_out.value == theirs.s_out.value).all()
    assert mine.s_out.value.dtype == theirs.s_out.value.dtype


@pytest.mark.parametrize("stock", STOCK)
@given(
    st.sampled_from([(1,), (7,), (130,), (2, 3), (4, 2, 5)]),
    st.integers(0, 2**32),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from([float, np.float32, int]),
)
def test_the_same_bits(stock, shape, seed, du, dv, vth, dtype):
    mine, theirs = (build(kind, shape, seed, du, dv, vth) for kind in (quicker(stock), stock))
    for a_in in np.random.default_rng(seed).normal(scale=2, size=(8, *shape)).astype(dtype):
        assert step(mine, a_in) == step(theirs, a_in)
        assert_same(mine, theirs)
    assert type(mine) is not stock
    assert mine._plain


@pytest.mark.parametrize("stock", STOCK)
@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan, 1.7e308, -0.0])
def test_numbers_that_overflow_or_are_none(stock, odd):
    mine, theirs = (build(kind, (3,), 0, du=-1.0) for kind in (quicker(stock), stock))
    for k in range(6):
        a_in = np.array([0.5, odd, -odd if k % 2 else odd])
        assert step(mine, a_in) == step(theirs, a_in)  # the same warnings
        assert_same(mine, theirs)


@pytest.mark.parametrize("stock", STOCK)
def test_what_is_set_or_replaced_between_steps(stock):
    mine, theirs = (build(kind, (5,), 1) for kind in (quicker(stock), stock))
    a_in = np.linspace(-1, 1, 5)
    changes = [
        lambda m: setattr(m, "du", 0.25),
        lambda m: setattr(m, "v", np.full(5, 0.9)),  # as a RefPort writes
        lambda m: m.bias_mant.fill(0.7),  # as Var.set writes
        lambda m: setattr(m, "vth", np.linspace(0, 1, 5)),
        lambda m: setattr(m, "vth", 0.1),
        lambda m: setattr(m, "u", np.arange(5)),  # integers, which round
        lambda m: setattr(m, "u", np.arange(10.0)[::2]),
        lambda m: setattr(m, "bias_mant", np.float64(0.3)),
    ]
    for change in changes:
        for model in (mine, theirs):
            change(model)
        for _ in range(3):
            if isinstance(mine.u, np.ndarray) and mine.u.dtype.kind == "i":
                errors = []
                for model in (mine, theirs):
                    with pytest.raises(TypeError) as caught:
                        step(model, a_in)
                    errors.append(str(caught.value))
                assert errors[0] == errors[1]
                break
            assert step(mine, a_in) == step(theirs, a_in)
            assert_same(mine, theirs)


def network(process, shape):
    first = LIF(shape=shape, bias_mant=0.3, vth=1.0, dv=0.1)
    weights = np.random.default_rng(0).normal(size=(4, int(np.prod(shape))))
    dense, last = Dense(weights=weights), process(shape=(4,), vth=0.5, du=0.2)
    first.s_out.reshape((weights.shape[1],)).connect(dense.s_in)
    dense.a_out.connect(last.a_in)
    return first, last


@pytest.mark.parametrize("engine", ["inline", "processes"])
@pytest.mark.parametrize("process", [LIF, lambda **a: LIFReset(reset_interval=7, **a)])
def test_in_a_network(engine, process):
    seen = []
    for named in ({}, {LIF: lif.PyLifModelFloat, LIFReset: lif.PyLifResetModelFloat}):
        first, last = network(process, (2, 3))
        with runtime(last, SQSSimCfg(exception_proc_model_map=named), engine=engine) as net:
            kept = net.record(last.v, last.s_out, u=first.u)
            net.run(20)
            last.vth.set(0.25)
            first.v.set(np.full((2, 3), 0.5))
            net.run(20)
        seen.append((kept.v.tobytes(), kept.u.tobytes(), kept.s_out.tobytes()))
        assert kept.s_out.any()
        if not named:
            assert last.model_class is quicker(last.model_class.__mro__[2])
    assert seen[0] == seen[1]


def test_who_is_replaced():
    for process in (LIF(shape=(1,)), LIFReset(shape=(1,), reset_interval=2)):
        for model in models_of(process):
            if "floating_pt" in model.tags:
                assert issubclass(quicker(model), model)
                assert quicker(model) is not model
            else:
                assert quicker(model) is model

"""Compiled learning rules give what Lava's models give, to the last bit."""

import logging

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.proc.dense.models import PyLearningDenseModelFloat
from lava.proc.dense.process import LearningDense
from lava.proc.io.source import RingBuffer
from lava.proc.learning_rules.r_stdp_learning_rule import RewardModulatedSTDP
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF
from lava.proc.sparse.models import PyLearningSparseModelFloat
from lava.proc.sparse.process import LearningSparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix, issparse

from lava_sqs import SQSLearningRule, SQSRewardRule, SQSSimCfg, runtime
from lava_sqs.proc._private import models_of
from lava_sqs.proc._stock_learning import CompiledRule, LearningDenseModel, LearningSparseModel

STATE = [
    "a_buff",
    "weights",
    "tag_1",
    "tag_2",
    "x0",
    "y0",
    "tx",
    "ty",
    "x1",
    "x2",
    "y1",
    "y2",
    "y3",
]
GRADED = list(GradedSpikeCfg)


class Port:
    """Gives what it was told, and keeps what it gets."""

    def recv(self):
        return self.value

    def send(self, data):
        self.value = data.copy()


def build(kind, rule, weights, *, graded=GradedSpikeCfg.USE_REGULAR_IMPULSE, bits=0, **params):
    """Return a model of a learning connection as Lava's builder makes it, without a network."""
    sparse = issubclass(kind, PyLearningSparseModelFloat)
    matrix = csr_matrix if sparse else np.array
    params = {"learning_rule": rule, "shape": weights.shape, "graded_spike_cfg": graded, **params}
    model = kind(params)
    post, pre = weights.shape
    model.weights = matrix(weights)
    model.tag_1, model.tag_2 = matrix(weights * 0), matrix(weights * 0)
    model.a_buff, model.num_message_bits = np.zeros(post), np.array([bits])
    for side, n, traces in (("x", pre, "12"), ("y", post, "123")):
        setattr(model, f"{side}0", np.zeros(n, bool))
        setattr(model, f"t{side}", np.zeros(n, int))
        for i in traces:
            setattr(model, f"{side}{i}", np.zeros(n))
    for port in ("s_in", "a_out", "s_in_bap", "s_in_y1", "s_in_y2", "s_in_y3"):
        setattr(model, port, Port())
    return model


def dense(values):
    return np.asarray(values.todense() if issparse(values) else values)


def assert_same(ours, stock, step):
    """Compare the bytes of every Var: -0 is not 0, and NaN is NaN."""
    for name in STATE:
        mine, theirs = dense(getattr(ours, name)), dense(getattr(stock, name))
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        assert mine.tobytes() == theirs.tobytes(), (name, step, mine, theirs)


def compare(kinds, make_rule, weights, trains, **options):
    """Run both models on the same (spikes in, spikes back, y1 to y3) of each step."""
    ours, stock = (build(kind, make_rule(), weights, **options) for kind in kinds)
    for step, (spikes, back, y) in enumerate(trains, start=1):
        for model in (ours, stock):
            model.time_step = step
            model.s_in.value, model.s_in_bap.value = spikes.copy(), back.copy()
            for i, values in enumerate(y):
                getattr(model, f"s_in_y{i + 1}").value = values.copy()
            model.run_spk()
            assert model.lrn_guard() == (step % model._learning_rule.t_epoch == 0)
            if model.lrn_guard():
                model.run_lrn()
        assert ours.a_out.value.tobytes() == stock.a_out.value.tobytes()
        assert_same(ours, stock, step)
    return ours, stock


# -- rules as strings ------------------------------------------------------------------------------

VARIABLES = ["x1", "x2", "y1", "y2", "y3", "w", "d", "t"]
constants = st.one_of(st.integers(0, 7).map(str), st.integers(-3, 3).map("2^{}".format))


@st.composite
def factors(draw):
    kind = draw(st.sampled_from(["plain", "plain", "constant", "sgn", "sgn constant"]))
    name = draw(st.sampled_from(["w", "d", "t"] if "sgn" in kind else VARIABLES))
    if "constant" in kind:
        name = f"({name} {draw(st.sampled_from('+-'))} {draw(constants)})"
    return f"sgn({name.strip('()')})" if "sgn" in kind else name


@st.composite
def product_sums(draw, k):
    """One side of a rule: a sum of products that Lava's parser takes."""
    text = ""
    for i in range(draw(st.integers(1, 3))):
        scale = draw(st.one_of(st.just(""), constants.map("{}*".format)))
        parts = [draw(st.sampled_from(["x0", "y0", f"u{k}"]))]
        parts += draw(st.lists(factors(), min_size=0, max_size=3))
        sign = draw(st.sampled_from(["+", "-"]))
        text += (f" {sign} " if i else "-" if sign == "-" else "") + scale + "*".join(parts)
    return text


@st.composite
def rules(draw):
    """What makes a rule, of two or three factors, with any of dw, dd and dt."""
    k = draw(st.integers(0, 3))
    sides = draw(st.sets(st.sampled_from(["dw", "dd", "dt"]), min_size=1))
    settings = {side: draw(product_sums(k)) for side in sides}
    for trace in ("x1", "x2", "y1", "y2", "y3"):
        settings[f"{trace}_tau"] = draw(st.sampled_from([0, 1, 2.5, 10]))
        settings[f"{trace}_impulse"] = draw(st.sampled_from([0, 1, 16, 3.7]))
    settings["t_epoch"] = draw(st.integers(1, 4))
    three = draw(st.booleans())
    for name in [n for n in settings if three and n[0] == "y"]:
        del settings[name]
    kind = Loihi3FLearningRule if three else Loihi2FLearningRule
    try:
        kind(**settings)
    except (ValueError, IndexError):  # what this grammar makes and Lava's does not take
        assume(False)
    return lambda: kind(**settings)


def trains_of(seed, post, pre, steps=9, payload=1.0):
    rng = np.random.default_rng(seed)
    rate = rng.random()
    return [
        (
            (rng.random(pre) < rate) * np.ceil(payload * rng.random(pre)),
            rng.random(post) < rate,
            rng.normal(size=(3, post)),
        )
        for _ in range(steps)
    ]


DENSE = (LearningDenseModel, PyLearningDenseModelFloat)
SPARSE = (LearningSparseModel, PyLearningSparseModelFloat)


@pytest.mark.filterwarnings("ignore:(invalid value|overflow):RuntimeWarning")
@given(
    rules(),
    st.sampled_from([(1, 1), (1, 4), (3, 1), (3, 5)]),
    st.integers(0, 2**32),
    st.sampled_from(GRADED),
    st.sampled_from([0, 8]),
    st.sampled_from([SignMode.MIXED, SignMode.EXCITATORY, SignMode.INHIBITORY]),
)
def test_any_rule_gives_the_same_bits(rule, shape, seed, graded, bits, sign_mode):
    weights = np.random.default_rng(seed).normal(size=shape)
    trains = trains_of(seed, *shape, payload=100.0 if bits else 1.0)
    compare(DENSE, rule, weights, trains, graded=graded, bits=bits, sign_mode=sign_mode)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@given(
    st.sampled_from(["x0*y1", "-2*x0*y1*y2 + 2^-2*y0*x1", "u1*y3*x2 - x0", "y0*(x1 - 2)*y1"]),
    arrays(float, (4, 6), elements=st.sampled_from([0.0, 1.5, -0.25])),
    st.integers(0, 2**32),
    st.integers(1, 3),
)
def test_sparse_synapses_give_the_same_bits(dw, weights, seed, t_epoch):
    weights[0, 0] = 1.0  # Lava's own model fails without any synapse
    traces = {f"{name}_{what}": 3.0 for name in ("x1", "x2") for what in ("tau", "impulse")}
    compare(
        SPARSE,
        lambda: Loihi3FLearningRule(dw=dw, t_epoch=t_epoch, **traces),
        weights,
        trains_of(seed, 4, 6),
    )


@pytest.mark.parametrize(
    "make",
    [
        SQSLearningRule,
        lambda: SQSLearningRule(window=0),
        lambda: SQSRewardRule(decay_exponent=3),
        lambda: STDPLoihi(
            learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=4
        ),
        lambda: RewardModulatedSTDP(
            learning_rate=1,
            A_plus=2,
            A_minus=-2,
            pre_trace_decay_tau=10,
            post_trace_decay_tau=10,
            pre_trace_kernel_magnitude=16,
            post_trace_kernel_magnitude=16,
            eligibility_trace_decay_tau=0.5,
            t_epoch=2,
        ),
    ],
)
def test_rules_in_use_give_the_same_bits(make):
    weights = np.random.default_rng(3).normal(size=(7, 9))
    _, stock = compare(DENSE, make, weights, trains_of(5, 7, 9, steps=60))
    assert (stock.weights != weights).any()  # it learned


def test_traces_of_ones_own_and_a_changed_rule():
    """Vars may be set between two steps: a model then makes its rule anew."""
    models = [build(kind, Loihi2FLearningRule(dw="x0*y1"), np.ones((2, 3))) for kind in DENSE]
    spikes = np.array([1.0, 0, 1]), np.array([True, False])
    for change in ({}, {"dw": "-1*x0*y1*w"}, {"x1_tau": 4.0, "x1_impulse": 3.0}, {"dt": "u0*x1"}):
        for model in models:
            for name in ("x1", "x2", "y1", "y2", "y3"):
                for what in ("tau", "impulse"):
                    setattr(model, f"{name}_{what}", np.array([2.0]))
            model.dw, model.dd, model.dt = "x0*y1", None, None
            for name, value in change.items():
                setattr(model, name, value if name in ("dw", "dt") else np.array([value]))
            model.on_var_update()
            model.x2, model.tag_2 = np.array([1.0, 2, 3]), np.full((2, 3), -1.0)
        for step in range(1, 4):
            for model in models:
                model.time_step = step
                model.s_in.value, model.s_in_bap.value = spikes
                model.run_spk()
                model.run_lrn()
            assert_same(*models, step)


def steps_of(models, steps, *, seed=4, before=None):
    """Let several models make the same steps, and compare them after each."""
    post, pre = models[0].weights.shape
    for step, (spikes, back, y) in enumerate(trains_of(seed, post, pre, steps=steps), start=1):
        for model in models:
            if before is not None:
                before(step, model)
            model.time_step = step
            model.s_in.value, model.s_in_bap.value = spikes.copy(), back.copy()
            for i, values in enumerate(y):
                getattr(model, f"s_in_y{i + 1}").value = values.copy()
            model.run_spk()
            if model.lrn_guard():
                model.run_lrn()
        assert_same(*models, step)


def without_numpy(monkeypatch):
    """Let a learning phase fail that is not made in the loop."""
    monkeypatch.setattr(LearningDenseModel, "_compute_trace_histories", None)
    monkeypatch.setattr(LearningDenseModel, "_process_pre_spikes", None)


def two_factors():
    taus = {f"{name}_tau": 3.0 for name in ("x1", "x2", "y1", "y2", "y3")}
    return Loihi2FLearningRule(dw="2^-4*x0*y1 - 2^-3*u1*w*x2", x1_impulse=1.0, **taus)


@pytest.mark.parametrize("make", [SQSLearningRule, SQSRewardRule, two_factors])
def test_a_dense_connection_learns_in_one_loop(make, monkeypatch):
    """Also while its Vars are set, and when other arrays take their place, as RefPorts do it."""
    without_numpy(monkeypatch)
    models = [build(kind, make(), np.ones((3, 5))) for kind in DENSE]

    def set_some(step, model):
        if step == 4:
            model.weights = np.full((3, 5), 0.3)
        if step == 6:
            model.tag_1[:] = 0.25  # Var.set writes into the array
            model.x1[1] = -2.0
        if step == 8:
            model.y2, model.ty = np.arange(3.0), np.zeros(3, int)

    steps_of(models, 12, before=set_some)
    assert models[0].weights.base is models[0].tag_2.base is models[0]._synapses


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_numbers_that_are_not_finite_are_left_to_numpy(value):
    """With its warnings, as Lava has them, and the same bits in every later step."""
    models = [build(k, SQSLearningRule(), np.ones((3, 5))) for k in DENSE]

    def spoil(step, model):
        if step == 3:
            model.weights[1, 2] = value
            model.tag_1[0, :] = value
        if step == 6 and np.isfinite(value):
            model.weights[:] = 2.0  # and back to the loop

    with np.errstate(all="ignore"):
        steps_of(models, 9, before=spoil)


def test_an_overflow_is_told_of():
    model = build(LearningDenseModel, Loihi3FLearningRule(dw="u0*w*w"), np.full((2, 2), 1e300))
    model.time_step, model.s_in.value = 1, np.ones(2)
    for port in (model.s_in_bap, model.s_in_y1, model.s_in_y2, model.s_in_y3):
        port.value = np.zeros(2)
    model.run_spk()
    with pytest.warns(RuntimeWarning, match="overflow"):
        model.run_lrn()


@pytest.mark.parametrize(("name", "time"), [("tx", 9), ("tx", -9), ("ty", 9), ("ty", -9)])
def test_a_time_outside_of_the_epoch_is_an_error_and_not_another_memory(name, time):
    for kind in DENSE:
        model = build(kind, Loihi2FLearningRule(dw="x0*y1 + y0*x1", t_epoch=2), np.ones((2, 3)))
        model.time_step = 2
        getattr(model, name)[1] = time
        with pytest.raises(IndexError):
            model.run_lrn()


def test_weights_are_not_gathered_again_for_graded_spikes():
    """Which NumPy takes up: only the traces are other arrays then."""
    model = build(LearningDenseModel, SQSLearningRule(), np.ones((3, 5)), bits=8)
    kept = []
    for step, (spikes, back, y) in enumerate(trains_of(1, 3, 5, payload=100.0), start=1):
        model.time_step = step
        model.s_in.value, model.s_in_bap.value = spikes, back
        for i, values in enumerate(y):
            getattr(model, f"s_in_y{i + 1}").value = values
        model.run_spk()
        model.run_lrn()
        kept.append((model._synapses, model._room))
    assert all(synapses is kept[0][0] and room is kept[0][1] for synapses, room in kept)
    assert model.weights.base is kept[0][0]


def test_vars_of_another_type_are_left_to_numpy():
    models = [build(kind, SQSLearningRule(), np.ones((3, 5))) for kind in DENSE]
    for model in models:
        model.weights = np.asfortranarray(np.ones((3, 5)))
        model.tag_1 = np.zeros((3, 5), np.float32)
    steps_of(models, 5)


def test_a_rule_is_compiled_and_not_interpreted(monkeypatch):
    monkeypatch.setattr("asteval.Interpreter", None)
    model = build(LearningDenseModel, SQSLearningRule(), np.ones((2, 3)))
    assert {type(rule) for rule in model._learning_rule_appliers.values()} == {CompiledRule}
    assert model._reads >= {"y1_u", "y2_u", "y3_u", "tag_1", "tag_2", "x0"}


@pytest.mark.parametrize("kind", [LearningDense, LearningSparse])
def test_sqs_sim_cfg_takes_them(kind, caplog):
    """In a network of Lava's: same weights as under Lava's own configuration."""
    found = []
    for stock in (False, True):
        rng = np.random.default_rng(1)
        weights = rng.normal(size=(4, 6))
        rule = STDPLoihi(
            learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=3
        )
        synapses = kind(
            weights=csr_matrix(weights) if kind is LearningSparse else weights, learning_rule=rule
        )
        neurons = LIF(shape=(4,), vth=1.0)
        RingBuffer(data=(rng.random((6, 30)) < 0.4).astype(float)).s_out.connect(synapses.s_in)
        synapses.a_out.connect(neurons.a_in)
        neurons.s_out.connect(synapses.s_in_bap)
        theirs = {LearningDense: DENSE[1], LearningSparse: SPARSE[1]} if stock else {}
        with (
            caplog.at_level(logging.DEBUG, "lava_sqs"),
            runtime(neurons, SQSSimCfg(exception_proc_model_map=theirs)) as net,
        ):
            net.run(30)
            found.append((synapses.weights.get(), synapses.x1.get(), synapses.model_class))
    (ours, x1, ours_model), (theirs, their_x1, their_model) = found
    assert (ours_model, their_model) in (DENSE, SPARSE)
    assert np.array_equal(dense(ours), dense(theirs))
    assert np.array_equal(x1, their_x1)
    assert f"{ours_model.__name__} takes the place of Lava's {their_model.__name__}" in caplog.text


def test_rounding_at_random_stays_lavas(caplog):
    synapses = LearningDense(weights=np.ones((2, 3)), learning_rule=SQSLearningRule())
    with caplog.at_level(logging.DEBUG, "lava_sqs"):
        chosen = SQSSimCfg(select_tag="fixed_pt").select(synapses, models_of(synapses))
    assert chosen.__name__ == "PyLearningDenseModelBitApproximate"
    assert "its rules round at random" in caplog.text


def test_models_of_others_stay():
    class Mine(PyLearningDenseModelFloat):
        pass

    synapses = LearningDense(weights=np.ones((2, 3)), learning_rule=SQSLearningRule())
    assert SQSSimCfg().select(synapses, [Mine]) is Mine
    assert SQSSimCfg(exception_proc_model_map={LearningDense: Mine}).select(synapses, []) is Mine

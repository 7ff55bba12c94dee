"""Learning inside Lava against NumPy twins, step by step."""

import numpy as np
import pytest
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import LearningSparse
from scipy.sparse import csr_matrix

from lava_sqs import (
    LearningSQS,
    SQSDense,
    SQSLearningRule,
    SQSRewardRule,
    connect_learning,
    runtime,
)
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.program import compile_program
from lava_sqs.quantum.scores.online import OnlineScores
from lava_sqs.quantum.scores.recorded import score_spike_train

NOISE = NoiseModel(t1=1e-4, t2=8e-5, p_depol_2q=8e-3, p_read1_given0=0.01, p_read0_given1=0.02)
STEPS, PRE, POST = 200, 5, 3
pytestmark = pytest.mark.filterwarnings("ignore:.*input currents exceed 1")
CFG = Loihi2SimCfg(select_tag="floating_pt")


class Twin:
    """What a LearningSQS and the connection in front of it do, in plain NumPy.

    Arrays have a leading axis of copies; the connection has an optimizer of its own.
    """

    def __init__(self, circuit, theta, bias, weights, *, role, window, seed, scale=1.0, gamma=1.0,
                 lr_theta=0.0, lr_bias=0.0, lr_weights=0.0, interval=1, baseline=None,
                 reset=None, weight_gamma=0.0, optimizer="adam", clip=None, copies=1,
                 weights_by=("sgd", 1.0, 1)):  # fmt: skip
        self.population = Population(circuit, theta, batch=copies, noise=NOISE, seed=seed)
        self.copies = copies
        self.scores = OnlineScores(
            compile_program(circuit, NOISE), np.tile(theta, (copies, 1)),
            size=copies * len(theta), window=window,
        )  # fmt: skip
        self.theta, self.bias, self.weights = theta.copy(), bias.copy(), weights.copy()
        self.role, self.window, self.scale, self.gamma = role, window, scale, gamma
        self.lr_theta, self.lr_bias, self.lr_weights = lr_theta, lr_bias, lr_weights
        self.interval, self.baseline, self.reset = interval, baseline, reset
        self.weight_gamma, self.optimizer = weight_gamma, Optimizer(optimizer, clip=clip)
        kind, self.weight_rate, self.weight_interval = weights_by
        self.weight_optimizer = Optimizer(kind)
        self.means = {}  # one per step since the reset

    def run(self, x, third):
        """x (T, copies, pre) presynaptic spikes, third (T, copies, post)."""
        window = self.window
        history = np.zeros((window + 2, *x.shape[1:]))  # x(t-1), x(t-2), ...
        weights_before = self.weights.copy()  # what formed a_in: one learning phase older
        eligibility = np.zeros((*third.shape[1:], self.theta.shape[1] + 1))
        weight_eligibility = np.zeros((self.copies, *self.weights.shape))
        gradient, weight_gradient = np.zeros(eligibility.shape[1:]), np.zeros(self.weights.shape)
        spikes = []
        for t in range(1, len(x) + 1):
            resets = self.reset and t % self.reset[0] == self.reset[1]
            a_in = history[0] @ weights_before.T
            if resets:
                self.population.reset()
                self.scores.reset()
                eligibility[:] = weight_eligibility[:] = 0
                a_in = 0 * a_in
            z = self.scale * a_in + self.bias
            clamp = None
            if self.role == "visible":
                clamp = np.where(third[t - 1] == 0, -1, (third[t - 1] + 1) // 2).astype(int)
            s = self.population.step(z, clamp)
            self.scores.step(z.reshape(-1, 1), s.reshape(-1, 1), open_=not resets)
            spikes.append(s)
            if self.role == "visible":
                signal = (third[t - 1] != 0).astype(float)
            else:
                signal = third[t - 1].copy()
                if self.baseline is not None:
                    phase = t % self.reset[0] if self.reset else 0
                    level = signal.mean(axis=0)
                    mean = self.means.get(phase, level)
                    self.means[phase] = mean + self.baseline * (level - mean)
                    signal = signal - mean
            e = self.scores.scores.reshape(eligibility.shape)
            eligibility = self.gamma * eligibility + e
            e = e if self.role == "visible" else eligibility
            gradient += (signal[..., None] * e).mean(axis=0)
            # learning phase
            weights_before = self.weights.copy()
            kappa = self.scale * self.scores.kappa.reshape(*third.shape[1:], window + 1)
            score = sum(kappa[..., h, None] * history[h][:, None] for h in range(window + 1))
            weight_eligibility = self.weight_gamma * weight_eligibility + score
            y3 = self.lr_weights * signal[..., None]
            weight_gradient += (y3 * weight_eligibility).mean(axis=0)
            if t % self.weight_interval == 0:
                self.weights = self.weights + self.weight_optimizer.step(
                    "w", weight_gradient / self.weight_interval, rate=self.weight_rate
                )
                weight_gradient[:] = 0
            history = np.concatenate([x[t - 1][None], history[:-1]])
            if t % self.interval == 0:
                g = gradient / self.interval
                gradient[:] = 0
                if self.lr_bias:
                    self.bias = (
                        self.bias + self.optimizer.step("bias", g[:, -1:], rate=self.lr_bias)[:, 0]
                    )
                if self.lr_theta:
                    self.theta = self.theta + self.optimizer.step(
                        "theta", g[:, :-1], rate=self.lr_theta
                    )
                    self.population.theta = self.theta
                    self.scores.set_theta(np.tile(self.theta, (self.copies, 1)))
        return np.array(spikes)


def material(seed=0, copies=1):
    rng = np.random.default_rng(seed)
    circuit = ansatz.layered(1, 1)
    return (
        circuit,
        rng.uniform(-np.pi, np.pi, (POST, circuit.n_params)),
        rng.uniform(0.1, 0.4, POST),
        rng.uniform(0.0, 0.15, (POST, PRE)),
        (rng.random((STEPS, copies, PRE)) < 0.4).astype(float),
        rng.choice([-1.0, 0.0, 1.0], (STEPS, copies, POST)),
    )


def run_in_lava(connection, neurons, x, third):
    x = np.moveaxis(x, 0, -1).reshape(*connection.s_in.shape, -1)
    source, teacher = RingBuffer(data=x), RingBuffer(data=third.reshape(len(third), -1).T)
    source.s_out.connect(connection.s_in)
    connection.a_out.connect(neurons.a_in)
    teacher.s_out.connect(neurons.a_third_factor_in)
    connect_learning(neurons, connection)
    with runtime(neurons, CFG) as net:
        net.run(x.shape[-1])
        return connection.weights.get(), neurons.theta.get(), neurons.bias.get()


CASES = {
    "visible": {"role": "visible"},
    "visible, resets, mini-batches, sgd": {
        "role": "visible",
        "reset": (20, 1),
        "interval": 10,
        "optimizer": "sgd",
        "clip": 0.5,
    },
    "hidden, exact": {"role": "hidden", "reset": (20, 1)},
    "hidden, leaky, baseline": {"role": "hidden", "gamma": 0.9, "baseline": 0.1, "scale": 0.7},
    "hidden, baseline, resets": {"role": "hidden", "baseline": 0.2, "reset": (20, 1)},
}
RATES = {"lr_theta": 0.02, "lr_bias": 0.01, "lr_weights": 0.01}


def both(case, connection_of, window, copies=None, **twin_only):
    """The twin's and Lava's (weights, theta, bias) and spikes for one case."""
    circuit, theta, bias, weights, x, third = material(copies=copies or 1)
    options = dict(CASES[case])
    reset, scale = options.pop("reset", None), options.pop("scale", 1.0)
    interval = options.pop("interval", 1)
    twin = Twin(circuit, theta, bias, weights, window=window, seed=5, scale=scale, reset=reset,
                interval=interval, copies=copies or 1, **options, **RATES, **twin_only)  # fmt: skip
    spikes = twin.run(x, third)
    resets = {} if reset is None else {"reset_interval": reset[0], "reset_offset": reset[1]}
    neurons = LearningSQS(
        shape=(POST,), copies=copies, ansatz=circuit, theta=theta, bias=bias, noise=NOISE, seed=5,
        window=window, current_scale=scale, update_interval=interval, record=("s_out",), **options,
        **RATES, **resets,
    )  # fmt: skip
    lava = run_in_lava(connection_of(weights, resets), neurons, x, third)
    recorded = neurons.recording.s_out
    np.testing.assert_array_equal(recorded, spikes.reshape(recorded.shape))
    return (twin.weights, twin.theta, twin.bias), lava


@pytest.mark.parametrize(
    ("case", "window"), [*((case, 1) for case in CASES), ("visible", 0), ("hidden, exact", 0)]
)
def test_stock_learning_dense_follows_the_twin(case, window):
    want, got = both(
        case,
        lambda w, _: LearningDense(weights=w, learning_rule=SQSLearningRule(window=window)),
        window,
    )
    for a, b in zip(want, got, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-9)
    assert np.abs(got[0] - material()[3]).max() > 1e-3  # it did learn


@pytest.mark.parametrize("case", ["visible", "hidden, leaky, baseline"])
def test_density_matrices_gate_by_gate_follow_the_same_twin(case, monkeypatch):
    """What large memories learn with, at a size where the twin has instruments."""
    monkeypatch.setattr("lava_sqs.proc.learning_sqs.process.exact_backend", lambda *_: "density")
    want, got = both(
        case,
        lambda w, _: LearningDense(weights=w, learning_rule=SQSLearningRule(window=1)),
        1,
    )
    for a, b in zip(want, got, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-9)


def test_the_engine_is_chosen_by_size():
    for m, want in ((3, "instrument"), (4, "density")):
        neurons = LearningSQS(
            shape=(1,), role="visible", lr_theta=0.1, memory_qubits=m, noise=NOISE, window=1
        )
        assert neurons.backend == want


@pytest.mark.parametrize("gamma", [0.0, 0.8, 1.0])
@pytest.mark.parametrize("case", ["visible", "hidden, exact"])
def test_sqs_dense_follows_the_twin_with_a_long_window(case, gamma):
    want, got = both(
        case,
        lambda w, resets: SQSDense(weights=w, window=6, gamma=gamma, **resets),
        6,
        weight_gamma=gamma,
    )
    for a, b in zip(want, got, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", ["visible, resets, mini-batches, sgd", "hidden, baseline, resets"])
def test_copies_share_angles_biases_and_weights(case):
    optimizer = {"optimizer": "adam", "lr": 0.02, "update_interval": 10}
    want, got = both(
        case,
        lambda w, resets: SQSDense(weights=w, window=4, gamma=0.8, copies=7, **optimizer, **resets),
        4,
        copies=7,
        weight_gamma=0.8,
        weights_by=("adam", 0.02, 10),
    )
    for a, b in zip(want, got, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-9)
    assert np.abs(got[0] - material()[3]).max() > 1e-2  # it did learn


@pytest.mark.parametrize("decay_exponent", [2, None])
def test_reward_rule_follows_the_twin(decay_exponent):
    rule = SQSRewardRule(decay_exponent)
    want, got = both(
        "hidden, leaky, baseline",
        lambda w, _: LearningDense(weights=w, learning_rule=rule),
        0,
        weight_gamma=rule.gamma,
    )
    for a, b in zip(want, got, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-9)


def test_targets_clamp_and_the_log_likelihood_is_that_of_the_target():
    circuit, theta, bias, _, _, third = material()
    third = third[:, 0]
    neurons = LearningSQS(
        shape=(POST,), role="visible", ansatz=circuit, theta=theta, bias=bias, seed=1,
        record=("s_out", "log_likelihood"),
    )  # fmt: skip
    teacher = RingBuffer(data=third.T)
    listener = Dense(weights=np.eye(POST), num_message_bits=24)
    ear = LIF(shape=(POST,), du=1.0, dv=1.0, vth=1e9)
    teacher.s_out.connect(neurons.a_third_factor_in)
    neurons.log_likelihood_out.connect(listener.s_in)
    listener.a_out.connect(ear.a_in)
    with runtime(neurons, CFG) as net:
        net.run(50)
        heard = ear.u.get()  # du = 1: the current of this step only
    spikes, logp = neurons.recording.s_out[:50], neurons.recording.log_likelihood[:50]
    clamped = third[:50] != 0
    np.testing.assert_array_equal(spikes[clamped], (third[:50][clamped] + 1) / 2)
    assert 0 < spikes[~clamped].mean() < 1
    want = Population(circuit, theta, seed=1).run(
        np.tile(bias, (50, 1)), np.where(clamped, spikes, -1)
    )
    np.testing.assert_allclose(logp, want.log_likelihood, atol=1e-12)
    # what travelled: the log-likelihood of the step before, 0 where the neuron ran free
    np.testing.assert_allclose(heard, np.where(clamped[48], logp[48], 0), atol=1e-12)


@pytest.mark.parametrize("interval", [1, 2, 3, 5])
def test_mini_batches_are_those_of_gradient_ascent_offline(interval):
    # no learning connection here: Lava asks neurons alone, and more than once, whether to learn
    copies, updates, n = 4, 4, 2
    circuit, theta, *_ = material()
    rng = np.random.default_rng(2)
    a_in = rng.integers(0, 2, (updates, interval, copies, n)) * 0.6
    a_in[:, 0] = 0.0
    spikes = rng.integers(0, 2, a_in.shape)
    want, adam = theta[:n], Optimizer("adam")
    for z, s in zip(a_in, spikes, strict=True):
        _, gradient, _ = score_spike_train(circuit, want, z, s)
        want = want + adam.step("theta", gradient / (interval * copies), rate=0.05)
    neurons = LearningSQS(
        shape=n, copies=copies, role="visible", ansatz=circuit, theta=theta[:n],
        lr_theta=0.05, update_interval=interval, reset_interval=interval,
        reset_offset=1 % interval, seed=1,
    )  # fmt: skip
    steps = updates * interval
    data = np.moveaxis(a_in.reshape(steps, copies, n), 0, -1)
    RingBuffer(data=data).s_out.connect(neurons.a_in)
    third = 2.0 * spikes.reshape(steps, copies * n).T - 1
    RingBuffer(data=third).s_out.connect(neurons.a_third_factor_in)
    with runtime(neurons, CFG) as net:
        net.run(steps)
        got = neurons.theta.get()
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)


def test_angles_can_be_set_while_learning():
    circuit, theta, bias, *_ = material()
    neurons = LearningSQS(shape=(POST,), role="visible", ansatz=circuit, theta=theta, bias=bias,
                          lr_theta=0.05, seed=1)  # fmt: skip
    third = np.ones((20, POST))
    RingBuffer(data=third.T).s_out.connect(neurons.a_third_factor_in)
    with runtime(neurons, CFG) as net:
        net.run(5)
        neurons.theta.set(theta)
        neurons.memory.set(np.zeros(neurons.memory.shape))
        net.run(1)
        moved = neurons.theta.get()
    assert 1e-6 < np.abs(moved - theta).max() < 0.1  # one Adam step away from what was set


@pytest.mark.parametrize(
    ("third", "role", "message"),
    [
        (0.5, "visible", "targets -1, 0 or 1"),
        (np.nan, "hidden", "finite numbers"),
    ],
)
def test_bad_third_factors_end_the_run_by_name(third, role, message):
    neurons = LearningSQS(shape=(2,), role=role, seed=0, name="teacher's pet")
    data = np.zeros((2, 10))
    data[:, 4] = third
    RingBuffer(data=data).s_out.connect(neurons.a_third_factor_in)
    with runtime(neurons, CFG) as net, pytest.raises(RuntimeError, match=message) as caught:
        net.run(10)
    assert "teacher's pet" in str(caught.value)
    assert "step 5" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"role": "seen"}, ValueError, "`role` must be one of"),
        ({"lr_theta": -0.1}, ValueError, "`lr_theta` must be at least 0"),
        ({"lr_bias": np.nan}, ValueError, "`lr_bias` must be finite"),
        ({"gamma": 1.5}, ValueError, r"`gamma` must be in \[0, 1\]"),
        ({"window": -1}, ValueError, "`window` must be at least 0"),
        ({"window": 1.0}, TypeError, "`window` must be an integer"),
        ({"window": 10**7}, ValueError, "`window` must be at most [0-9]+ for 2 channels"),
        ({"optimizer": "adm"}, ValueError, "Did you mean 'adam'"),
        ({"momentum": 1.0}, ValueError, "`momentum`"),
        ({"clip": 0.0}, ValueError, "`clip` must be above 0"),
        ({"update_interval": 0}, ValueError, "`update_interval`"),
        ({"baseline": 0.1, "role": "visible"}, ValueError, "`baseline` belongs to role='hidden'"),
        ({"copies": 0}, ValueError, "`copies` must be at least 1"),
        ({"copies": 2, "bias": [[0.1, 0.2]] * 2}, ValueError, "`bias` must broadcast"),
        ({"backend": "qutip"}, ValueError, "`backend` must be one of 'instrument'"),
        ({"shape": -1}, ValueError, "`shape`"),
    ],
)
def test_bad_constructor_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        LearningSQS(**{"shape": (2,), "role": "hidden", **arguments})


def test_wrong_partners_are_refused():
    neurons = LearningSQS(shape=(3,), role="hidden", window=0)
    dense = LearningDense(weights=np.ones((3, 2)), learning_rule=SQSLearningRule(window=1))
    with pytest.raises(TypeError, match="`neurons` must be a LearningSQS"):
        connect_learning(LIF(shape=(3,)), dense)
    with pytest.raises(TypeError, match="`connection` must be a LearningDense or an SQSDense"):
        connect_learning(neurons, Dense(weights=np.ones((3, 2))))
    with pytest.raises(ValueError, match="window >= 1"):
        connect_learning(neurons, dense)
    with pytest.raises(ValueError, match="3 channels"):
        connect_learning(
            neurons, LearningDense(weights=np.ones((2, 2)), learning_rule=SQSLearningRule(window=0))
        )
    with pytest.raises(ValueError, match="must have the window of its neurons"):
        connect_learning(neurons, SQSDense(weights=np.ones((3, 2)), window=2))
    with pytest.raises(ValueError, match="must have the copies of its neurons, None"):
        connect_learning(neurons, SQSDense(weights=np.ones((3, 2)), window=0, copies=2))
    with pytest.raises(TypeError, match="must be an SQSDense with the same `copies`"):
        connect_learning(neurons.replace(window=1, copies=2), dense)
    with pytest.raises(ValueError, match="`window` must be 0 or 1"):
        SQSLearningRule(window=2)
    with pytest.raises(ValueError, match="1 to 7"):
        SQSRewardRule(9)


def started(neurons, connection=None, cfg=CFG):
    if connection is not None:
        connection.a_out.connect(neurons.a_in)
    with runtime(neurons, cfg):
        pass


def test_networks_that_cannot_learn_are_refused_before_they_start():
    fixed = Loihi2SimCfg(select_tag="fixed_pt")
    with pytest.raises(ValueError, match="LearningSQS Process 'pupil' has no such model"):
        started(LearningSQS(shape=(3,), role="hidden", name="pupil"), cfg=fixed)
    with pytest.raises(ValueError, match=r"SQSDense Process .*as SQS behind a stock Dense"):
        started(SQSDense(weights=np.ones((3, 2))), cfg=fixed)
    rule = SQSLearningRule(window=1)
    with pytest.raises(TypeError, match=r"'net' cannot execute SQSLearningRule.* or an SQSDense"):
        started(
            LIF(shape=(3,)),
            LearningSparse(weights=csr_matrix(np.ones((3, 2))), learning_rule=rule, name="net"),
        )
    with pytest.raises(ValueError, match=r"gets no scores.*call connect_learning"):
        started(LIF(shape=(3,)), LearningDense(weights=np.ones((3, 2)), learning_rule=rule))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"weights": np.ones(3)}, ValueError, r"`weights` must have shape \(post, pre\)"),
        ({"weights": [[np.nan]]}, ValueError, "`weights` must be finite"),
        ({"gamma": -0.1}, ValueError, "`gamma` must be at least 0"),
        ({"gamma": 1.1}, ValueError, r"`gamma` must be in \[0, 1\]"),
        ({"window": 10**9}, ValueError, "`window` must be at most [0-9]+ for 1 channels"),
        ({"copies": 0}, ValueError, "`copies` must be at least 1"),
        ({"copies": 2.0}, TypeError, "`copies` must be an integer"),
        ({"lr": -1}, ValueError, "`lr` must be at least 0"),
        ({"optimizer": "adm"}, ValueError, "Did you mean 'adam'"),
        ({"update_interval": 0}, ValueError, "`update_interval` must be at least 1"),
        ({"reset_offset": 1}, ValueError, "needs a `reset_interval`"),
    ],
)
def test_bad_arguments_of_the_connection_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        SQSDense(**{"weights": [[1.0]], **arguments})


def test_replace_keeps_the_learning_arguments():
    neurons = LearningSQS(shape=(3,), role="hidden", lr_theta=0.1, window=2, seed=4)
    other = neurons.replace(lr_theta=0.2)
    assert other.role == "hidden"
    assert other.window == 2
    assert other.seed == 4

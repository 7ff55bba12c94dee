"""Instruments are built once from run to score, and every bit is that of the long way."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from lava_sqs.network import SQSNN, SQSNeuron, trainer
from lava_sqs.neurons import RunOut, kind_of, kinds
from lava_sqs.neurons.base import _Bound
from lava_sqs.quantum import NoiseModel, Population, ansatz, score_spike_train
from lava_sqs.quantum.engines.choose import exact_backend
from lava_sqs.quantum.program import Program

NOISE = NoiseModel(t1=100e-6, t2=80e-6, p_depol_2q=0.01, p_read0_given1=0.02)
T, K = 5, 3
CIRCUITS = {
    "(1, 1)": (ansatz.layered(1, 1), None),
    "(1, 2)": (ansatz.layered(1, 2), None),
    "(1, 3)": (ansatz.layered(1, 3), None),
    "(2, 1)": (ansatz.layered(2, 1), None),
    "(2, 2), noise": (ansatz.layered(2, 2), NOISE),
    "paper, noise": (ansatz.paper(), NOISE),
}


def by_the_long_way(neuron, params, z, u, clamp=None):
    """Return a RunOut of a fresh Population."""
    shape = (*z.shape[:2], len(params), neuron.channels)
    backend = exact_backend(neuron.ansatz, neuron.noise, len(params))
    population = Population(
        neuron.ansatz, params, batch=(z.shape[1],), noise=neuron.noise, backend=backend
    )
    fixed = None if clamp is None else clamp.reshape(shape)
    out = population.run(z.reshape(shape), fixed, uniforms=u)
    return RunOut(
        out.spikes.reshape(z.shape).astype(np.int8),
        out.p_spike.reshape(z.shape),
        out.log_likelihood,
    )


def score_the_long_way(neuron, params, z, spikes, signal):
    shape = z.shape if neuron.channels == 1 else (*z.shape[:2], len(params), neuron.channels)
    _, d_params, d_z = score_spike_train(
        neuron.ansatz,
        params,
        z.reshape(shape),
        spikes.reshape(shape),
        noise=neuron.noise,
        signal=signal,
    )
    return d_params, d_z.reshape(z.shape)


@pytest.fixture(params=itertools.product(CIRCUITS, ("own angles", "shared angles")), name="case")
def _case(request):
    circuit, angles = request.param
    neuron = SQSNeuron(*CIRCUITS[circuit])
    rng = np.random.default_rng(1)
    params = rng.normal(size=(1 if angles == "shared angles" else K, neuron.n_params))
    return neuron, np.tile(params, (K, 1)) if angles == "shared angles" else params


@pytest.mark.filterwarnings("ignore:[0-9]+ input currents exceed 1")
def test_one_build_gives_every_bit_of_two(case):
    neuron, params = case
    bound = neuron.compile(params)
    rng = np.random.default_rng(2)
    for batch in (4, 1, 40):  # one after the other: nothing of one run is left in the next
        z = rng.uniform(-0.3, 1.1, (T, batch, K * neuron.channels))
        u = rng.random((T, batch, K))
        fixed = rng.integers(-1, 2, (T, batch, K)).repeat(neuron.channels, axis=2)
        for clamp in (None, fixed, fixed.astype(np.int8)):
            found, expected = bound.run(z, u, clamp), by_the_long_way(neuron, params, z, u, clamp)
            for name in ("spikes", "p_spike", "log_likelihood"):
                np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
            brief = bound.run(z, u, clamp, record=False)
            np.testing.assert_array_equal(brief.spikes, expected.spikes)
            assert brief.p_spike.size == brief.log_likelihood.size == 0
            signal = rng.normal(size=u.shape)
            scored = bound.score(z, found.spikes, signal)
            reference = score_the_long_way(neuron, params, z, found.spikes, signal)
            for mine, other in zip(scored, reference, strict=True):
                np.testing.assert_array_equal(mine, other)


@dataclass(frozen=True)
class TwoBuilds(SQSNeuron):
    """Builds for every run and every score, as networks once did."""

    def compile(self, params):
        return _Bound(self, params)

    run = by_the_long_way
    score = score_the_long_way


RNG = np.random.default_rng(0)
X, Y = RNG.random((70, 5)), np.arange(70) % 3


@pytest.mark.filterwarnings("ignore:[0-9]+ input currents exceed 1")
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"memory_qubits": 2, "encoder": "current"},
        {"noise": NOISE, "credit": "score", "sparsity": 0.01},
        {"ansatz": ansatz.layered(2, 1)},
        {"rule": "window", "hidden_layer_sizes": ()},
        {"readout": "likelihood", "early_stopping": True},
        {"neurons_per_class": 2, "targets": "pairs", "hidden_layer_sizes": (4, 3)},
    ],
    ids=str,
)
def test_networks_learn_and_say_every_bit_as_with_two_builds(arguments, monkeypatch):
    def outcome():
        given = {"hidden_layer_sizes": (4,), "n_steps": 4, "epochs": 2, "random_state": 0}
        clf = SQSNN(**{**given, **arguments}).fit(X, Y)
        arrays = [a for la in clf.parameters_.values() for a in la.arrays().values()]
        said = [clf.predict_proba(X, n_repeats=2), clf.simulate(X[:9])]
        curves = [clf.loss_curve_, clf.accuracy_curve_, clf.spikes_curve_]
        return [*arrays, *said, *curves, clf.spikes_per_inference_]

    once = outcome()
    monkeypatch.setattr(
        SQSNeuron,
        "from_arguments",
        classmethod(lambda cls, given, _own=SQSNeuron.from_arguments: _two(_own(given))),
    )
    for mine, other in zip(once, outcome(), strict=True):
        np.testing.assert_array_equal(mine, other)


def _two(neuron):
    return TwoBuilds(neuron.ansatz, neuron.noise, neuron.spread)


def test_a_batch_builds_once_and_a_prediction_too(monkeypatch):
    built = []
    build = Program.build
    monkeypatch.setattr(
        Program, "build", lambda self, *given: built.append(len(given[0])) or build(self, *given)
    )
    clf = SQSNN((4,), n_steps=3, epochs=2, neurons_per_class=1, batch_size=35, random_state=0)
    clf.fit(X, Y)
    start, batches, examples = [4], 2 * [4, 3], [4, 3]  # hidden and visible neurons
    assert built == [*start, *batches, *examples, *batches, *examples]
    built.clear()
    clf.predict(np.tile(X, (9, 1)), n_repeats=3)
    assert built == [4, 3]
    built.clear()
    clf.simulate(np.tile(X, (5, 1)))
    assert built == [4, 3]
    built.clear()
    clf.set_params(readout="likelihood").predict(X)
    assert built == [4, 3]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"z": np.full((T, 2, K), np.nan)}, "`currents` must .*finite"),
        ({"z": np.full((T, 2, K), np.inf)}, "`currents` must .*finite"),
        ({"z": np.zeros((T, 2, K + 1))}, None),
        ({"u": np.ones((T, 2, K))}, r"`uniforms` must lie in \[0, 1\)"),
        ({"u": np.full((T, 2, K), -0.1)}, r"`uniforms` must lie in \[0, 1\)"),
        ({"u": np.full((T, 2, K), np.nan)}, "`uniforms` must .*finite"),
        ({"u": np.zeros((T, 2, 1))}, "`uniforms` must have shape"),
        ({"clamp": np.full((T, 2, K), 2)}, "`outcome` must hold -1"),
        ({"clamp": np.full((T, 2, K), -2)}, "`outcome` must hold -1"),
    ],
)
def test_what_means_nothing_is_refused_as_before(given, message):
    neuron = SQSNeuron(ansatz.paper())
    arguments = {"z": np.zeros((T, 2, K)), "u": np.zeros((T, 2, K)), "clamp": None, **given}
    bound = neuron.compile(np.zeros((K, 3)))
    with pytest.raises(ValueError, match=message):
        bound.run(arguments["z"], arguments["u"], arguments["clamp"])


@pytest.mark.parametrize(
    ("spikes", "signal", "message"),
    [
        (np.full((T, 2, K), 2), np.ones((T, 2, K)), "`spikes` must hold 0 and 1 only"),
        (np.zeros((T, 2, K)), np.full((T, 2, K), np.nan), "`signal` must .*finite"),
        (np.zeros((T, 2, K)), np.ones((T, 5, K)), "`signal` must broadcast"),
    ],
)
def test_trains_that_mean_nothing_are_not_scored(spikes, signal, message):
    bound = SQSNeuron(ansatz.paper()).compile(np.zeros((K, 3)))
    with pytest.raises(ValueError, match=message):
        bound.score(np.zeros((T, 2, K)), spikes, signal)


def test_channels_of_a_neuron_are_clamped_together():
    neuron = SQSNeuron(ansatz.layered(2, 1))
    bound = neuron.compile(np.zeros((1, neuron.n_params)))
    clamp = np.array([[[1, -1]]])
    with pytest.raises(ValueError, match="must clamp all io qubits of a neuron or none"):
        bound.run(np.zeros((1, 1, 2)), np.zeros((1, 1, 1)), clamp)


@pytest.mark.parametrize("kind", kinds())
def test_what_is_bound_is_what_it_was(kind):
    """Parameters may go on moving: what is bound has a copy of them."""
    neuron = kind_of(kind).from_arguments(SQSNN().get_params())
    rng = np.random.default_rng(0)
    params, z, u = neuron.initial(K, rng), rng.random((T, 2, K)), rng.random((T, 2, K))
    bound = neuron.compile(params)
    before = bound.run(z, u)
    np.testing.assert_array_equal(before.p_spike, neuron.run(params, z, u).p_spike)
    scores = bound.score(z, before.spikes, u)
    for mine, other in zip(scores, neuron.score(params, z, before.spikes, u), strict=True):
        np.testing.assert_array_equal(mine, other)
    params += 1.0
    np.testing.assert_array_equal(bound.run(z, u).p_spike, before.p_spike)
    for mine, other in zip(scores, bound.score(z, before.spikes, u), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert type(neuron).__name__ in repr(bound)


@pytest.mark.parametrize("arguments", [{}, {"early_stopping": True}, {"readout": "likelihood"}])
def test_what_is_kept_from_epoch_to_epoch_changes_nothing(arguments, monkeypatch):
    def curves():
        clf = SQSNN((4,), n_steps=3, epochs=3, random_state=0, **arguments).fit(X, Y)
        return clf.accuracy_curve_, clf.spikes_curve_, clf.spikes_per_inference_

    drawn = []
    runs = SQSNN._runs
    monkeypatch.setattr(
        SQSNN, "_runs", lambda self, *given: drawn.append(len(given[0])) or runs(self, *given)
    )
    kept, times = curves(), len(drawn)
    monkeypatch.setattr(trainer, "_KEPT_BYTES", 0)
    drawn.clear()
    assert curves() == kept
    assert len(drawn) == times + 2  # two more epochs

"""Every entrance at every size ends soon: with a result, or a refusal that names the number."""

import time
import warnings

import numpy as np
import pytest
import qutip

from lava_sqs import SQSNN, LearningSQS
from lava_sqs.quantum import (
    NoiseModel,
    OnlineScores,
    Population,
    ReferenceNeuron,
    SpikeTrainScorer,
    ansatz,
    instrument,
    score_spike_train,
)
from lava_sqs.quantum.density import compile_density
from lava_sqs.quantum.diagnostics import (
    choi_matrix,
    entropy,
    fisher_information,
    holevo_information,
    memory_capacity,
    memory_fidelity,
    mutual_information,
    negativity,
    purity,
    spectral_gap,
    step_channel,
)
from lava_sqs.quantum.program import compile_program
from lava_sqs.quantum.pure import compile_pure
from lava_sqs.quantum.scores.online import derivatives

NOISE = NoiseModel.preset("ibm_brisbane")


def angles(circuit):
    return np.full((1, circuit.n_params), 0.3)


def fit(circuit, noise):
    model = SQSNN(ansatz=circuit, noise=noise, hidden_layer_sizes=(2,), epochs=1, random_state=0)
    return model.fit([[0.0, 1.0], [1.0, 0.0]] * 4, [0, 1] * 4)


def score(method):
    def run(circuit, noise):
        z, s = np.full((2, 1), 0.5), np.ones((2, 1), dtype=int)
        return score_spike_train(circuit, angles(circuit), z, s, noise=noise, method=method)

    return run


def measured(diagnostic):
    """Return a call of what reads a memory, of a population that has stepped once."""

    def run(circuit, noise):
        population = Population(circuit, angles(circuit), noise=noise, backend="density")
        population.step([0.5])
        return diagnostic(population)

    return run


def predict(circuit, noise):
    return fit(circuit, noise).predict([[0.0, 1.0]])


ENTRANCES = {
    "instrument": lambda c, noise: instrument(c, angles(c)[0], 0.5, noise),
    "compile_program": compile_program,
    "derivatives": lambda c, noise: derivatives(compile_program(c, noise), angles(c)),
    "Population instrument": lambda c, noise: Population(
        c, angles(c), noise=noise, backend="instrument"
    ),
    "Population qutip": lambda c, noise: Population(c, angles(c), noise=noise, backend="qutip"),
    "Population": lambda c, noise: Population(c, angles(c), noise=noise).step([0.5]),
    "ReferenceNeuron": lambda c, noise: ReferenceNeuron(c, angles(c)[0], noise),
    "score_spike_train": score("exact"),
    "parameter-shift": score("parameter-shift"),
    "spsa": score("spsa"),
    "SpikeTrainScorer": lambda c, noise: SpikeTrainScorer(c, angles(c), noise=noise, prebuild=True),
    "OnlineScores": lambda c, noise: OnlineScores(compile_program(c, noise), angles(c), size=1),
    "OnlineScores density": lambda c, noise: OnlineScores(
        compile_density(c, noise), angles(c), size=1
    ).step(np.array([[0.5]]), np.array([[1]])),
    "OnlineScores pure": lambda c, noise: OnlineScores(compile_pure(c), angles(c), size=1).step(
        np.array([[0.5]]), np.array([[1]])
    ),
    "Population density": lambda c, noise: Population(
        c, angles(c), noise=noise, backend="density"
    ).step([0.5]),
    "memory_capacity": lambda c, noise: memory_capacity(c, angles(c)[0], noise),
    "memory_fidelity": lambda c, noise: memory_fidelity(
        c, angles(c), np.ones((2, 1)), noise or NoiseModel(), seed=0
    ),
    "LearningSQS": lambda c, noise: LearningSQS(
        shape=(1,), role="visible", lr_theta=0.1, ansatz=c, noise=noise, window=4
    ),
    "SQSNN": predict,
    "holevo_information": lambda c, noise: holevo_information(
        c, angles(c)[0], noise, max_delay=2, outcomes="kept"
    ),
    "spectral_gap": lambda c, noise: spectral_gap(c, angles(c)[0], noise),
    "fisher_information": lambda c, noise: fisher_information(c, angles(c)[0], [0.5, 0.2], noise),
    "step_channel": lambda c, noise: step_channel(c, angles(c)[0], 0.5, noise),
    "choi_matrix": lambda c, noise: choi_matrix(c, angles(c)[0], 0.5, noise),
    "purity": measured(purity),
    "entropy": measured(entropy),
    "negativity": measured(lambda population: negativity(population, 0)),
    "mutual_information": measured(lambda population: mutual_information(population, 0)),
    "memory_qobj": measured(lambda population: population.memory_qobj(0)),
}
# Memory qubits from which each refuses, without noise and with it: one neuron on this kind of
# machine. Below 4 everything works and other tests run it.
REFUSES = {
    **dict.fromkeys(ENTRANCES, (9, 9)),
    "instrument": (6, 6),
    "compile_program": (6, 6),
    "derivatives": (5, 5),
    "Population instrument": (6, 6),
    "Population": (99, 99),
    **dict.fromkeys(
        ("Population density", "purity", "entropy", "negativity", "mutual_information"), (12, 12)
    ),
    "memory_qobj": (12, 12),
    **dict.fromkeys(("step_channel", "choi_matrix"), (6, 6)),
    "Population qutip": (10, 5),
    "ReferenceNeuron": (10, 5),
    "parameter-shift": (5, 5),
    "spsa": (5, 5),
    "OnlineScores": (5, 5),
    # Without noise by pure states.
    "OnlineScores pure": (99, 99),
    **dict.fromkeys(
        ["score_spike_train", "SpikeTrainScorer", "LearningSQS", "SQSNN", "fisher_information"],
        (99, 9),
    ),
}


# Those that take long enough at the largest size to be tried at a smaller one; SQSNN says so.
SLOW = {
    **dict.fromkeys(("SQSNN", "holevo_information"), 7),
    "spectral_gap": 6,  # these angles are alike: eigenvalues close together take it longer
    **dict.fromkeys(("purity", "entropy", "negativity", "mutual_information", "memory_qobj"), 9),
}


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("entrance", list(ENTRANCES))
def test_every_entrance_refuses_with_the_number(entrance, noise):
    first = REFUSES[entrance][noise is not None]
    for m in range(first, 13):
        circuit = ansatz.layered(1, m)
        start = time.process_time()
        with pytest.raises(
            ValueError,
            match=rf"`memory_qubits` = {m}.* needs [\d.e+]+ GB; the limit is [\d.]+ GB\. ",
        ) as caught:
            ENTRANCES[entrance](circuit, noise)
        assert "Use " in str(caught.value)
        assert time.process_time() - start < 20  # compiling 5 qubits takes two seconds


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("m", [5, 8, 12])
def test_the_default_population_takes_every_size(m, noise):
    assert ENTRANCES["Population"](ansatz.layered(1, m), noise).shape == (1,)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("entrance", [e for e in ENTRANCES if e != "Population"])
def test_below_that_size_it_works(entrance, noise):
    last = min(REFUSES[entrance][noise is not None] - 1, 11)
    if entrance != "SQSNN" or noise is not None:  # pure states are quick
        last = min(last, SLOW.get(entrance, last))
    start = time.process_time()
    ENTRANCES[entrance](ansatz.layered(1, last), noise)
    assert time.process_time() - start < 100


def test_what_fits_is_said():
    with pytest.raises(ValueError, match="Use at most 4 memory qubits"):
        ENTRANCES["OnlineScores"](ansatz.layered(1, 5), None)
    with pytest.raises(ValueError, match="Use at most 5 memory qubits"):
        ENTRANCES["instrument"](ansatz.layered(1, 6), None)
    with pytest.raises(ValueError, match=r"for 100000 set\(s\).*Use at most 2 memory qubits"):
        compile_program(ansatz.layered(1, 3)).build(np.zeros((100_000, 17)))
    options = {"lr_theta": 0.1, "memory_qubits": 3, "noise": NOISE}
    with pytest.raises(ValueError, match=r"scored exactly for 3000 neuron"):
        LearningSQS(shape=(3000,), role="visible", **options)


@pytest.mark.parametrize(
    ("circuit", "size", "batch"),
    [
        (ansatz.layered(1, 26), 1, ()),
        (ansatz.layered(24, 1), 1, ()),
        (ansatz.layered(1, 18), 100_000, ()),
        (ansatz.layered(1, 18), 1, (1000, 1000)),
        (ansatz.layered(30, 30), 1, ()),
    ],
)
@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
def test_trajectories_count_states_tables_and_work_space(circuit, size, batch, noise, monkeypatch):
    monkeypatch.setattr("lava_sqs.quantum.engines.choose.memory_limit", lambda: 12 * 10**9)
    with pytest.raises(ValueError, match=r"needs [\d.e+]+ GB; the limit is .*Use "):
        Population(circuit, size=size, batch=batch, noise=noise, seed=0, backend="trajectory")


def test_a_density_matrix_of_many_qubits_is_refused_by_number():
    pop = Population(ansatz.layered(1, 16), size=1, seed=0)
    with pytest.raises(ValueError, match=r"needs 68\.7 GB.*expect\(op\)"):
        pop.memory_qobj(0)
    z = qutip.tensor([qutip.sigmaz().to("CSR")] + [qutip.qeye(2)] * 15)
    assert pop.expect(z) == pytest.approx(pop.memory[:, 0, 3])


def test_a_long_training_says_how_long_before_it_starts():
    model = SQSNN(memory_qubits=8, noise=NOISE, hidden_layer_sizes=(2,), epochs=50, random_state=0)

    def announced(X, y):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UserWarning, match=r"This training takes about [\d.e+]+ (min|h): "):
                model.fit(X, y)

    start = time.process_time()
    announced([[0.0, 1.0], [1.0, 0.0]] * 40, [0, 1] * 40)
    assert time.process_time() - start < 60

"""Purity, entropy and capacity over time and delay."""

import numpy as np
import pytest

from lava_sqs.plot import memory_capacity, memory_entropy, memory_purity
from lava_sqs.quantum import NoiseModel, Population, ansatz, diagnostics


def run(circuit=None, size=3, **options):
    noise = NoiseModel(t1=1e-5, t2=1e-5)
    pop = Population(circuit or ansatz.layered(1, 2), size=size, noise=noise, seed=4, **options)
    return pop.run(np.full((10, size), 0.6))


def test_lines_are_what_diagnostics_say():
    result = run()
    for draw, quantity, label in (
        (memory_purity, diagnostics.purity, "memory purity"),
        (memory_entropy, diagnostics.entropy, "memory entropy (bits)"),
    ):
        for source in (result, result.memory):
            ax = draw(source)
            lines = [line.get_ydata() for line in ax.lines]
            np.testing.assert_array_equal(lines, quantity(result.memory).T)
            of_run = "\ngiven the outcomes so far" if source is result else ""
            assert ax.get_ylabel() == label + of_run
        assert len(draw(result, neurons=2).lines) == 1


def test_many_neurons_are_a_mean_and_a_band():
    result = run(size=6)
    ax = memory_purity(result)
    assert [line.get_label() for line in ax.lines] == ["mean"]
    assert ax.collections[0].get_label() == "80 % of the neurons"


@pytest.mark.parametrize("m", [2, 5])
@pytest.mark.parametrize(
    ("draw", "quantity", "pure"),
    [(memory_purity, diagnostics.purity, 1.0), (memory_entropy, diagnostics.entropy, 0.0)],
)
def test_whole_memories_and_single_qubits_at_every_size(draw, quantity, pure, m):
    name = quantity.__name__
    result = Population(ansatz.layered(1, m), size=2, seed=3).run(np.full((10, 2), 0.4))
    whole = draw(result, neurons=[0, 1])
    np.testing.assert_allclose([line.get_ydata() for line in whole.lines], pure, atol=1e-9)
    assert whole.get_ylabel().startswith(f"memory {name}")
    each = draw(result, neurons=[1], per_qubit=True)
    expected = quantity(result, per_qubit=True)[:, 1]
    assert expected.shape == (10, m)
    np.testing.assert_array_equal([line.get_ydata() for line in each.lines], expected.T)
    assert each.get_ylabel().startswith(f"{name} of each memory qubit")
    assert each.lines[m - 1].get_label() == f"neuron 1, qubit {m - 1}"


def test_drawn_errors_are_no_purity():
    result = run(ansatz.layered(1, 5), size=1, backend="trajectory")  # with noise
    with pytest.raises(ValueError, match=r"drew the errors.*backend='instrument'"):
        memory_purity(result)


def test_capacity_has_a_point_per_delay_and_a_band_if_estimated():
    circuit = ansatz.layered()
    exact = diagnostics.memory_capacity(circuit, np.arange(8.0), max_delay=4)
    ax = memory_capacity(exact, label="exact")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), exact.linear)
    assert ax.lines[0].get_xdata().tolist() == [0, 1, 2, 3, 4]
    assert not ax.patches
    bits = memory_capacity(exact, value="information")
    np.testing.assert_array_equal(bits.lines[0].get_ydata(), exact.information)
    assert bits.get_ylabel() == "information (bits)"
    x = np.random.default_rng(0).integers(0, 2, 500)
    found = diagnostics.capacity_from_spikes(x, x, max_delay=4)
    ax = memory_capacity(found)
    band = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (band.y0, band.y1) == pytest.approx((-2 * found.null_std, 2 * found.null_std))
    with pytest.raises(ValueError, match="`value` must be 'linear'"):
        memory_capacity(found, value="information")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: memory_purity(np.ones((4, 2, 3))), ValueError, r"`memory`.*4\*\*n"),
        (lambda: memory_purity([1.0, 0, 0, 1]), ValueError, r"`memory` must have shape \(T"),
        (lambda: memory_entropy(run(), neurons=5), ValueError, "`neurons` must name some of 3"),
        (lambda: memory_capacity([1, 0]), TypeError, "`capacity` must be a MemoryCapacity"),
        (
            lambda: memory_capacity(diagnostics.MemoryCapacity(np.zeros(2)), value="bits"),
            ValueError,
            "`value` must be one of",
        ),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()

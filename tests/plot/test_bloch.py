"""Memories on the Bloch sphere."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import qutip

from lava_sqs.plot import bloch_trajectory
from lava_sqs.quantum import Population, ansatz


def points(ax):
    """Return what is drawn, in Bloch coordinates: QuTiP's x points to the reader."""
    x, y, z = (np.asarray(axis) for axis in ax.collections[-1]._offsets3d)
    return np.array([-y, x, z]).T


def test_points_are_the_bloch_vectors_of_the_states():
    states = [
        qutip.basis(2, 0),
        (qutip.basis(2, 0) + qutip.basis(2, 1)).unit(),
        qutip.maximally_mixed_dm(2),
    ]
    ax = bloch_trajectory(states)
    np.testing.assert_allclose(points(ax), [[0, 0, 1], [1, 0, 0], [0, 0, 0]], atol=1e-12)
    plus_i = (qutip.basis(2, 0) + 1j * qutip.basis(2, 1)).unit()
    np.testing.assert_allclose(points(bloch_trajectory(plus_i)), [[0, 1, 0]], atol=1e-12)


def test_it_lies_as_qutip_would_draw_it():
    state = qutip.rand_ket(2, seed=1)
    ours = bloch_trajectory(state).collections[-1]._offsets3d
    sphere = qutip.Bloch()
    sphere.add_states(state)
    sphere.render()
    arrow = sphere.axes.patches[-1]
    tip = [axis[1] for axis in arrow._verts3d]
    np.testing.assert_allclose(np.ravel([np.asarray(a) for a in ours]), tip, atol=1e-12)


def test_other_qubits_are_traced_out():
    pop = Population(ansatz.layered(1, 2), size=2, seed=1)
    result = pop.run(np.full((6, 2), 0.7))
    for qubit in (0, 1):
        drawn = points(bloch_trajectory(result, neuron=1, qubit=qubit))
        reduced = pop.memory_qobj(1).ptrace(qubit)
        last = [qutip.expect(p, reduced) for p in (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())]
        np.testing.assert_allclose(drawn[-1], last, atol=1e-12)
        now = points(bloch_trajectory(pop, neuron=1, qubit=qubit))
        np.testing.assert_allclose(now, [last], atol=1e-12)


def test_large_memories_come_qubit_by_qubit():
    pop = Population(ansatz.layered(1, 5), size=2, seed=1)
    result = pop.run(np.full((3, 2), 0.7))
    drawn = points(bloch_trajectory(result, neuron=1, qubit=4))
    np.testing.assert_allclose(drawn, result.memory[:, 1, 4, 1:], atol=1e-12)


def test_one_sphere_holds_several_trajectories():
    result = Population(ansatz.layered(), size=2, seed=1).run(np.full((6, 2), 0.7))
    figure = plt.figure()
    ax = figure.add_subplot(projection="3d")
    ax.set_title("kept")
    bloch_trajectory(result, ax, label="first")
    lines, collections = len(ax.lines), len(ax.collections)
    bloch_trajectory(result, ax, neuron=1, color="red", label="second", line=False)
    assert (len(ax.lines), len(ax.collections)) == (lines, collections + 1)
    assert ax.get_title() == "kept"
    assert ax.get_legend_handles_labels()[1] == ["first", "second"]  # none of QuTiP's own


def test_time_is_a_colour_unless_one_is_given():
    result = Population(ansatz.layered(), size=1, seed=1).run(np.full((6, 1), 0.7))
    ax = bloch_trajectory(result)
    assert ax.collections[-1].get_array().tolist() == [1, 2, 3, 4, 5, 6]
    assert bloch_trajectory(result, color="red").collections[-1].get_array() is None


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda r: bloch_trajectory(r, plt.figure().add_subplot()), ValueError, "projection='3d'"),
        (lambda r: bloch_trajectory(r, neuron=2), ValueError, r"`neuron` must be an index.*\(2,\)"),
        (lambda r: bloch_trajectory(r, neuron=(0, 0)), ValueError, "`neuron` must be an index"),
        (lambda r: bloch_trajectory(r, neuron=0.5), TypeError, "`neuron` must be an integer"),
        (
            lambda r: bloch_trajectory(r, qubit=1),
            ValueError,
            "`qubit` must be below.* 1, but got 1",
        ),
        (lambda r: bloch_trajectory(np.ones((3, 2, 5))), ValueError, r"`memory`.*4\*\*n"),
        (lambda r: bloch_trajectory("up"), TypeError, "`memory` must hold real numbers"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    result = Population(ansatz.layered(), size=2, seed=1).run(np.full((3, 2), 0.7))
    with pytest.raises(kind, match=message):
        call(result)

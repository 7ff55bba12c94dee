"""What acts on a few qubits stays on them: no matrix and no table of the register is made of it."""

import tracemalloc

import numpy as np
import pytest
import qutip

from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.density import compile_density
from lava_sqs.quantum.engines.steps import TrajectoryProgram
from lava_sqs.quantum.engines.trajectory import program_bytes
from lava_sqs.quantum.pure import compile_pure

BRISBANE = NoiseModel.preset("ibm_brisbane")
FLIP, BOTH = qutip.to_super(qutip.sigmax()), qutip.to_super(qutip.gates.cnot())
LOWER = qutip.destroy(2)
GIVEN = {
    "flip of the io qubit": lambda noise: noise.with_channel("after_circuit", FLIP, qubits=(0,)),
    "flip of a memory qubit": lambda noise: noise.with_channel("readout", FLIP, qubits=(1,)),
    "two far apart": lambda noise: noise.with_channel("after_encode", BOTH, qubits=(3, 0)),
    "decay of one": lambda noise: noise.with_lindblad(
        c_ops=[1e2 * LOWER], duration=1e-6, slot="after_circuit", qubits=(2,)
    ),
}


def largest(program):
    """Return the most qubits that one of the maps mixes, and the numbers of all maps."""
    return max(len(o.qubits) for o in program.operations), program.n_entries


@pytest.mark.parametrize("noise", [NoiseModel(), BRISBANE], ids=["alone", "with others"])
@pytest.mark.parametrize("case", GIVEN)
def test_a_channel_on_one_or_two_qubits_is_never_one_on_all(case, noise):
    """An X on the io qubit beside 5 memory qubits was checked as a matrix of 4096 x 4096."""
    for m in (5, 9):
        circuit = ansatz.layered(1, m)
        plain = compile_density(circuit, noise)
        tracemalloc.start()
        try:
            given = GIVEN[case](noise)
            program = compile_density(circuit, given)
            drawn = TrajectoryProgram(circuit, given, np.float64)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 30e6  # of the register, at 5 memory qubits, it would be 268 MB
        assert largest(program)[0] == largest(plain)[0] == 2
        assert largest(program)[1] <= largest(plain)[1] + 16**2
        for table, *_ in (drawn.register, drawn.memory):
            assert table[:, 1].max(initial=0) <= 4  # amplitudes that one operation mixes
        spikes = Population(circuit, seed=1, size=1, noise=given, backend="trajectory").step([0.5])
        assert spikes.shape == (1,)


def test_trajectories_share_the_index_groups_of_all_that_acts_on_the_same_qubits():
    """Each operation had a table of its own: 770 MB at (1, 16) with noise."""

    def groups(circuit, noise):
        program = TrajectoryProgram(circuit, noise, np.float64)
        return [steps[2].nbytes for steps in (program.register, program.memory)], program

    for m in (2, 5, 8):
        for noise in (None, BRISBANE):
            once, _ = groups(ansatz.layered(1, m), noise)
            thrice, program = groups(ansatz.layered(1, m, layers=3), noise)
            assert once == thrice
            table = program.register[0]
            starts = {(start, count) for *_, start, count in table.tolist()}
            assert len(starts) < len(table) / 3
    (register, memory), _ = groups(ansatz.layered(1, 16), BRISBANE)
    assert register < 70e6
    assert memory < 9e6
    assert register + memory < program_bytes(ansatz.layered(1, 16), BRISBANE) < 200e6


def test_maps_of_passes_share_them_too():
    for compile_ in (compile_pure, lambda circuit: compile_density(circuit, BRISBANE)):
        for m in (3, 5, 8):
            groups = []
            for layers in (1, 3):
                program = compile_(ansatz.layered(1, m, layers=layers))
                table, _, bases, *_ = program.tables(1)
                groups.append({tuple(row) for row in table[:, 2:5].tolist()})
                assert len(bases) == sum(count for _, count, _ in groups[-1])
            # Which groups there are is a matter of where digits are in a tile.
            assert len(groups[1]) <= len(groups[0]) + 12
    wide = compile_pure(ansatz.layered(1, 12))
    assert sum(x.nbytes for x in wide.tables(1)) < 2e6
    assert max(len(o.qubits) for o in wide.operations) == 3  # two qubits, and real and imaginary

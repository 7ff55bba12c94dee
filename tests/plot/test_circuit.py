"""The drawing of a circuit."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import qutip
from matplotlib.patches import Arc, Rectangle

from lava_sqs.plot import draw_circuit
from lava_sqs.quantum import Population, ansatz


def boxes(ax):
    """Return the names in boxes as {name: [(x, y of the wire), ...]}."""
    found = {}
    for text in ax.texts:
        if text.get_ha() == "center" and text.get_text():
            x, y = text.get_position()
            found.setdefault(text.get_text(), []).append((x, int(np.round(y - 0.01))))
    return {name: sorted(places) for name, places in found.items()}


def test_a_step_of_the_paper_in_order():
    ax = draw_circuit(ansatz.paper())
    found = boxes(ax)
    (reset,) = found["|0⟩"]
    rx = found["RX"]  # encode, entangle, mem, in
    assert [y for _, y in rx] == [1, 1, 0, 1]
    assert reset[0] < rx[0][0] < rx[1][0] < rx[2][0] == rx[3][0]
    assert found[r"$θ_{\rm ent}$"][0][0] == rx[1][0]
    (dial,) = [p for p in ax.patches if isinstance(p, Arc)]
    assert dial.center[0] > rx[3][0]
    ends = [t.get_text() for t in ax.texts if t.get_ha() == "left"]
    assert ends == ["spike", "next step", "V(θ)"]
    (control,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert (control.get_xdata()[0], control.get_ydata()[0]) == (rx[1][0], 0)  # on the memory


def test_io_is_above_memory_and_each_wire_has_its_name():
    ax = draw_circuit(ansatz.layered(2, 2))
    names = {t.get_text(): t.get_position()[1] for t in ax.texts if t.get_ha() == "right"}
    first = {name: y for name, y in names.items() if "…" not in name}
    assert first == {"io 0": 3, "io 1": 2, "memory 0": 1, "memory 1": 0}
    assert sum(isinstance(p, Arc) for p in ax.patches) == 2
    assert len(boxes(ax)["|0⟩"]) == 2


def test_gates_keep_their_order_and_never_overlap():
    rng = np.random.default_rng(3)
    two, one = ["CX", "CZ", "SWAP", "ISWAP", "CY"], ["H", "T", "S", "X"]
    for _ in range(20):
        gates = []
        for _ in range(12):
            if rng.random() < 0.5:
                gates.append((str(rng.choice(two)), tuple(rng.permutation(4)[:2].tolist())))
            else:
                gates.append((str(rng.choice(one)), int(rng.integers(4))))
        ax = draw_circuit(ansatz.from_gates(gates, io_qubits=2, memory_qubits=2))
        rectangles = [p.get_bbox() for p in ax.patches if isinstance(p, Rectangle) and p.get_fill()]
        for i, a in enumerate(rectangles):
            assert not any(
                a.x0 < b.x1 - 1e-9 and b.x0 < a.x1 - 1e-9 and a.y0 < b.y1 and b.y0 < a.y1
                for b in rectangles[i + 1 :]
            )
        links = [
            line for line in ax.lines if len(set(line.get_xdata())) == 1 < len(line.get_xdata())
        ]
        assert len(links) == sum(isinstance(g[1], tuple) for g in gates)
        for link in links:  # a link passes through no box but those of its own gate
            x, (low, high) = link.get_xdata()[0], sorted(link.get_ydata())
            for box in rectangles:
                middle = (box.y0 + box.y1) / 2
                assert not (box.x0 < x < box.x1 and low + 1e-6 < middle < high - 1e-6)
        plt.close(ax.figure)


def test_symbols_of_the_gates():
    gates = [("CX", (0, 1)), ("SWAP", (0, 1)), ("CZ", (0, 1)), ("RZZ", (0, 1), np.pi / 4)]
    ax = draw_circuit(ansatz.from_gates(gates, io_qubits=1, memory_qubits=1))
    markers = sorted(str(line.get_marker()) for line in ax.lines if line.get_marker() != "None")
    assert markers == ["+", "o", "o", "o", "o", "x", "x"]
    assert len(boxes(ax)["RZZ"]) == 2
    assert len(boxes(ax)["π/4"]) == 2
    unitary = ansatz.from_unitary(
        qutip.rand_unitary([2, 2, 2], seed=0), io_qubits=1, memory_qubits=2
    )
    ax = draw_circuit(unitary)
    (tall,) = [p for p in ax.patches if isinstance(p, Rectangle) and 2 < p.get_height() < 3]
    assert (tall.get_y(), tall.get_y() + tall.get_height()) == pytest.approx((-0.34, 2.34))
    assert ax.get_title() == "unitary: 1 io and 2 memory qubits, 0 angles"


@pytest.mark.parametrize(
    ("angle", "text"),
    [(np.pi, "π"), (-np.pi / 2, "−π/2"), (0.75 * np.pi, "3π/4"), (0.0, "0"), (-1.2345, "−1.23")],
)
def test_fixed_angles_are_read_as_fractions_of_pi(angle, text):
    circuit = ansatz.from_gates([("RY", 1, angle)], io_qubits=1, memory_qubits=1)
    assert text in boxes(draw_circuit(circuit))


def test_angles_are_written_if_given():
    ax = draw_circuit(ansatz.paper(), theta=[0.5, -1.25, 2.0])
    assert {"0.50", "−1.25", "2.00"} <= boxes(ax).keys()
    with pytest.raises(ValueError, match=r"`theta` must have shape \(3,\)"):
        draw_circuit(ansatz.paper(), theta=[1.0])


def test_what_has_a_circuit_is_taken():
    pop = Population(ansatz.paper(), size=1, seed=0)
    titles = {draw_circuit(x).get_title() for x in (ansatz.paper(), pop, pop.run([[0.5]]))}
    assert titles == {"paper: 1 io and 1 memory qubit, 3 angles"}
    for wrong in ("paper", None, 3):
        with pytest.raises(TypeError, match="`ansatz` must be an Ansatz"):
            draw_circuit(wrong)


def test_long_names_widen_their_gate():
    names = ["a", "a_very_long_name_of_an_angle"]
    widths = []
    for name in names:
        circuit = ansatz.from_gates([("RX", 0, name)], io_qubits=1, memory_qubits=1)
        ax = draw_circuit(circuit)
        widths.append(
            max(p.get_width() for p in ax.patches if isinstance(p, Rectangle) and p.get_fill())
        )
        ax.figure.canvas.draw()
        (text,) = [t for t in ax.texts if t.get_text() == name]
        box = min(
            (p for p in ax.patches if isinstance(p, Rectangle) and p.get_fill()),
            key=lambda p: abs(p.get_x() + p.get_width() / 2 - text.get_position()[0]),
        )
        inside, outside = text.get_window_extent(), box.get_window_extent()
        assert outside.x0 <= inside.x0
        assert inside.x1 <= outside.x1
    assert widths[1] > 2 * widths[0]

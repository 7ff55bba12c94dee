"""Every picture at the sizes of real use: what it says can be read, and it explains itself."""

from functools import cache

import numpy as np
import pytest
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF
from matplotlib.figure import Figure
from matplotlib.text import Text
from mpl_toolkits.mplot3d.art3d import Text3D

from lava_sqs import plot
from lava_sqs.quantum import NoiseModel, Population, ansatz, diagnostics
from lava_sqs.study import Counts, StudyResult
from lava_sqs.study.store import Row

RNG = np.random.default_rng(0)
NOISE = NoiseModel(t1=2e-5, t2=2e-5)


@cache
def a_run(size, steps, m=1):
    neuron = Population(ansatz.layered(memory_qubits=m), size=size, noise=NOISE, seed=1)
    return neuron.run(RNG.random((steps, size)))


def per_qubit(q):
    times = tuple(1e-4 * (i + 1) for i in range(q))
    errors = tuple(0.00123 * (i + 1) for i in range(q))
    more = {"p_depol_1q": errors, "p_read1_given0": errors, "p_read0_given1": errors}
    return NoiseModel(t1=times, t2=times, gate_time_1q=3e-8, readout_time=1e-6, **more)


def a_study(across, curves):
    times = np.geomspace(1e-5, 1e-3, across)
    points = [{"noise.t1": t1, "m": m} for t1 in times for m in range(curves)]
    rows = (
        Row(f"r{i}", f"p{i}", 0, "coin", p, 0, Counts.of_shots(100, i % 50), "1", 0.1)
        for i, p in enumerate(points)
    )
    return StudyResult(tuple(rows))


def counts(n):
    return 900 * np.eye(n, dtype=int) + np.arange(n * n).reshape(n, n) % 120


def chain(count, *, loop=False):
    layers = [LIF(shape=(3,), name=f"layer_{i}") for i in range(count // 2 + 1 - loop)]
    for i in range(count // 2):
        dense = Dense(weights=np.ones((3, 3)), name=f"synapses_{i}")
        layers[i].s_out.connect(dense.s_in)
        dense.a_out.connect(layers[(i + 1) % len(layers)].a_in)
    return layers[0]


DRAWN = {}
for k, t in ((1, 1), (10, 1), (10, 20), (10, 2000), (600, 20)):
    for what in (plot.raster, plot.spike_probability, plot.memory_purity, plot.memory_entropy):
        DRAWN[f"{what.__name__}, {k} neurons, {t} steps"] = lambda f=what, k=k, t=t: f(a_run(k, t))
for m in (2, 3):
    DRAWN[f"purity of {m} qubits"] = lambda m=m: plot.memory_purity(
        a_run(3, 12, m), per_qubit=True, neurons=[0, 2]
    )
DRAWN["30 lines"] = lambda: plot.spike_probability(a_run(600, 20), neurons=range(30))
DRAWN["spikes on lines"] = lambda: plot.spike_probability(
    a_run(10, 20), neurons=3, spikes=a_run(10, 20)
)
for t in (1, 20, 2000):
    DRAWN[f"bloch, {t} steps"] = lambda t=t: plot.bloch_trajectory(a_run(1 if t == 1 else 10, t))
for m in (1, 3, 6):
    DRAWN[f"circuit, {m} memory qubits"] = lambda m=m: plot.draw_circuit(
        ansatz.layered(memory_qubits=m)
    )
DRAWN["circuit, 3 layers"] = lambda: plot.draw_circuit(ansatz.layered(memory_qubits=2, layers=3))
for q in (1, 3, 7):
    DRAWN[f"step, {q} qubits"] = lambda q=q: plot.draw_time_step(per_qubit(q))
DRAWN["step, device"] = lambda: plot.draw_time_step(NoiseModel.preset("ibm_torino"))
DRAWN["step, names"] = plot.draw_time_step
for n in (1, 2, 10, 40):
    DRAWN[f"confusion, {n}"] = lambda n=n: plot.confusion_matrix(counts(n))
    named = [f"class {i}" for i in range(n)]
    DRAWN[f"confusion, {n} named"] = lambda n=n, named=named: plot.confusion_matrix(
        counts(n), labels=named, normalize=True, colorbar=True
    )
for h in (1, 10, 200):
    DRAWN[f"kernel, {h}"] = lambda h=h: plot.sensitivity_kernel(RNG.normal(size=h))
    DRAWN[f"kernels, {h}"] = lambda h=h: plot.sensitivity_kernel(RNG.normal(size=(600, h)))
    DRAWN[f"curve, {h}"] = lambda h=h: plot.learning_curve(1 / np.arange(1, h + 1), chance=0.7)
    DRAWN[f"curves, {h}"] = lambda h=h: plot.learning_curve(RNG.random((5, h)), label="ours")
for d in (1, 30):
    DRAWN[f"capacity, {d}"] = lambda d=d: plot.memory_capacity(
        diagnostics.capacity_from_spikes(x := RNG.random(200), (x > 0.5)[:, None], max_delay=d)
    )
for a, b in ((1, 1), (8, 5), (40, 12)):
    DRAWN[f"study, {a} x {b}"] = lambda a=a, b=b: plot.plot_study(a_study(a, b), "t1")
    DRAWN[f"heat map, {a} x {b}"] = lambda a=a, b=b: plot.plot_heatmap(a_study(a, b), "t1", "m")
for n in (1, 5, 40):
    DRAWN[f"network, {n}"] = lambda n=n: plot.network(chain(n))
DRAWN["network, a loop of 40"] = lambda: plot.network(chain(40, loop=True))


QUICK = {
    "memory_purity, 10 neurons, 1 steps", "memory_purity, 600 neurons, 20 steps",
    "raster, 600 neurons, 20 steps", "spikes on lines", "bloch, 20 steps", "step, 3 qubits",
    "confusion, 10 named", "kernels, 10", "curve, 10", "curves, 1", "capacity, 30",
    "study, 8 x 5", "heat map, 8 x 5",
}  # fmt: skip
CASES = [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in DRAWN]


def drawn(name):
    ax = DRAWN[name]()
    ax.figure.set_dpi(50)
    ax.figure.canvas.draw()
    return ax


def texts_of(figure):
    """Return the texts that are drawn: no ticks beyond the limits, nothing in a projection."""
    hidden = set()
    for ax in figure.axes:
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            low, high = sorted(limits)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                inside = ax.axison and ax.name != "3d" and low <= tick.get_loc() <= high
                hidden |= {id(tick.label2)} | (set() if inside else {id(tick.label1)})
    found = figure.findobj(lambda a: isinstance(a, Text) and not isinstance(a, Text3D))
    return [t for t in found if t.get_visible() and t.get_text().strip() and id(t) not in hidden]


@pytest.mark.parametrize("name", CASES)
def test_it_can_be_read_and_explains_itself(name):
    ax = drawn(name)
    nothing_is_cut_off_or_written_over(ax.figure)
    labels = ax.get_legend_handles_labels()[1]
    said = [t.get_text() for t in ax.get_legend().get_texts()] if ax.get_legend() else []
    assert len(labels) < 2 or said[:3] == labels[:3]
    if ax.get_xlabel().startswith(("time step", "epoch", "lag", "delay")):
        low, high = ax.get_xlim()
        ticks = [x for x in ax.get_xticks() if low <= x <= high]
        assert ticks
        assert all(x == round(x) for x in ticks)
    if "neurons" in name and "raster" not in name:
        assert "given the outcomes so far" in ax.get_ylabel()


def nothing_is_cut_off_or_written_over(figure):
    frame = figure.bbox
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts_of(figure)]
    for text, box in boxes:
        inside = box.x0 > -2 and box.y0 > -2 and box.x1 < frame.x1 + 2 and box.y1 < frame.y1 + 2
        assert inside, f"{text!r} is cut off: {box} of {frame}"
    ends = np.array([box.extents for _, box in boxes])
    starts, stops = ends[:, :2], ends[:, 2:]
    common = np.minimum(stops[:, None], stops) - np.maximum(starts[:, None], starts)
    for i, j in np.argwhere(np.triu(common.min(axis=2) > 2.5, 1)):
        raise AssertionError(f"{boxes[i][0]!r} is written over {boxes[j][0]!r}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("memory_purity, 600 neurons, 20 steps", "80 % of the neurons"),
        ("spikes on lines", "spike"),
        ("30 lines", "and 7 more"),
        ("curves, 1", "least to largest of 5 seeds"),
        ("kernels, 10", r"80 % of $|\kappa_h|$"),
        ("capacity, 30", "no memory, ± 2 s.d."),
        ("study, 8 x 5", "95 % interval, Wilson"),
        ("study, 1 x 1", "95 % interval, Wilson"),
    ],
)
def test_what_a_shade_is_stands_in_the_legend(name, said):
    assert said in [t.get_text() for t in drawn(name).get_legend().get_texts()]


def test_an_image_of_spikes_says_what_dark_is_and_chance_is_named():
    assert "black: spikes in" in drawn("raster, 600 neurons, 20 steps").get_xlabel()
    assert "chance" in [t.get_text() for t in drawn("curve, 10").texts]


@pytest.mark.parametrize("steps", [20, 2000])
def test_points_on_the_sphere_have_a_time_scale_and_say_what_is_given(steps):
    ax = drawn(f"bloch, {steps} steps")
    (scale,) = (a for a in ax.figure.axes if a is not ax)
    assert scale.get_ylabel() == "time step"
    assert "given the outcomes so far" in [t.get_text() for t in ax.texts]
    again = plot.bloch_trajectory(a_run(10, 20), ax, neuron=1, marker="^")
    assert len(again.figure.axes) == 2  # one scale for both
    assert ax.collections[-1].norm.vmax == max(steps, 20)


@pytest.mark.parametrize(("m", "layers"), [(1, 3), (3, 1), (6, 1)])
def test_wide_circuits_go_on_below_with_every_gate(m, layers):
    circuit = ansatz.layered(memory_qubits=m, layers=layers)
    ax = plot.draw_circuit(circuit)
    assert ax.figure.get_size_inches()[0] <= 14.5
    said = [t.get_text() for t in ax.texts]
    rows = 1 + sum(text == "io …" for text in said)
    assert rows > 1
    assert said.count("…") == (rows - 1) * circuit.n_qubits
    assert all(said.count(name) == 1 for name in circuit.param_names)
    small = plot.draw_circuit(circuit, Figure(figsize=(6.4, 4.8)).add_subplot())
    assert sum(t.get_text() == "next step" for t in small.texts) == m


def test_a_time_step_on_narrow_axes_has_two_rows_and_its_lifetimes():
    said = [
        [t.get_text() for t in plot.draw_time_step(per_qubit(7), ax).texts]
        for ax in (Figure(figsize=(6.4, 4.0)).add_subplot(), Figure(figsize=(14, 3)).add_subplot())
    ]
    assert "io …" in said[0]
    assert "io …" not in said[1]
    for texts in said:
        assert "relax: T1 100 to 700 µs (qubits 0 to 6), T2 100 to 700 µs (qubits 0 to 6)" in texts


@pytest.mark.parametrize("loop", [False, True])
def test_a_graph_of_40_processes_fits_a_page(loop):
    ax = plot.network(chain(40, loop=loop))
    width, height = ax.figure.get_size_inches()
    assert width < 18
    assert height < 15
    said = "\n".join(t.get_text() for t in ax.texts)
    names = {f"layer_{i}\n" for i in range(20)} | {f"synapses_{i}\n" for i in range(20)}
    assert all(name in said for name in names)
    assert ("from synapses_19" in said) == loop


def test_curves_on_the_same_axes_stay_in_sight():
    ax = None
    for height in (1.0, 10.0, 0.1):
        ax = plot.sensitivity_kernel(height * RNG.random((50, 8)), ax, label=f"{height}")
        ax = plot.learning_curve(height * RNG.random((3, 8)), ax, label=f"{height}")
    low, high = ax.get_ylim()
    for line in ax.lines:
        assert low <= np.min(line.get_ydata()) <= np.max(line.get_ydata()) <= high

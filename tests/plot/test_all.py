"""What every picture promises: it takes and returns ``ax``, and changes nothing else."""

import inspect
import subprocess
import sys
import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from lava_sqs import SQS, plot
from lava_sqs.network import SQSNN
from lava_sqs.quantum import NoiseModel, Population, ansatz, diagnostics
from lava_sqs.study import Counts, StudyResult
from lava_sqs.study.store import Row


def a_run():
    noise = NoiseModel(t1=2e-5, t2=2e-5)
    return Population(ansatz.layered(), size=3, noise=noise, seed=1).run(np.full((12, 3), 0.5))


def a_study():
    points = [{"noise.t1": a, "m": m} for a in (1e-5, 1e-4) for m in (1, 2)]
    rows = [
        Row(f"r{i}", f"p{i}", 0, "coin", params, 0, Counts.of_shots(100, 5 * i), "1", 0.1)
        for i, params in enumerate(points)
    ]
    return StudyResult(tuple(rows))


# name -> what it draws. A public name that is missing here fails.
DRAWN = {
    "bloch_trajectory": a_run,
    "confusion_matrix": lambda: [[3, 1], [0, 4]],
    "draw_circuit": ansatz.paper,
    "draw_time_step": lambda: NoiseModel.preset("ibm_fez"),
    "learning_curve": lambda: [0.7, 0.5, 0.4],
    "memory_capacity": lambda: diagnostics.memory_capacity(ansatz.paper(), [0.5, 1.0, 0.2]),
    "memory_entropy": a_run,
    "memory_purity": a_run,
    "network": lambda: SQS(shape=(2,), seed=1),
    "plot_heatmap": a_study,
    "plot_study": a_study,
    "raster": a_run,
    "sensitivity_kernel": lambda: [[0.5, 0.1], [0.2, -0.3]],
    "spike_probability": a_run,
}
MORE = {"plot_heatmap": ("t1", "m"), "plot_study": ("t1",)}


def draw(name, ax):
    return getattr(plot, name)(DRAWN[name](), *MORE.get(name, ()), ax=ax)


def axes_of(figure, name):
    return figure.add_subplot(projection="3d" if name == "bloch_trajectory" else None)


def test_every_public_picture_is_tested_here():
    assert set(plot.__all__) == {*DRAWN, "draw_presets"}  # that one only adds to plot_study's axes


@pytest.mark.parametrize("name", DRAWN)
def test_it_draws_on_the_given_axes_and_touches_nothing_else(name):
    figure = Figure(figsize=(6, 4))  # one that pyplot does not know
    ax = axes_of(figure, name)
    before, current = dict(matplotlib.rcParams), plt.figure()
    assert draw(name, ax) is ax
    assert ax.has_data() or ax.texts
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == [current.number]
    assert plt.gcf() is current
    assert not current.axes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()


@pytest.mark.parametrize("name", DRAWN)
def test_without_axes_it_makes_one_figure_and_leaves_the_settings(name):
    before = dict(matplotlib.rcParams)
    ax = draw(name, None)
    assert len(plt.get_fignums()) == 1
    assert ax.figure.number == plt.get_fignums()[0]
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", sorted(DRAWN.keys() - {"plot_heatmap", "plot_study"}))
def test_what_is_no_axes_is_refused_by_name(name):
    with pytest.raises(TypeError, match="`ax` must be Axes or None"):
        draw(name, "axes")


@pytest.mark.parametrize("name", DRAWN)
def test_signatures_are_of_one_kind(name):
    parameters = inspect.signature(getattr(plot, name)).parameters
    assert parameters["ax"].default is None
    required = [p for p in parameters.values() if p.default is inspect.Parameter.empty]
    assert len(required) <= 1 + len(MORE.get(name, ()))


def test_importing_the_package_imports_no_matplotlib():
    code = "import sys, lava_sqs; assert 'matplotlib' not in sys.modules; import lava_sqs.plot"
    code += "; assert 'lava' not in sys.modules; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_network_is_taken_as_it_is():
    x = np.random.default_rng(0).random((40, 4))
    network = SQSNN((), input_kind="static", epochs=2, n_steps=3, random_state=0)
    assert plot.draw_circuit(network).get_title().startswith("layered: 1 io and 1 memory")
    with pytest.raises(ValueError, match="`curves` must have fitted networks"):
        plot.learning_curve(network)
    network.fit(x, x[:, 0] > 0.5)
    assert plot.draw_circuit(network).get_title().startswith("layered: 1 io and 1 memory")
    for value in ("loss", "accuracy", "spikes"):
        ax = plot.learning_curve(network, value=value)
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), getattr(network, f"{value}_curve_"))
    both = plot.learning_curve([network, network])
    assert len(both.collections) == 1
    found = network.evaluate(x, x[:, 0] > 0.5)
    ax = plot.confusion_matrix(found, labels=network.classes_)
    assert sum(int(t.get_text()) for t in ax.texts) == 40

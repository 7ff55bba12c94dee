import matplotlib.pyplot as plt
import numpy as np
import pytest

from lava_sqs.plot.study import plot_heatmap, plot_study
from lava_sqs.quantum import NoiseModel
from lava_sqs.study import Counts, StudyResult
from lava_sqs.study.store import Row


def result(points, make=lambda i: Counts.of_shots(100, 5 * i)):
    rows = [
        Row(f"r{i}", f"p{i}", 0, "coin", params, 0, make(i), "1", 0.1)
        for i, params in enumerate(points)
    ]
    return StudyResult(tuple(rows))


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    before = dict(plt.rcParams)
    yield axes
    assert dict(plt.rcParams) == before
    plt.close(figure)


CURVES = [{"noise.t1": t, "m": m} for m in (1, 2) for t in (1e-4, 1e-5)]


def test_curves_have_the_values_and_the_bands(ax):
    found = result(CURVES)
    assert plot_study(found, "t1", group="m", ax=ax, value="error rate") is ax
    assert [line.get_label() for line in ax.lines] == ["m 1", "m 2"]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [10, 100])  # µs, sorted
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.05, 0.0])
    (low, high) = found.points[1].interval().low, found.points[1].interval().high
    edge = ax.collections[0].get_paths()[0].vertices
    at_ten = edge[np.isclose(edge[:, 0], 10), 1]
    assert (at_ten.min(), at_ten.max()) == pytest.approx((low, high))
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("T1 (µs)", "error rate", "log")


def test_accuracy_is_what_is_not_wrong(ax):
    plot_study(result(CURVES), "t1", ax=ax)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [0.85, 0.9])
    assert ax.get_ylabel() == "accuracy"


def test_devices_are_vertical_lines_with_names(ax):
    names = ["ibm_torino", "ibm_brisbane", "ibm_fez", "ibm_marrakesh"]
    plot_study(result(CURVES), "t1", ax=ax, presets=names)
    marks = {t.get_text(): t for t in ax.texts}
    for name, line in zip(sorted(names, key=preset_t1), ax.lines[2:], strict=True):
        assert line.get_xdata()[0] == marks[name].xy[0] == pytest.approx(preset_t1(name))
    # No name lies on another: they are parallel, and stand at least their height apart.
    ax.figure.canvas.draw()
    dots = ax.figure.dpi / 72
    places = [
        ax.transData.transform(marks[name].xy)[0] + dots * marks[name].xyann[0]
        for name in sorted(names, key=preset_t1)
    ]
    height = dots * marks["ibm_fez"].get_fontsize()
    assert np.diff(places).min() > height / np.sin(np.radians(35))
    with pytest.raises(ValueError, match="no value of it"):
        plot_study(result([{"m": 1}, {"m": 2}]), "m", ax=ax, presets=["ibm_fez"])
    with pytest.raises(TypeError, match="must be a list or tuple"):
        plot_study(result(CURVES), "t1", ax=ax, presets="ibm_fez")


def preset_t1(name):
    return 1e6 * NoiseModel.preset(name).t1


def test_an_implied_parameter_can_be_the_axis(ax):
    points = [{"noise.t1": t, "noise.t2_over_t1": 0.5} for t in (1e-5, 1e-4)]
    plot_study(result(points), "t2", ax=ax)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [5, 50])


def test_zero_and_infinity_have_places(ax):
    points = [{"noise.p_depol_2q": p} for p in (0.0, 0.003, 0.01)]
    plot_study(result(points), "p_depol_2q", ax=ax)
    assert ax.get_xscale() == "symlog"
    assert {0.0, 1e-3, 1e-2} <= set(np.round(ax.get_xticks(), 12))
    ax.clear()
    found = result([{"noise.t1": t} for t in (1e-5, 1e-4, np.inf)])
    plot_study(found, "t1", ax=ax, presets=["ibm_brisbane"])
    (alone,) = ax.containers
    place, bar = alone.lines[0].get_xydata()[0], alone.lines[2][0].get_segments()[0]
    assert place[0] > preset_t1("ibm_brisbane")
    assert place[1] == pytest.approx(0.9)
    interval = found.points[2].interval()
    assert bar[:, 1] == pytest.approx([1 - interval.high, 1 - interval.low])
    assert "∞" in {t.get_text() for t in ax.texts}


def test_heat_map_has_each_point_in_its_cell(ax):
    points = [
        {"noise.t1": a, "noise.t2": b} for a in (1e-5, 1e-4) for b in (1e-5, 5e-5) if b <= 2 * a
    ]
    assert plot_heatmap(result(points), "t1", "t2", ax=ax, value="error rate") is ax
    table = np.asarray(ax.images[0].get_array())
    np.testing.assert_allclose(table, [[0.0, 0.05], [np.nan, 0.1]])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["10", "100"]
    assert len(ax.texts) == 3


def test_what_cannot_be_drawn_is_said(ax):
    both = result([{"noise.t1": 1e-5, "m": m, "k": k} for m in (1, 2) for k in (1, 2)])
    with pytest.raises(ValueError, match="differ in k"):
        plot_study(both, "m", group=[], ax=ax)
    with pytest.raises(ValueError, match=r"same noise\.t1, m: they differ in k"):
        plot_heatmap(both, "t1", "m", ax=ax)
    with pytest.raises(ValueError, match="no parameter 't3'"):
        plot_study(both, "t3", ax=ax)
    with pytest.raises(ValueError, match="a number at every point"):
        plot_study(result([{"a": "x"}, {"a": "y"}]), "a", ax=ax)
    with pytest.raises(ValueError, match="there are no errors"):
        plot_study(
            result([{"a": 1}], lambda i: Counts.of_values([1])), "a", ax=ax, value="accuracy"
        )
    with pytest.raises(ValueError, match="must be two"):
        plot_heatmap(both, "m", "m", ax=ax)

"""Rasters and probability traces."""

import numpy as np
import pytest

from lava_sqs.plot import raster, spike_probability
from lava_sqs.quantum import Population, ansatz
from lava_sqs.recording import Recording


def run(size=3, steps=12, **options):
    currents = np.full((steps, size), 0.6)
    return Population(ansatz.layered(), size=size, seed=2).run(currents, **options)


def recording_of(result):
    recording = Recording({"s_out": (np.int32, (3,)), "p_spike": (float, (3,))})
    for s, p in zip(result.spikes, result.p_spike, strict=True):
        recording.append({"s_out": s, "p_spike": p})
    return recording


def test_every_spike_is_one_mark_in_its_row():
    spikes = np.array([[0, 1, 0], [1, 1, 0]])
    ax = raster(spikes)
    marks = {tuple(xy) for xy in np.asarray(ax.collections[0].get_offsets())}
    assert marks == {(1, 1), (2, 0), (2, 1)}
    assert ax.get_xlim() == (0.5, 2.5)
    assert ax.get_ylim() == (2.5, -0.5)  # the first channel on top
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time step", "neuron")


def test_colours_can_follow_the_channels():
    ax = raster([[1, 1], [0, 1]], color=["red", "blue"])
    assert ax.collections[0].get_facecolors()[:, 0].tolist() == [1.0, 0.0, 0.0]


def test_runs_recordings_and_arrays_are_one():
    result = run()
    counts = [
        len(raster(source).collections[0].get_offsets())
        for source in (result, recording_of(result), result.spikes)
    ]
    assert counts == [result.spikes.sum()] * 3
    lines = [
        [line.get_ydata() for line in spike_probability(source).lines]
        for source in (result, recording_of(result), result.p_spike)
    ]
    np.testing.assert_array_equal(lines[0], result.p_spike.T)
    np.testing.assert_array_equal(lines[0], lines[1])
    np.testing.assert_array_equal(lines[0], lines[2])


def test_io_channels_and_batches_are_rows():
    ax = raster(np.ones((4, 2, 3)))
    assert ax.get_ylim() == (5.5, -0.5)
    assert ax.get_ylabel() == "channel"


def test_few_traces_are_lines_and_many_a_band():
    few = spike_probability(run(4))
    assert [line.get_label() for line in few.lines] == [f"neuron {i}" for i in range(4)]
    assert len({line.get_linestyle() for line in few.lines}) == 4  # told apart in grey
    assert not few.collections
    result = run(9)
    many = spike_probability(result)
    assert [line.get_label() for line in many.lines] == ["mean"]
    np.testing.assert_allclose(many.lines[0].get_ydata(), result.p_spike.mean(axis=1))
    band = many.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(np.quantile(result.p_spike, 0.9, axis=1).max())
    chosen = spike_probability(result, neurons=[7, -9])
    assert [line.get_label() for line in chosen.lines] == ["neuron 7", "neuron 0"]


def test_spikes_are_dots_on_their_line():
    result = run()
    ax = spike_probability(result, neurons=1, spikes=result)
    dots = np.asarray(ax.collections[0].get_offsets())
    at = np.flatnonzero(result.spikes[:, 1])
    np.testing.assert_allclose(dots[:, 0], at + 1)
    np.testing.assert_allclose(dots[:, 1], result.p_spike[at, 1])


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: raster([1, 0]), ValueError, r"`spikes` must have shape \(T, ...\)"),
        (lambda: raster(np.zeros((0, 2))), ValueError, "`spikes` must have at least one time step"),
        (lambda: raster("spikes"), TypeError, "`spikes` must hold real numbers"),
        (lambda: raster([[1]], size=0), ValueError, "`size` must be above 0"),
        (
            lambda: raster(Population(ansatz.paper(), size=1, seed=0)),
            TypeError,
            "`spikes` must hold a run, but got a Population",
        ),
        (
            lambda: raster(Recording({"memory": (float, (1, 4))})),
            ValueError,
            r"it is not recorded.*record=\('s_out',\)",
        ),
        (
            lambda: spike_probability(run(record=("memory",))),
            ValueError,
            r"`p_spike`.*record=\('p_spike',\)",
        ),
        (lambda: spike_probability(run(), neurons=3), ValueError, "`neurons` must name some of 3"),
        (lambda: spike_probability(run(), neurons="all"), TypeError, "`neurons` must be an int"),
        (lambda: spike_probability(run(), neurons=[]), ValueError, "`neurons` must name some"),
        (
            lambda: spike_probability(run(), spikes=run(2)),
            ValueError,
            r"`spikes` must have the shape \(12, 3\)",
        ),
        (lambda: spike_probability(run(9), spikes=run(9)), ValueError, "choose some with"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(("steps", "count"), [(1000, 600), (30_001, 3), (7, 251)])
def test_a_dense_raster_is_an_image_of_the_same_spikes(steps, count):
    spikes = np.random.default_rng(0).random((steps, count)) < 0.3
    ax = raster(spikes)
    (image,) = ax.images
    shown = np.asarray(image.get_array())
    rows, columns = -(-count // 250), -(-steps // 1000)
    assert shown.shape == (-(-count // rows), -(-steps // columns))
    share = [spikes[columns * t : columns * (t + 1), :rows].mean() for t in range(shown.shape[1])]
    np.testing.assert_allclose(shown[0], share)
    assert len(ax.collections[0].get_offsets()) == 0
    assert ax.get_xlim() == (0.5, steps + 0.5)
    assert ax.get_ylim() == (count - 0.5, -0.5)
    assert not raster(spikes, size=2.0).images
    assert not raster(spikes[:7, :3]).images


@pytest.mark.parametrize(("count", "said"), [(1, None), (3, 3), (10, 2)])
def test_several_lines_have_a_legend_and_one_row_one_tick(count, said):
    p = np.random.default_rng(0).random((20, count))
    legend = spike_probability(p).get_legend()
    assert (legend is None) == (said is None)
    if said:
        assert len(legend.get_texts()) == said
    ticks = raster(p > 0.5).get_yticks()
    assert (ticks % 1 == 0).all()

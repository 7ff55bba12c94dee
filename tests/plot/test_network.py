"""The graph of a Lava network, and what it says."""

import numpy as np
import pytest
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.sink import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import DelaySparse
from scipy.sparse import csr_matrix

from lava_sqs import SQS, SQSNN
from lava_sqs.plot import network


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def recurrent(size, delay):
    """A layer with delayed recurrent synapses between two others."""
    source = LIF(shape=(4,), name="input")
    synapses = Dense(weights=np.ones((size, 4)), name="synapses")
    layer = SQS(shape=(size,), seed=1, name="layer")
    back = DelayDense(weights=np.ones((size, size)), delays=np.full((size, size), delay))
    sink = RingBuffer(shape=(size,), buffer=3)
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(layer.a_in)
    layer.s_out.connect(back.s_in)
    back.a_out.connect(layer.a_in)
    layer.s_out.connect(sink.a_in)
    return source, synapses, layer, back, sink


@pytest.mark.parametrize(("size", "delay"), [(1, 1), (10, 3), (600, 7)])
@pytest.mark.parametrize("which", range(5))
def test_all_of_a_network_is_drawn_from_any_of_its_processes(size, delay, which):
    said = texts(network(recurrent(size, delay)[which]))
    assert "input\nLIF (4,)" in said
    assert f"synapses\nDense ({size}, 4)" in said
    assert f"layer\nSQS ({size},)" in said
    assert any(f"DelayDense ({size}, {size})\ndelays up to {delay}" in text for text in said)
    assert sum("s_out to " in text for text in said) == 3
    assert sum("a_out to a_in" in text for text in said) == 2


def test_boxes_do_not_overlap():
    ax = network(recurrent(600, 3)[2])
    ax.figure.canvas.draw()
    boxes = [t.get_window_extent() for t in ax.texts if "(" in t.get_text()]
    assert len(boxes) == 5
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    frame = ax.figure.bbox
    assert all(frame.x0 <= b.x0 and b.x1 <= frame.x1 and b.y1 <= frame.y1 for b in boxes)


def test_sparse_delays_and_references():
    weights = csr_matrix(np.eye(3))
    lif = LIF(shape=(3,), name="neurons")
    sparse = DelaySparse(weights=weights, delays=2 * weights.astype(int), name="later")
    sparse.a_out.connect(lif.a_in)
    monitor = Monitor()
    monitor.probe(lif.v, 5)
    said = texts(network(lif))
    assert "later\nDelaySparse (3, 3)\ndelays up to 2" in said
    assert any(text.startswith("ref_port_0 to") for text in said)


def test_a_trained_network_is_one_process_or_its_layers():
    model = SQSNN((3,), epochs=1, random_state=0).fit(np.eye(4), [0, 1, 0, 1])
    assert any("SQSNetwork" in text for text in texts(network(model.to_lava())))


@pytest.mark.parametrize("wrong", [3, "LIF", np.zeros(2)])
def test_what_is_no_process_is_refused(wrong):
    with pytest.raises(TypeError, match="`process` must be a Process of Lava"):
        network(wrong)

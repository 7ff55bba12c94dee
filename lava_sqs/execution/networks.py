"""Run a network inside Lava on encoded samples, one after the other."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.proc.sqsnn.process import SQSNetwork

# isort: split
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

from lava_sqs._checks import check_real, check_shape
from lava_sqs._errors import ArgumentValueError
from lava_sqs.execution.running import SQSSimCfg, runtime

__all__ = ["run_network"]

Array = NDArray[Any]


def run_network(
    process: SQSNetwork,
    inputs: Any,
    run_cfg: Any = None,
    *,
    progress: bool = False,
    watch: bool = False,
) -> Array:
    """Return the visible spikes of samples that follow each other in Lava.

    Parameters
    ----------
    process : SQSNetwork
        Not yet connected or run.
    inputs : array_like, shape (n, T, n_inputs)
        What ``SQSNN.encode`` gives; T as of the Process.
    run_cfg : RunConfig, optional
        None is ``SQSSimCfg()``.
    progress : bool
        A bar on standard error, if that is a terminal.
    watch : bool
        Instead of the bar, what the layers do: see :meth:`lava_sqs.runtime.watch`.

    Returns
    -------
    ndarray of int8, shape (n, T + depth, C)

    Raises
    ------
    TypeError, ValueError
        If the Process has no `n_steps`, or the inputs have another shape.

    Examples
    --------
    >>> from lava_sqs.network import SQSNN
    >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0]] * 10), np.array([0, 1] * 10)
    >>> clf = SQSNN((), n_steps=5, epochs=1, random_state=0).fit(X, y)
    >>> run_network(clf.to_lava(), clf.encode(X[:3])).shape
    (3, 6, 20)
    """
    spec, steps = process.spec, process.steps_per_sample
    if steps is None:
        raise ArgumentValueError("process", "must be made with `n_steps` to run several samples.")
    trains = check_real("inputs", inputs)
    check_shape("inputs", trains, ("n", steps - spec.depth, spec.n_inputs))
    if not len(trains):
        return np.empty((0, steps, spec.visible.channels), dtype=np.int8)
    # A sample takes T + depth steps: zeros follow it until its last spikes have come through.
    # Without them the reset of the next sample would cut it off.
    padded = np.zeros((len(trains), steps, spec.n_inputs))
    padded[:, : trains.shape[1]] = trains
    total = len(trains) * steps
    # Lava's Source and Sink hold a column per time step.
    source = Source(data=padded.reshape(total, -1).T)
    source.name = f"{process.name}.input"  # it takes none
    sink = Sink(shape=(spec.visible.channels,), buffer=total)
    source.s_out.connect(process.a_in)
    process.s_out.connect(sink.a_in)
    with runtime(process, SQSSimCfg() if run_cfg is None else run_cfg) as net:
        if watch:
            with net.watch(steps=total):
                net.run(total)
        elif progress and sys.stderr.isatty():
            from tqdm import tqdm

            # A run per sample only moves the bar; the spikes are those of one long run.
            for _ in tqdm(range(len(trains)), desc="Lava", unit="sample", file=sys.stderr):
                net.run(steps)
        else:
            net.run(total)
        spikes = sink.data.get()
    return np.asarray(spikes.T.reshape(len(trains), steps, -1).astype(np.int8))

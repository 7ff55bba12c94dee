"""A network whose SQS layers run on a device: one job per layer, layer after layer.

The whole input of a layer is known before it runs, so each layer is one set of parameters per
neuron and sample, of one shot. Layers of other neurons, and readouts, are computed here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs import _seeds
from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.network.spec import NetworkSpec, Parameters
from lava_sqs.neurons import SQSNeuron
from lava_sqs.neurons.base import BoundNeuron, RunOut, compiled

__all__ = ["OFFLINE", "DeviceNeurons", "check_network", "device_of", "layers_on"]

Array = NDArray[Any]

#: The runtime of this machine.
OFFLINE = "offline"
#: Which child of the seed of a method names what a device draws.
_DRAWS = 18


def device_of(runtime: Any) -> Any:
    """Return what `runtime` says: a device, or None for this machine.

    Parameters
    ----------
    runtime : "offline" or Device
        Where the network runs.

    Returns
    -------
    Device or None

    Raises
    ------
    TypeError, ValueError
        If it has another type or value.

    Examples
    --------
    >>> device_of("offline") is None
    True
    """
    if isinstance(runtime, str):
        if runtime == OFFLINE:
            return None
        hint = ""
        if runtime == "lava":
            hint = " `run_in_lava`, `decide` and `evaluate(runtime='lava')` run it in Lava."
        raise ArgumentValueError(
            "runtime",
            f"must be 'offline' or a lava_sqs.hardware.Device, but got {runtime!r}.{hint}",
        )
    if not callable(getattr(runtime, "sample", None)):
        raise ArgumentTypeError(
            "runtime",
            f"must be 'offline' or a lava_sqs.hardware.Device, but got {describe(runtime)}. "
            "Device(backend) makes one of a backend.",
        )
    return runtime


def check_network(spec: NetworkSpec, readout: str = "count", noise_given: bool = False) -> None:
    """Refuse networks that cannot run on a device, by the layer and the reason.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    readout : {"count", "likelihood"}
        How it is read out.
    noise_given : bool
        Whether another noise than the device's is asked for.

    Raises
    ------
    ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> check_network(feed_forward(2, (), 1, LIFNeuron()))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    lava_sqs._errors.ArgumentValueError: Argument `runtime` = a device needs a layer of SQS ...
    """
    if noise_given:
        raise ArgumentValueError(
            "noise", "belongs to runtime='offline': a device has the noise that it has."
        )
    if readout != "count":
        raise ArgumentValueError(
            "readout",
            f"must be 'count' on a device, but is {readout!r}: the likelihood of a train that was "
            "not drawn needs shots to be thrown away, 2^T at chance.",
        )
    quantum = [
        la
        for la in spec.layers
        if isinstance(la.neuron, SQSNeuron) and not la.neuron.ansatz.is_classical
    ]
    if not quantum:
        raise ArgumentValueError(
            "runtime",
            "= a device needs a layer of SQS neurons with a circuit, but the network has none.",
        )
    for layer in quantum:
        if layer.recurrent:
            raise ArgumentValueError(
                "runtime",
                f"= a device needs layers whose whole input is known before they run, but "
                f"{layer.name!r} is recurrent: its input in a step is what it said in the step "
                "before, and no job can wait for that between two steps of a shot. Use "
                "recurrent=False, or runtime='offline'.",
            )


def layers_on(
    device: Any, spec: NetworkSpec, parameters: Parameters, dtype: Any, seed: int, repeat: int
) -> list[BoundNeuron]:
    """Return the neurons of each layer: SQS neurons on the device, others here.

    Parameters
    ----------
    device : Device
        Device, or anything else with a method ``sample``.
    spec : NetworkSpec
        Description of the network.
    parameters : Parameters
        Weights, angles and biases of each layer.
    dtype : float64 or float32
        See :func:`~lava_sqs.network.simulate.compiled_layers`.
    seed, repeat : int
        What names the draw.

    Returns
    -------
    list of BoundNeuron

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> from lava_sqs.network.spec import LayerParams
    >>> own = LayerParams({"input": np.array([[0.5, 0.5]])}, np.zeros(1), np.zeros((1, 3)))
    >>> net = feed_forward(2, (), 1, LIFNeuron())
    >>> len(layers_on(None, net, {"visible": own}, None, 0, 0))  # no SQS neurons: nothing is asked
    1
    """
    found: list[BoundNeuron] = []
    for i, layer in enumerate(spec.layers):
        angles, neuron = parameters[layer.name].angles, layer.neuron
        if isinstance(neuron, SQSNeuron) and not neuron.ansatz.is_classical:
            # By repeat and layer: a cached answer of one is never taken for another's.
            own = _seeds.of_sequence(_seeds.sequence(seed, _DRAWS, repeat, i), np.uint64)
            found.append(DeviceNeurons(device, neuron, angles, own))
        else:
            found.append(compiled(neuron, angles, dtype))
    return found


class DeviceNeurons:
    """SQS neurons with their angles, on a device.

    Parameters
    ----------
    device : Device
        Device that draws the spikes.
    neuron : SQSNeuron
        What they are; its noise is not used.
    params : ndarray, shape (K, n_params)
        Angles in radians.
    seed : int
        Seed of the draw.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> class Silent:
    ...     def sample(self, ansatz, theta, currents, *, seed):
    ...         return np.zeros(currents.shape, np.int8)
    >>> neurons = DeviceNeurons(Silent(), SQSNeuron(ansatz.paper()), np.zeros((2, 3)), seed=0)
    >>> z = np.ones((5, 4, 2))  # steps, samples, neurons
    >>> neurons.run(z, z).spikes.shape
    (5, 4, 2)
    """

    def __init__(self, device: Any, neuron: SQSNeuron, params: Array, seed: int) -> None:
        self._device, self._neuron, self._params, self._seed = device, neuron, params, seed

    def run(self, z: Array, u: Array, clamp: Array | None = None, *, record: bool = True) -> RunOut:
        """Run spike trains from a reset, as for :meth:`~lava_sqs.neurons.BoundNeuron.run`.

        The uniform numbers *u* are not used: the device draws. Only spikes come back.
        """
        if clamp is not None:
            raise ArgumentValueError("clamp", "must be None: a device cannot clamp spikes.")
        steps, batch = z.shape[:2]
        size, channels = len(self._params), self._neuron.channels
        # (S, B, K, N) -> a set per neuron and sample, neuron by neuron
        sets = z.reshape(steps, batch, size, channels).transpose(2, 1, 0, 3)
        currents = np.asarray(sets, dtype=float).reshape(size * batch, steps, channels)
        # Neuron by neuron, as the sets: row k * batch + b has the angles of neuron k.
        theta = np.repeat(self._params, batch, axis=0)
        trains = self._device.sample(self._neuron.ansatz, theta, currents, seed=self._seed)
        said = trains.reshape(size, batch, steps, channels).transpose(0, 3, 2, 1)
        # neuron-major, as neurons of batches hand it over
        spikes = np.ascontiguousarray(said.reshape(size * channels, steps, batch), dtype=z.dtype)
        # A device knows no probabilities: a length of 0, so that no rule takes NaN for one.
        unknown = np.full((0, batch, size * channels), np.nan)
        return RunOut(spikes.transpose(1, 2, 0), unknown, np.full((steps, batch, size), np.nan))

    def score(self, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Refuse: a device says what it drew, not how likely that was.

        Parameters
        ----------
        z, spikes, signal
            See :meth:`~lava_sqs.neurons.BoundNeuron.score`.

        Raises
        ------
        NotImplementedError
            Whenever it is called: a device gives no probabilities.
        """
        raise NotImplementedError("A device has no scores; train on its calibrated model.")

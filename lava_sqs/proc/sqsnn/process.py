"""The interface of a whole network as one Lava Process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from lava.magma.core.process.process import LogConfig
from lava.magma.core.process.variable import Var

from lava_sqs._checks import check_int, describe
from lava_sqs._errors import ArgumentTypeError
from lava_sqs._seeds import check_seed
from lava_sqs.neurons import kind_of, kinds
from lava_sqs.proc._naming import NamedProcess, parameter

__all__ = ["SQSNetwork"]


class SQSNetwork(NamedProcess):
    r"""A network of layers, of stock ``Dense`` and ``Conv``, and a Process for each layer.

    .. math:: z_t = \sum_p w_p\, x_p(t-1) + b, \qquad x_p(0) = 0 .

    A recurrent layer is one of the sources p of itself, by a ``Dense`` from its `s_out` to its
    `a_in`.

    Samples follow each other without a pause: one occupies ``n_steps + depth`` time steps, the
    first of which resets all layers (``reset_interval``). ``a_in`` must carry zeros in the last
    ``depth`` steps of a sample.

    Parameters
    ----------
    spec : NetworkSpec
        The network, from :mod:`lava_sqs.network`; usually ``clf.to_lava()`` gives it.
    parameters : mapping of str to LayerParams
        Weights, angles and biases of each layer.
    n_steps : int, optional
        T, the number of time steps. None: one endless sample, no resets.
    seed : int, optional
        Each layer has a seed of its own, ``SeedSequence(seed).spawn``. None draws one.
    name, log_config
        Name and logging of the Process, see Lava's ``AbstractProcess``.

    Attributes
    ----------
    a_in : InPort, shape (n_inputs,)
        Spikes or values, as the network was trained on. Lava's ``Conv`` does not run without it: it
        must be connected if the first layer is a convolution.
    s_out : OutPort, shape (C,)
        Spikes of the visible layer.
    <layer>_theta, <layer>_bias, <layer>_from_<source> : Var
        What was learned: angles, bias currents and weights, to be read and set at run time. A
        layer of QLIF has ``decay``, ``threshold`` and ``gain`` where one of SQS has ``theta``, a
        layer of StochasticLIF ``leak``, ``threshold`` and ``gain``.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> import numpy as np
    >>> from lava_sqs.network import SQSNeuron, feed_forward
    >>> from lava_sqs.network.gradient import initialise
    >>> from lava_sqs.quantum import ansatz
    >>> spec = feed_forward(3, (4,), 2, SQSNeuron(ansatz.layered()))
    >>> start = initialise(spec, np.ones((5, 8, 3)), np.random.default_rng(0))
    >>> network = SQSNetwork(spec=spec, parameters=start, n_steps=5, seed=1)
    >>> network.a_in.shape, network.s_out.shape, network.steps_per_sample
    ((3,), (2,), 7)
    """

    def __init__(
        self,
        *,
        spec: Any,
        parameters: Mapping[str, Any],
        n_steps: int | None = None,
        seed: int | None = None,
        name: str | None = None,
        log_config: LogConfig | None = None,
    ) -> None:
        if not hasattr(spec, "check_parameters"):
            raise ArgumentTypeError("spec", f"must be a NetworkSpec, but got {describe(spec)}.")
        spec.check_parameters(parameters)
        for layer in spec.layers:
            if not getattr(layer.neuron, "process", hasattr(layer.neuron, "to_process")):
                able = [name for name in kinds() if kind_of(name).process]
                raise ArgumentTypeError(
                    "spec",
                    f"must be made of neurons that have a Process to run in Lava "
                    f"({', '.join(able)}), but layer {layer.name!r} is {layer.neuron!r}.",
                )
        interval = None
        if n_steps is not None:
            interval = check_int("n_steps", n_steps, minimum=1) + spec.depth
        super().__init__(
            spec=spec,
            parameters=parameters,
            reset_interval=interval,
            seed=check_seed("seed", seed),
            name=name,
            log_config=log_config,
        )
        self.a_in = self._in_port("a_in", (spec.n_inputs,))
        self.s_out = self._out_port("s_out", (spec.visible.channels,))
        for layer in spec.layers:
            own = parameters[layer.name]
            for var, value in layer.neuron.lava_vars(own.angles).items():
                setattr(self, f"{layer.name}_{var}", Var(shape=value.shape, init=value))
            setattr(self, f"{layer.name}_bias", Var(shape=own.bias.shape, init=own.bias))
            for source, w in own.weights.items():
                setattr(self, f"{layer.name}_from_{source}", Var(shape=w.shape, init=w))

    def _hint(self, key: str) -> str:
        for layer in self.spec.layers:
            own = self.proc_params["parameters"][layer.name]
            angles = [f"{layer.name}_{var}" for var in layer.neuron.lava_vars(own.angles)]
            weights = [f"{layer.name}_from_{source}" for source in own.weights]
            for word, names in (("angles", angles), ("weights", weights)):
                if key == f"{layer.name}_{word}":
                    return f" Did you mean {' or '.join(map(repr, names))}?"
        return super()._hint(key)

    spec: Any = parameter("The description of the network.", "spec")
    steps_per_sample: int | None = parameter("Time steps of one sample.", "reset_interval")
    seed: int = parameter("The seed, also when it was drawn.", "seed")

    def read_parameters(self) -> dict[str, Any]:
        """Return what the running network has learned, as parameters of :mod:`lava_sqs.network`."""
        parameters = {}
        for layer in self.spec.layers:
            own = self.proc_params["parameters"][layer.name].copy()
            read = {
                var: np.array(getattr(self, f"{layer.name}_{var}").get())
                for var in layer.neuron.lava_vars(own.angles)
            }
            own.angles = layer.neuron.from_lava_vars(read)
            own.bias = np.array(getattr(self, f"{layer.name}_bias").get())
            for source in own.weights:
                own.weights[source] = np.array(getattr(self, f"{layer.name}_from_{source}").get())
            parameters[layer.name] = own
        return parameters

"""What SQSNetwork is made of."""

from typing import Any

from lava.magma.core.decorator import implements, tag
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense

from lava_sqs.network.simulate import layer_seeds
from lava_sqs.network.spec import INPUT
from lava_sqs.proc.sqsnn.process import SQSNetwork

_MESSAGE_BITS = 24  # values as well as spikes


def _connection(weights: Any, kernel: Any, bits: int) -> tuple[Any, Any]:
    """Return a Process for weights, and its Var of them."""
    if kernel is None:
        dense = Dense(weights=weights, num_message_bits=bits)
        return dense, dense.weights
    conv = Conv(
        weight=weights,
        input_shape=kernel.in_shape,
        stride=kernel.stride,
        padding=kernel.padding,
        num_message_bits=bits,
    )
    return conv, conv.weight


@implements(proc=SQSNetwork, protocol=LoihiProtocol)
@tag("floating_pt")
class SQSNetworkModel(AbstractSubProcessModel):
    """One Dense or Conv per connection, one population per layer."""

    def __init__(self, proc: Any) -> None:
        spec, parameters = proc.proc_params["spec"], proc.proc_params["parameters"]
        interval = proc.proc_params["reset_interval"]
        # Time steps count from 1, and the first step of a sample is its reset.
        reset = {"reset_interval": interval, "reset_offset": 1 % interval} if interval else {}
        outputs: dict[str, Any] = {}
        seeds = layer_seeds(spec, proc.proc_params["seed"])
        for layer, seed in zip(spec.layers, seeds, strict=True):
            own = parameters[layer.name]
            neurons = layer.neuron.to_process(
                own.angles, own.bias, seed=seed, name=f"{proc.name}.{layer.name}", **reset
            )
            setattr(self, layer.name, neurons)
            flat = (layer.channels,)
            s_out = neurons.s_out
            outputs[layer.name] = s_out if s_out.shape == flat else s_out.reshape(flat)
            # The layer itself last: currents add up in the order of the connections.
            for source in (*layer.others, *[layer.name] * layer.recurrent):
                # Inputs may be values, which Dense takes as graded spikes; those between layers are
                # 0 and 1.
                bits = _MESSAGE_BITS if source == INPUT else 0
                connection, weights = _connection(own.weights[source], layer.kernel(source), bits)
                setattr(self, f"{layer.name}_from_{source}", connection)
                before, s_in = proc.a_in if source == INPUT else outputs[source], connection.s_in
                (before if s_in.shape == before.shape else before.reshape(s_in.shape)).connect(s_in)
                a_out, a_in = connection.a_out, neurons.a_in
                (a_out if a_in.shape == a_out.shape else a_out.reshape(a_in.shape)).connect(a_in)
                getattr(proc, f"{layer.name}_from_{source}").alias(weights)
            for var in layer.neuron.lava_vars(own.angles):
                getattr(proc, f"{layer.name}_{var}").alias(getattr(neurons, var))
            if neurons.bias.shape == flat:
                getattr(proc, f"{layer.name}_bias").alias(neurons.bias)
        outputs[spec.visible.name].connect(proc.s_out)

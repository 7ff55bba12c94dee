"""A trained network of LIF neurons, and what remains of it with SQS neurons in their place.

``uv run python -m benchmarks.from_lif``

scikit-learn's digits, 64-32-10: a perceptron of rectified units, its weights in Lava, images as
Bernoulli trains. Prints a table in markdown; half a minute.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIFReset
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from lava_sqs import SQS, SQSSimCfg, runtime
from lava_sqs._text import markdown

#: Steps with input per image, and those of the two connections and of the reset.
STEPS, PAUSE = 32, 3

Array = NDArray[Any]


def trained(seed: int) -> tuple[list[Array], list[Array], list[float], Array, Array]:
    """Return weights, biases and the largest activation of each layer, and images to test on."""
    images, labels = load_digits(return_X_y=True)
    train, test, y, labels = train_test_split(
        images / 16, labels, test_size=300, random_state=seed, stratify=labels
    )
    net = MLPClassifier((32,), max_iter=400, random_state=seed).fit(train, y)
    weights, biases = [w.T for w in net.coefs_], list(net.intercepts_)
    hidden = np.maximum(train @ weights[0].T + biases[0], 0)
    output = np.maximum(hidden @ weights[1].T + biases[1], 0)
    return weights, biases, [float(np.quantile(x, 0.999)) for x in (hidden, output)], test, labels


def count(make: Any, weights: list[Array], peaks: list[float], trains: Array) -> Array:
    """Return the output spikes (images, 10) of input -> Dense -> layer -> Dense -> layer."""
    period = STEPS + PAUSE
    # What a spike of a hidden neuron stands for: its largest activation.
    into, between = Dense(weights=weights[0]), Dense(weights=weights[1] * peaks[0])
    hidden, output = make(0, period), make(1, period)
    RingBuffer(data=trains).s_out.connect(into.s_in)
    into.a_out.connect(hidden.a_in)
    hidden.s_out.connect(between.s_in)
    between.a_out.connect(output.a_in)
    with runtime(output, SQSSimCfg()) as net:
        seen = net.record(output.s_out)
        net.run(trains.shape[1])
    return np.asarray(seen.s_out.reshape(-1, period, 10).sum(axis=1))


def main() -> None:
    """Print the share of images that each network gets right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    weights, biases, peaks, images, labels = trained(args.seed)
    images, labels = images[: args.images], labels[: args.images]
    rng = np.random.default_rng(args.seed)
    trains = np.zeros((len(images), STEPS + PAUSE, 64))
    trains[:, :STEPS] = rng.random((len(images), STEPS, 64)) < images[:, None]
    trains = trains.reshape(-1, 64).T.astype(int)

    def lif(layer: int, period: int) -> LIFReset:
        bias, vth = biases[layer], peaks[layer]
        return LIFReset(
            shape=bias.shape, du=1.0, dv=0.0, bias_mant=bias, vth=vth,
            reset_interval=period, reset_offset=1,
        )  # fmt: skip

    def sqs(**how: Any) -> Any:
        def make(layer: int, period: int) -> SQS:
            bias, vth = biases[layer], peaks[layer]
            scaled = {"current_scale": 1 / vth, "bias": bias / vth} if how["scaled"] else {}
            more = {key: value for key, value in how.items() if key != "scaled"}
            resets = {"reset_interval": period, "reset_offset": 1}
            return SQS(shape=bias.shape, seed=layer, **resets, **scaled, **more)

        return make

    recipe = {"ansatz": "paper", "theta": np.zeros(3)}
    networks = {
        "LIF, as converted": lif,
        "SQS, the recipe": sqs(scaled=True, **recipe),
        "SQS, the recipe without its scale and bias": sqs(scaled=False, **recipe),
        "SQS, the scale and bias, angles drawn": sqs(scaled=True),
        "SQS, by default": sqs(scaled=False),
    }
    print(markdown("network", f"of {len(labels)} images right", head=True))
    for name, make in networks.items():
        counts = count(make, weights, peaks, trains)
        print(markdown(name, f"{(counts.argmax(axis=1) == labels).mean():.1%}"), flush=True)


if __name__ == "__main__":
    main()

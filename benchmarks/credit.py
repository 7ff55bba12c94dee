"""How well hidden neurons are told: cosine of their update with the true gradient, by epoch.

``uv run python -m benchmarks.credit`` trains networks on scikit-learn's digits with each kind of
credit and prints, after each epoch and for each hidden layer, the cosine of the hidden weights'
update with the true gradient of the expected loss, over seeds. The true one comes from flipping
every hidden spike and running again all that follows, with the same random numbers:

    dE[loss] = E sum_kt (loss given s_k(t) = 1 - loss given s_k(t) = 0) dp_k(t).
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.data import load_digits
from lava_sqs.network import SQSNN
from lava_sqs.network.count import class_logits, count_gradient, counted_steps
from lava_sqs.network.simulate import Delayed, LayerTrace, currents, forward
from lava_sqs.network.spec import INPUT, NetworkSpec, Parameters

Array = NDArray[Any]


def true_gradient(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    labels: Array,
    n_classes: int,
    inverse_temperature: float,
    rng: np.random.Generator,
) -> dict[str, Array]:
    """Ascent direction of E log q_y by the weights of each hidden layer from its first source."""
    steps, batch = len(inputs) + spec.depth, inputs.shape[1]
    uniforms = [rng.random((steps, batch, la.size)) for la in spec.layers]
    traces = forward(spec, parameters, inputs, uniforms)
    counted = counted_steps(spec, steps, batch)
    trains = {INPUT: Delayed(inputs, steps)}
    trains |= {
        la.name: Delayed(t.out.spikes, steps) for la, t in zip(spec.layers, traces, strict=True)
    }

    def log_q(changed: int, spikes: Array) -> Array:
        """Run what is above layer *changed* again."""
        now = dict(trains)
        now[spec.layers[changed].name] = Delayed(spikes, steps)
        for i in range(changed + 1, len(spec.layers)):
            layer = spec.layers[i]
            own = parameters[layer.name]
            z = currents(own, {s: now[s] for s in layer.sources})
            out = layer.neuron.run(own.angles, z, uniforms[i])
            now[layer.name] = Delayed(out.spikes, steps)
        a = class_logits(LayerTrace({}, z, out), n_classes, inverse_temperature, counted)
        a -= a.max(axis=1, keepdims=True)
        return np.asarray((a - np.log(np.exp(a).sum(axis=1, keepdims=True)))[range(batch), labels])

    found = {}
    for i, (layer, trace) in enumerate(zip(spec.layers[:-1], traces, strict=False)):
        gain, own = np.zeros(trace.z.shape), parameters[layer.name]
        for k in range(layer.size):
            one = slice(k, k + 1)
            angles, z, u = own.angles[one], trace.z[:, :, one], uniforms[i][:, :, one]
            for t in range(steps - 1):
                ends = []
                for bit in (1, 0):
                    clamp = np.full(z.shape, -1, np.int8)
                    clamp[:t], clamp[t] = trace.out.spikes[:t, :, one], bit
                    spikes = trace.out.spikes.copy()
                    spikes[:, :, one] = layer.neuron.run(angles, z, u, clamp).spikes
                    ends.append(log_q(i, spikes))
                gain[t, :, k] = ends[0] - ends[1]
        signal = gain * (trace.out.spikes + trace.out.p_spike - 1)
        _, d_z = layer.neuron.score(own.angles, trace.z, trace.out.spikes, signal)
        found[layer.name] = trace.history[layer.sources[0]].correlated(d_z) / batch
    return found


def cosine(a: Array, b: Array) -> float:
    """Cosine of two arrays."""
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def cosines(clf: SQSNN, X: Array, labels: Array, credit: str, seed: int) -> list[float]:
    """Cosine per hidden layer with the true gradient; both over the same samples."""
    rng = np.random.default_rng(seed)
    spec, parameters = clf.spec_, clf.parameters_
    inputs = clf._inputs.encode(X, rng.random).transpose(1, 0, 2)
    beta, n_classes = 1 / clf.temperature_, len(clf.classes_)
    true = true_gradient(spec, parameters, inputs, labels, n_classes, beta, rng)
    told = count_gradient(
        spec, parameters, inputs, labels, n_classes, rng, inverse_temperature=beta,
        credit=credit, back=clf.feedback_ if credit == "aligned" else clf._fixed, n_draws=4,
    ).gradient  # fmt: skip
    return [cosine(told[la.name].weights[la.sources[0]], true[la.name]) for la in spec.layers[:-1]]


def main() -> None:
    """Print the table."""
    from lava_sqs.network.gradient import feedback_weights

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--samples", type=int, default=300, help="that the gradients are over")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--hidden", type=int, nargs="+", default=[12])
    parser.add_argument("--steps", type=int, default=5, help="T")
    args = parser.parse_args()
    data = load_digits()
    print(f"digits, hidden {args.hidden}, T = {args.steps}; epoch by epoch, one column per layer")
    for credit in ("aligned", "symmetric", "feedback"):
        rows: list[list[list[float]]] = []
        for seed in range(args.seeds):
            clf = SQSNN(
                tuple(args.hidden), input_kind="static", n_steps=args.steps, credit=credit,
                epochs=1, warm_start=True, schedule="constant", random_state=seed,
            )  # fmt: skip
            rows.append([])
            for _ in range(args.epochs):
                clf.fit(data.x_train, data.y_train)
                rng = np.random.default_rng(np.random.SeedSequence(clf.seed_, spawn_key=(7, 2, 0)))
                clf._fixed = feedback_weights(clf.spec_, rng)  # as the trainer draws them
                n = args.samples
                rows[-1].append(cosines(clf, data.x_train[:n], data.y_train[:n], credit, seed))
        table = np.array(rows)  # (seeds, epochs, layers)
        for epoch in range(args.epochs):
            cells = [
                f"{table[:, epoch, i].mean():.2f} [{table[:, epoch, i].min():.2f}, "
                f"{table[:, epoch, i].max():.2f}]"
                for i in range(table.shape[2])
            ]
            print(f"{credit:<10} epoch {epoch + 1}  {'  '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()

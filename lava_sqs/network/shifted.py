"""One random term of the parameter-shift rule per run: see :mod:`lava_sqs.network.device_rules`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.network.gradient import _collected, _nothing
from lava_sqs.network.rewards import Reward
from lava_sqs.network.sampler import Run, Sampler, from_rows, learns, only, run_on, to_rows
from lava_sqs.network.simulate import LayerTrace
from lava_sqs.network.spec import LayerSpec, NetworkSpec, Parameters
from lava_sqs.neurons.base import RunOut
from lava_sqs.quantum.scores.shifts import one_angle_per_gate, shift_rule

__all__: list[str] = []

Array = NDArray[Any]


class _Lots:
    """One term of the shift rules of a circuit for each of R runs, drawn by its weight.

    Parameters
    ----------
    circuit : Ansatz
    angles : ndarray, shape (R, n)
    z : ndarray, shape (R, S, N)
        Currents of each step.
    last : ndarray of int, shape (R,)
        How many steps matter.
    rng : Generator
        Source of random numbers.
    """

    def __init__(
        self, circuit: Any, angles: Array, z: Array, last: Array, rng: np.random.Generator
    ) -> None:
        runs, steps, n_io = z.shape
        # An angle may belong to several gates: the rule holds for each of them, in each step, by
        # itself.
        self.circuit, rows = one_angle_per_gate(circuit, angles)
        moving = [i for i, gate in enumerate(circuit.gates) if gate.param is not None]
        scales = np.array([circuit.gates[i].scale for i in moving])
        # A shift after the last step that the reward reads has the derivative 0: no lot for it.
        matters = (np.arange(steps) < last[:, None])[:, :, None]  # (R, S, 1)
        # |c_r| of a rule add up to 1, with two terms as with four, so the weight of an occurrence
        # is |scale| alone, and pi for a current, whose angle is pi z. At z <= 0 there is no gate.
        weights = np.concatenate(
            [matters * np.abs(scales), np.pi * (matters & (z > 0))], axis=2
        ).reshape(runs, -1)
        self.total: Array = np.asarray(weights.sum(axis=1))
        upto = np.cumsum(weights, axis=1)
        # Inverse transform: the number of cumulative weights <= u. The minimum below is for a u
        # that rounds up to the total.
        lot = (rng.random(size=(runs,)) * self.total)[:, None] >= upto
        t, what = np.divmod(np.minimum(lot.sum(axis=1), upto.shape[1] - 1), len(moving) + n_io)
        self.theta = np.repeat(rows[:, None], steps, axis=1)
        self.z = np.array(z)
        self.t: Array = t
        self.sign: Array = np.ones(runs)
        self.param: Array = np.full(runs, -1)
        self.channel: Array = what - len(moving)
        # For the term of the rule that is drawn: which sign of a current's shift, or which c_r.
        draws: Array = rng.random(size=(runs,))
        for r in range(runs):
            if self.channel[r] >= 0:
                up = draws[r] < 0.5
                moved = z[r, t[r], self.channel[r]] + (0.5 if up else -0.5)
                # a full turn more is the same, and a current of 0 or less would be no gate
                self.z[r, t[r], self.channel[r]] = moved if moved > 0 else moved + 2
                self.sign[r] = 1 if up else -1
                continue
            gate = circuit.gates[moving[what[r]]]
            terms = shift_rule(gate)
            upto_term = np.cumsum([abs(c) for c, _ in terms])
            # Drawn by |c|, so the estimate keeps c's sign only.
            c, by = terms[min(int((draws[r] >= upto_term).sum()), len(terms) - 1)]
            self.theta[r, t[r], moving[what[r]]] += by
            self.sign[r] = 1.0 if c * gate.scale > 0 else -1.0
            self.param[r] = gate.param
        # A run in which nothing could be shifted has no gradient.
        self.sign *= self.total > 0

    def spikes(self, sampler: Sampler) -> Array:
        """Return what the device says, (R, S, N)."""
        return sampler(self.circuit, self.theta, self.z)

    def gradient(self, worth: Array, n_params: int) -> tuple[Array, Array]:
        """Return the estimates (R, n) by angles and (R, S, N) by currents, of rewards (R,)."""
        # Importance weighting: term r is drawn with probability |c_r| / total, so its worth counts
        # total times its sign.
        found = self.sign * self.total * worth
        d_angles, d_z = np.zeros((len(found), n_params)), np.zeros(self.z.shape)
        of_angle, of_z = (self.param >= 0).nonzero()[0], (self.channel >= 0).nonzero()[0]
        d_angles[of_angle, self.param[of_angle]] = found[of_angle]
        d_z[of_z, self.t[of_z], self.channel[of_z]] = found[of_z]
        return d_angles, d_z


def shifted_gradient(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    reward: Reward,
    sampler: Sampler,
    rng: np.random.Generator,
    train_hidden: bool,
) -> tuple[list[LayerTrace], Parameters]:
    def plain(layer: LayerSpec, z: Array) -> tuple[RunOut, Any]:
        return only(sampler.layer(layer, parameters[layer.name].angles, z)), None

    traces = run_on(spec, parameters, inputs, plain)
    said = traces[-1].out.spikes
    steps, batch = said.shape[:2]
    last = _last(reward, steps, batch)
    gradient = {}
    for layer, trace in zip(spec.layers, traces, strict=True):
        own = parameters[layer.name]
        if not learns(spec, layer, train_hidden):
            gradient[layer.name] = _nothing(own)
            continue
        size, n = layer.size, own.angles.shape[1]
        rows = to_rows(trace.z, size).reshape(batch, size, steps, -1)
        if layer is spec.visible:
            # Given the currents, visible neurons are independent: each learns from one more run.
            chosen = np.arange(size)[None].repeat(batch, axis=0)  # (B, n_chosen)
        else:
            # The change of a hidden train has to be run through all later layers: one neuron per
            # sample, chosen at random, and its gradient times `size`.
            chosen = rng.integers(size, size=(batch, 1))
        which = (np.arange(batch)[:, None], chosen)
        neuron: Any = layer.neuron
        lots = _Lots(
            neuron.ansatz,
            own.angles[chosen].reshape(-1, n).astype(float),
            rows[which].reshape(-1, steps, rows.shape[3]),
            # A hidden spike of the last step that is read arrives after it: one step fewer matters.
            np.repeat(last - (layer is not spec.visible), chosen.shape[1]),
            rng,
        )
        shifted = lots.spikes(sampler)
        if layer is spec.visible:
            more = from_rows(shifted, size).reshape(steps, batch, size, -1).sum(axis=3, dtype=float)
            more -= said.reshape(steps, batch, size, -1).sum(axis=3)
            # The baseline is the reward if the neuron had said what it usually does: it does not
            # know the lot.
            usually = reward.usual(said, size) - said.reshape(steps, batch, size, -1).sum(axis=3)
            worth = reward.instead(said, more) - reward.instead(said, usually)
        else:
            other = _again(spec, parameters, inputs, reward, traces, layer, which, shifted, plain)
            worth = other[:, None] * size
        d_angles, d_rows = lots.gradient(worth.reshape(-1), n)
        full_angles = np.zeros((batch, size, n))
        full_rows = np.zeros(rows.shape)
        full_angles[which] = d_angles.reshape(*chosen.shape, n)
        full_rows[which] = d_rows.reshape(*chosen.shape, *d_rows.shape[1:])
        d_z = from_rows(full_rows.reshape(-1, *rows.shape[2:]), size) / batch
        gradient[layer.name] = _collected(trace, full_angles.mean(axis=0), d_z, d_z)
    return traces, gradient


def _again(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    reward: Reward,
    traces: list[LayerTrace],
    layer: LayerSpec,
    which: tuple[Array, Array],
    shifted: Array,
    plain: Run,
) -> Array:
    """Return the rewards (B,), less a baseline, of one hidden neuron's other train per sample."""
    index = spec.index(layer.name)
    given = {la.name: tr.out.spikes for la, tr in zip(spec.layers[:index], traces, strict=False)}
    rows = to_rows(traces[index].out.spikes, layer.size)
    rows = rows.reshape(-1, layer.size, *rows.shape[1:]).copy()
    rows[which] = shifted[:, None]
    given[layer.name] = from_rows(rows.reshape(-1, *rows.shape[2:]), layer.size)
    found = run_on(spec, parameters, inputs, plain, given=given)
    # the plain trains were drawn before, so their reward is a baseline; of the lot it knows nothing
    value = reward.value(found[-1].out.spikes) - reward.value(traces[-1].out.spikes)
    return np.asarray(value.sum(axis=0))


def _last(reward: Reward, steps: int, batch: int) -> Array:
    """Return how many steps of each sample its reward may depend on, (B,)."""
    reading = reward.reading
    if reading.share is None:
        shown = reward.share > 0
        ends = shown.shape[0] - shown[::-1].argmax(axis=0)
        return np.asarray(np.where(shown.any(axis=0), reading.first + ends, 0))
    counts = reading.share > 0
    return np.asarray(np.where(counts.any(axis=0), steps - counts[::-1].argmax(axis=0), 0))

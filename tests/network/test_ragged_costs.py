"""Steps after a sample's own end cost nothing, are worth nothing, and are not counted."""

import numpy as np
import pytest

from lava_sqs.network import SQSNN, LIFNeuron, SQSNeuron, SQSNNRegressor, feed_forward
from lava_sqs.network.count import count_gradient
from lava_sqs.network.gradient import (
    class_codes,
    feedback_weights,
    initialise,
    local_gradient,
    target_trains,
)
from lava_sqs.network.regression import READOUT, Reading, initial_readout, regression_gradient
from lava_sqs.network.sequences import counted_steps
from lava_sqs.quantum import ansatz

OWN, LONG = 5, 12


def gradient(rule, steps, neuron, sizes, credit, n_draws=1, **options):
    """Return what a batch of OWN steps teaches that is padded to *steps*, with equal draws."""
    spec = feed_forward(3, sizes, 4, neuron)
    rng = np.random.default_rng(0)
    inputs = np.zeros((steps, 6, 3))
    inputs[:OWN] = rng.random((LONG, 6, 3))[:OWN]
    # Starting values see the same inputs, whatever the padding.
    start = initialise(spec, inputs[:OWN], np.random.default_rng(1))
    start[READOUT] = initial_readout(1, 4, np.random.default_rng(2))
    own = np.repeat([np.arange(steps) < OWN], 6, axis=0)
    counted = counted_steps(own, spec.lag("visible"), spec.depth)
    lasts = np.arange(steps + spec.depth)[:, None] < np.full(6, OWN + spec.depth)
    labels = np.arange(6) % 2
    back = feedback_weights(spec, np.random.default_rng(3)) if credit == "feedback" else None
    draws = Draws()
    given = {"n_draws": n_draws, "sparsity": 0.3, "lasts": lasts, **options}
    if rule == "count":
        more = {"counted": counted, "inverse_temperature": 1.0, "credit": credit, "back": back}
        found = count_gradient(spec, start, inputs, labels, 2, draws, **more, **given)
    elif rule == "values":
        share = counted / counted.sum(axis=0)
        reading = Reading(0.0, spec.lag("visible"), steps, share)
        more = {"credit": credit, "back": back}
        values = labels[None, :, None].astype(float)
        found = regression_gradient(spec, start, inputs, values, draws, reading, **more, **given)
    else:
        clamp = target_trains(spec, class_codes(2, "one-hot", 2), labels, inputs, counted)
        found = local_gradient(spec, start, inputs, clamp, draws, feedback=back, **given)
    return found


class Draws:
    """A generator whose numbers of a step do not depend on how many steps there are."""

    def __init__(self):
        self.layer = 0

    def random(self, shape):
        self.layer += 1
        return np.stack([
            np.random.default_rng((self.layer, t)).random(shape[1:]) for t in range(shape[0])
        ])  # fmt: skip


@pytest.mark.parametrize("neuron", [SQSNeuron(ansatz.paper()), LIFNeuron()], ids=["sqs", "lif"])
@pytest.mark.parametrize("sizes", [(3,), (3, 2)])
@pytest.mark.parametrize(
    ("rule", "credit"),
    [
        *[("count", credit) for credit in ("symmetric", "feedback", "score")],
        *[("values", credit) for credit in ("symmetric", "feedback", "score")],
        *[("likelihood", credit) for credit in ("feedback", "score")],
    ],
)
@pytest.mark.parametrize("n_draws", [1, 2])
def test_padding_changes_nothing_that_is_learned(rule, credit, sizes, neuron, n_draws):
    short, long = (gradient(rule, steps, neuron, sizes, credit, n_draws) for steps in (OWN, LONG))
    assert short.spikes == long.spikes
    np.testing.assert_allclose(short.log_likelihood, long.log_likelihood, rtol=1e-12)
    for name, own in short.gradient.items():
        for key, array in own.arrays().items():
            other = long.gradient[name].arrays()[key]
            np.testing.assert_allclose(array, other, rtol=1e-9, atol=1e-12, err_msg=f"{name} {key}")
    without = gradient(rule, LONG, neuron, sizes, credit, n_draws, lasts=None)
    assert without.spikes > long.spikes  # as it was
    hidden = [g.gradient["hidden0"].bias for g in (without, long)]
    assert not np.allclose(*hidden)


@pytest.mark.parametrize(
    ("kind", "objective"),
    [(SQSNN, {}), (SQSNN, {"objective": "likelihood"}), (SQSNNRegressor, {})],
)
def test_spikes_per_sample_in_training_are_those_of_inference(kind, objective):
    """With one long sample among short ones, or padding would be most of what is counted."""
    rng = np.random.default_rng(0)
    x = [rng.random((100 if i == 0 else 4, 2)) for i in range(40)]
    net = kind((6,), input_kind="sequence", epochs=2, batch_size=20, learning_rate=1e-6)
    net.set_params(random_state=0, **objective).fit(x, np.arange(40) % 2)
    last = net.spikes_curve_[-1]
    if not objective:  # nobody is clamped
        assert last == pytest.approx(net.spikes_per_inference_, rel=0.25)
    most = sum(len(s) + net.spec_.depth for s in x) * sum(la.size for la in net.spec_.layers) / 40
    assert last <= most

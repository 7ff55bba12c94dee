r"""Local learning of what a network says when it runs free: the cross-entropy of spike counts.

Visible neurons are not clamped. Every class k has a score, its neurons' spikes over the steps that
count, times an inverse temperature; half of each spike is drawn and half is what was expected of it
given all that happened before, which is less noisy and known to the neuron as well:

.. math::

    a_k = \beta \sum_t \tfrac12 \bigl(s_k(t) + p_k(t)\bigr), \qquad
    q = \mathrm{softmax}(a), \qquad \ell = -\log q_y .

*What is broadcast*: one number per class and sample, :math:`\delta_k = \beta (1[k = y] - q_k)`, to
the neurons of the class only. *What is local*: each visible neuron raises its own probability of a
spike where that is positive, by the exact score of its own train,

.. math::

    \Delta\theta_k \propto \sum_t \delta_k \frac{\partial p_k(t)}{\partial\theta}, \qquad
    \frac{\partial p}{\partial\theta} = (s + p - 1)\, \frac{\partial \log p(s)}{\partial\theta},

with the score by its current as its error :math:`e_k(t)`: what a spike that arrives in step t does
to all that the neuron says from then on, by way of its memory. A hidden neuron hears the errors of
the neurons that it drives, one step later, through feedback weights ``B`` of its own,

.. math::

    \Delta\theta_h \propto \sum_t \Bigl(\sum_k B_{hk}\, e_k(t + 1) - \lambda\Bigr)
    \frac{\partial p_h(t)}{\partial\theta},

and no further: its error is again the score by its current, of which its own memory is a part.

``credit="aligned"``: ``B`` is learned where it is, by the very product of pre and post that changes
the forward weight w (the error that it heard, times its own spike), and both decay. What they
started from is forgotten, and they come to agree without ever being compared (Kolen and Pollack
[1]_, [2]_). ``"symmetric"``: ``B = w``, which no hardware has: the reference. ``"feedback"``: fixed
random numbers from every visible neuron (direct feedback alignment [3]_). ``"score"``: one number
for all, :math:`\log q_y` less its mean over the other draws of the same input, times the exact
score of the neuron's own train: unbiased and noisy.

In the terms of e-prop [4]_ the exact own score is the eligibility, here without truncation, and the
sum over errors is the learning signal. What is left out is how a neuron's spike changes, by its own
measurement, what it says later, and what a hidden spike does over two or more connections at once
in ``"feedback"``.

A recurrent layer is one of its own sources: its weights from itself get the same product as all
others, the error :math:`e_h(t)` of the neuron that they drive times the spike that arrived,
:math:`s_j(t - 1)`. What is left out is the same for all credits but ``"score"``: a hidden neuron
hears the errors of other layers only, none by way of its own. So what its spike of step t does to
the spikes of its layer from t + 1 on, and through them to the visible neurons, has no part in what
the spike is told to be worth; through memories, its own and those of the neurons that it drives in
other layers, time is not cut anywhere. e-prop cuts at the same place. ``"score"`` leaves out
nothing: given all spikes, the law of the trains is a product over neurons and steps, and the sum of
the exact scores times :math:`\log q_y` is unbiased (tested over all trains of a small network).

A neuron applies no gate where z <= 0 and then learns nothing, not even that it should have spoken.
So a visible neuron that should spike more is pulled up there by ``PULL`` times the signal, and
scores by currents are held to ``BOUND`` times :math:`\beta`: near z = 0 they have none (ours).
Hidden neurons that hear no input, but only other hidden neurons, are pulled by ``PULL_BEHIND``:
samples differ less there, and without it whole layers fall silent for all of them, for good.

.. [1] J. F. Kolen, J. B. Pollack, "Backpropagation without weight transport", ICNN 1994.
.. [2] M. Akrout et al., "Deep learning without weight transport", arXiv:1904.05391.
.. [3] A. Nøkland, arXiv:1609.01596.
.. [4] G. Bellec et al., Nature Communications 11, 3625 (2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from lava_sqs.network import sequences
from lava_sqs.network.credit import (
    BOUND,
    PULL,
    PULL_BEHIND,
    Back,
    aligned_weights,
    from_value,
    run_free,
)
from lava_sqs.network.gradient import BatchResult, _less_baseline, tallied
from lava_sqs.network.simulate import LayerTrace
from lava_sqs.network.spec import READOUT, LayerParams, NetworkSpec, Parameters
from lava_sqs.network.timed import gradient_of, triangles, weights_of

__all__ = [
    "BOUND",
    "PULL",
    "PULL_BEHIND",
    "aligned_weights",
    "class_logits",
    "count_gradient",
    "counted_steps",
]

Array = NDArray[Any]


def counted_steps(spec: NetworkSpec, steps: int, batch: int) -> Array:
    """Return which steps count, (S, B): all from the first that the input can have reached.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    steps : int
        S = T + depth.
    batch : int
        B, the number of samples.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> counted_steps(feed_forward(3, (), 2, LIFNeuron()), 3, 1).ravel()
    array([0., 1., 1.])
    """
    own = np.ones((batch, steps - spec.depth), dtype=bool)
    return sequences.counted_steps(own, spec.lag(spec.visible.name), spec.depth)


def class_logits(
    visible: LayerTrace, n_classes: int, inverse_temperature: float, counted: Array
) -> Array:
    """Return the class scores a (B, n_classes) of free visible trains: see the top.

    Parameters
    ----------
    visible : LayerTrace
        Trains and probabilities of C channels; those of a class side by side.
    n_classes : int
        Number of classes.
    inverse_temperature : float
        beta, the inverse of the temperature.
    counted : ndarray, shape (S, B)
        Weight of each step.

    Examples
    --------
    >>> from lava_sqs.neurons.base import RunOut
    >>> out = RunOut(np.array([[[1, 0]]]), np.array([[[0.5, 0.25]]]), np.zeros(0))
    >>> class_logits(LayerTrace({}, np.zeros((1, 1, 2)), out), 2, 2.0, np.ones((1, 1)))
    array([[1.5 , 0.25]])
    """
    said = 0.5 * (visible.out.spikes + visible.out.p_spike)
    counts = np.einsum("sbc,sb->bc", said, counted)
    return np.asarray(inverse_temperature * counts.reshape(len(counts), n_classes, -1).sum(axis=2))


def count_gradient(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    labels: Array,
    n_classes: int,
    rng: np.random.Generator,
    *,
    inverse_temperature: float,
    credit: str = "symmetric",
    back: Back | Mapping[str, Array] | None = None,
    counted: Array | None = None,
    lasts: Array | None = None,
    n_draws: int = 1,
    sparsity: float = 0.0,
    window: int | None = None,
    train_hidden: bool = True,
    held: bool = True,
    dtype: Any = None,
    timed: LayerParams | None = None,
    run: Any = run_free,
) -> BatchResult:
    """Return the local rule's gradient of a mini-batch that runs free.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    parameters : Parameters
        Weights, angles and biases of each layer.
    inputs : ndarray, shape (T, B, M)
        Encoded samples, time first.
    labels : ndarray of int, shape (B,)
        Indices of classes.
    n_classes : int
        Number of classes.
    rng : Generator
        Generator of the spikes.
    inverse_temperature : float
        beta, the inverse of the temperature.
    credit : {"aligned", "symmetric", "feedback", "score"}
        What tells hidden neurons the worth of their spikes.
    back : dict, optional
        Feedback weights: those of :func:`aligned_weights` for credit ``"aligned"``, for
        ``"feedback"`` those of :func:`~lava_sqs.network.gradient.feedback_weights`.
    counted : ndarray, shape (S, B), optional
        Weight of each step; None: as for :func:`counted_steps`.
    lasts : ndarray of bool, shape (S, B), optional
        Which steps belong to each sample: spikes in others are not looked at. None: all.
    n_draws : int
        How often each input is shown at once.
    sparsity : float
        lambda, the cost of one hidden spike in nats.
    window : int, optional
        Steps back that a synapse is credited for; None: all.
    train_hidden : bool
        False leaves the hidden layers as they are.
    held : bool
        False: the exact scores by currents everywhere.
    dtype : float32 or float64, optional
        Precision of batches, see :func:`~lava_sqs.network.simulate.forward`; *inputs* have it too.
    timed : LayerParams, optional
        Weights of the readout in time, which are learned as well: *counted* times those is what a
        spike counts (:mod:`lava_sqs.network.timed`).
    run : callable
        What makes the traces, as for :func:`~lava_sqs.network.credit.run_free`; a device can.

    Returns
    -------
    BatchResult
        ``log_likelihood`` is log q_y per sample.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> from lava_sqs.network.gradient import initialise
    >>> net, rng = feed_forward(3, (4,), 2, LIFNeuron()), np.random.default_rng(0)
    >>> inputs = np.ones((5, 8, 3))
    >>> start = initialise(net, inputs, rng)
    >>> batch = count_gradient(
    ...     net, start, inputs, np.arange(8) % 2, 2, rng, inverse_temperature=1.0)
    >>> batch.gradient["hidden0"].weights["input"].shape, batch.log_likelihood.shape
    ((4, 3), (8,))
    """
    steps, batch = len(inputs) + spec.depth, inputs.shape[1]
    traces = run(spec, parameters, inputs, rng, n_draws, dtype)
    counted = counted_steps(spec, steps, batch) if counted is None else counted
    counted = np.tile(counted, (1, n_draws))
    h = None
    if timed is not None:
        h = triangles(counted)
        counted = weights_of(timed, h)
    lasts = None if lasts is None else np.tile(lasts, (1, n_draws))
    truth = np.tile(labels, n_draws)

    log_q, told = _broadcast(traces[-1], truth, n_classes, inverse_temperature, counted)
    value = told * counted[:, :, None]  # (S, B, C)

    gradient = from_value(
        spec,
        parameters,
        traces,
        value,
        scale=inverse_temperature * (1.0 if timed is None else float(counted.max())),
        credit=credit,
        back=back,
        worth=_less_baseline(log_q[None], n_draws),
        lasts=lasts,
        sparsity=sparsity,
        window=window,
        train_hidden=train_hidden,
        held=held,
        dtype=dtype,
    )
    if h is not None:
        said = 0.5 * (traces[-1].out.spikes + traces[-1].out.p_spike)
        gradient[READOUT] = gradient_of(told, said, h)
    return BatchResult(
        gradient,
        log_q.reshape(n_draws, batch).mean(axis=0),
        *tallied(traces, lasts),
    )


def _broadcast(
    visible: LayerTrace, truth: Array, n_classes: int, inverse_temperature: float, counted: Array
) -> tuple[Array, Array]:
    """Return log q_y (B,), and what each visible channel is told, delta (B, C)."""
    logits = class_logits(visible, n_classes, inverse_temperature, counted)
    log_q = log_softmax(logits, axis=1)
    # d log q_y / d a_k = 1[k = y] - q_k.
    told = -np.exp(log_q)
    rows = np.arange(len(truth))
    told[rows, truth] += 1.0
    per_class = visible.z.shape[2] // n_classes
    return log_q[rows, truth], inverse_temperature * np.repeat(told, per_class, axis=1)

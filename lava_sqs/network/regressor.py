"""SQSNNRegressor: values and time series from spikes, as a scikit-learn regressor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lava_sqs.network.layers import Layer
from lava_sqs.network.outputs import _Regressor
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import Ansatz, NoiseModel

__all__ = ["SQSNNRegressor"]


class SQSNNRegressor(_Regressor):
    r"""Regressor made of stochastic quantum spiking neurons that learn locally.

    Layers as in :class:`~lava_sqs.SQSNN`, of which the last, visible one has `n_readout` neurons. A
    linear readout weighs their spikes: averaged over the steps of a sample for one value per
    sample, or as leaky traces for one value per time step, which is how series are predicted. In
    training the network runs free; the readout learns by the delta rule, each visible neuron is
    told its own readout weights times the errors, and hidden neurons hear the errors of those that
    they drive. The rules are written out in :mod:`lava_sqs.network.regression`.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default (64,)
        Neurons per hidden layer; may be empty.
    n_readout : int
        Visible neurons. The noise of a single shot falls with the square root of their number.
    time_constant : float
        Time constant of the traces, in time steps: a spike counts exp(-1 / time_constant) of what
        it did a step ago. 0: only the step itself counts. For one value per step.
    per_step : bool, optional
        Whether y has one value per time step of X. None is True for sequences and spikes where y
        is (n, T) or (n, T, n_outputs) with the T of X (or a list, as X), else False.
    memory_qubits, ansatz, layers, neuron, noise, shots, rule, window
        See :class:`~lava_sqs.SQSNN`.
    input_kind, channels_first, encoder, scaling, n_steps, n_population, skip, recurrent
        See :class:`~lava_sqs.SQSNN`; the default encoder, ``"current"``, adds no noise.
    readout_from : float
        See :class:`~lava_sqs.SQSNN`, for one value per sample.
    epochs, updates, batch_size, dtype, optimizer
        See :class:`~lava_sqs.SQSNN`.
    learning_rate, hidden_learning_rate, angle_learning_rate, schedule, weight_decay
        See :class:`~lava_sqs.SQSNN`; weights of the readout decay, too.
    readout_learning_rate : float, optional
        Learning rate of the readout; None is `learning_rate`.
    credit, n_draws, sparsity
        See :class:`~lava_sqs.SQSNN`.
    early_stopping, validation_fraction, n_iter_no_change
        See :class:`~lava_sqs.SQSNN`, by R^2.
    random_state, verbose, augment, callbacks, log, warm_start, checkpoint, resume
        See :class:`~lava_sqs.SQSNN`.

    Attributes
    ----------
    spec_ : NetworkSpec
        Description of the fitted network.
    parameters_ : dict of str to LayerParams
        Weights, bias currents and angles per layer, and ``"readout"``: weights of ``"visible"``,
        shape (n_outputs, n_readout), and a bias, in units of the targets' standard deviation.
    target_mean_, target_std_ : ndarray, shape (n_outputs,)
        Mean and standard deviation of the targets of the first fit, by which they are standardised.
    per_step_ : bool
        Whether there is one value per time step.
    n_outputs_ : int
        Number of values that are predicted.
    loss_curve_ : list of float
        Mean squared error of a single shot per epoch, in units of the targets' variance: 1 is what
        their mean would do.
    score_curve_ : list of float
        R^2 of a single shot on held-out data with `early_stopping`, else on up to 512 training
        samples.
    n_parameters_, n_biases_, spikes_per_inference_, scaling_, interrupted_, seed_
        See :class:`~lava_sqs.SQSNN`, with the readout.
    n_iter_, n_updates_, learning_rate_
        See :class:`~lava_sqs.SQSNN`.

    Raises
    ------
    TypeError, ValueError
        If an argument or the data have the wrong type or value; raised by `fit` and `predict`.

    Notes
    -----
    One value per step is causal: the prediction of a step hears the input up to this step and
    nothing later. Every step that has a value in y is a sample's own, zeros included, unless
    `lengths` or `mask` say otherwise.

    Inference is random, yet repeats, and parameters are kept, as for :class:`~lava_sqs.SQSNN`.

    Examples
    --------
    >>> import numpy as np
    >>> from lava_sqs.data import windows
    >>> series = np.sin(np.arange(300) / 4)
    >>> X, y = windows(series, 20)
    >>> X.shape, y.shape
    ((280, 20, 1), (280, 20))
    >>> net = SQSNNRegressor((), n_readout=60, input_kind="sequence", epochs=8, random_state=0)
    >>> net.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.5
    True
    """

    # long: one argument, one line: scikit-learn wants each as an attribute.
    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (64,),
        *,
        n_readout: int = 100,
        time_constant: float = 0.0,
        per_step: bool | None = None,
        memory_qubits: int | None = None,
        ansatz: str | Ansatz = "layered",
        layers: int | Sequence[Layer] | None = None,
        neuron: str = "sqs",
        noise: NoiseModel | None = None,
        shots: int = 20,
        rule: str = "exact",
        window: int = 1,
        input_kind: str | None = None,
        channels_first: bool | None = None,
        encoder: str = "current",
        scaling: str = "minmax",
        n_steps: int = 10,
        n_population: int = 5,
        skip: bool = True,
        recurrent: bool = False,
        readout_from: float = 0.0,
        epochs: int | None = None,
        updates: int | None = None,
        batch_size: int = 32,
        dtype: str = "float32",
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
        hidden_learning_rate: float | None = None,
        angle_learning_rate: float | None = None,
        schedule: str = "cosine",
        weight_decay: float = 0.0,
        readout_learning_rate: float | None = None,
        credit: str | None = None,
        n_draws: int | None = None,
        sparsity: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        random_state: Any = None,
        verbose: bool = False,
        augment: Any = None,
        callbacks: Any = None,
        log: str | Path | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_readout = n_readout
        self.time_constant = time_constant
        self.per_step = per_step
        self.memory_qubits = memory_qubits
        self.ansatz = ansatz
        self.layers = layers
        self.neuron = neuron
        self.noise = noise
        self.rule = rule
        self.window = window
        self.input_kind = input_kind
        self.channels_first = channels_first
        self.encoder = encoder
        self.scaling = scaling
        self.n_steps = n_steps
        self.n_population = n_population
        self.skip = skip
        self.recurrent = recurrent
        self.shots = shots
        self.readout_from = readout_from
        self.epochs = epochs
        self.updates = updates
        self.batch_size = batch_size
        self.dtype = dtype
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.hidden_learning_rate = hidden_learning_rate
        self.angle_learning_rate = angle_learning_rate
        self.readout_learning_rate = readout_learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.credit = credit
        self.n_draws = n_draws
        self.sparsity = sparsity
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.verbose = verbose
        self.augment = augment
        self.callbacks = callbacks
        self.log = log
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.resume = resume

"""SQSNN: a network of stochastic quantum spiking neurons as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lava_sqs.network.classifier import RUNTIMES, _Classifier
from lava_sqs.network.device_training import _FitsOnDevice
from lava_sqs.network.inputs import INPUT_KINDS
from lava_sqs.network.layers import Layer
from lava_sqs.network.objective import SCHEDULES
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import Ansatz, NoiseModel

__all__ = ["INPUT_KINDS", "RUNTIMES", "SCHEDULES", "SQSNN"]


class SQSNN(_FitsOnDevice, _Classifier):
    r"""Classifier made of stochastic quantum spiking neurons that learn locally.

    Layers of neurons, dense connections with a delay of one step, one or more visible neurons per
    class. A sample of T input steps occupies T + depth steps. In training the network runs free;
    visible neurons are told how far the spike counts of the classes are from the truth, hidden
    neurons the errors of those that they drive, and each follows the exact score of its own train.
    The rules are written out in :mod:`lava_sqs.network.count` and
    :mod:`lava_sqs.network.gradient`.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default (64,)
        Neurons per hidden layer; may be empty.
    memory_qubits, ansatz, layers
        The circuit, as for :class:`~lava_sqs.SQS`: a name and its sizes, or an Ansatz. A list for
        `layers` instead describes the hidden layers one by one, and replaces `hidden_layer_sizes`
        and `recurrent`, for example ``[SQSLayer(64, memory_qubits=2), LIFLayer(32)]`` of
        :mod:`lava_sqs.network.layers`. The arguments of the estimator then describe the
        visible layer (with one repetition of the circuit), and `noise` holds for all layers that
        set none.
    neuron : {"sqs", "qlif", "lif", "as_published", "classical"}
        The kind of neuron: SQS or one to compare it with, see :mod:`lava_sqs.neurons`.
    noise : NoiseModel, optional
        Noise of SQS neurons, in training and inference.
    objective : {"count", "likelihood"}, optional
        What is learned. ``"count"``: the network runs free, and ascends the log-probability of the
        class by a softmax of the classes' spike counts (:mod:`lava_sqs.network.count`).
        ``"likelihood"``: visible neurons are clamped to target trains and ascend their likelihood
        (:mod:`lava_sqs.network.gradient`), for generative use: a neuron with a memory then learns
        to continue its clamped train, and the training loss says nothing about free runs. None is
        ``"count"``, unless `targets`, `readout` or `rule` is about clamped neurons.
    temperature : float, optional
        Spike counts are divided by it before the softmax. None is twice the square root of the
        number of steps times `neurons_per_class`: several times the noise of a count.
    rule : {"exact", "window", "as-published"}
        Exact local scores; or the same with synapses that look only `window` steps back,
        which is what :class:`~lava_sqs.SQSLearningRule` on Lava's LearningDense can do (angles and
        biases stay exact, as in LearningSQS); or the rule of the published code. The last two are
        for SQS neurons.
    window : int
        Steps that synapses look back with the rule ``window``; 0 or 1 in stock Lava.
    input_kind : {"static", "sequence", "spikes"}, optional
        What X holds: features (n, ...), flattened; sequences (n, T, ...) of values; or sequences of
        spikes, 0 and 1. None is ``"static"`` for a two-dimensional X; any other X is ambiguous.
        Sequences and spikes may have different lengths, see :meth:`fit`, and in `predict` and other
        methods other lengths than in `fit`.
    channels_first : bool, optional
        True reads sequences and spikes as (n, channels, T), as UCR and UEA archives store them.
        None is False, with a warning where there are fewer time steps than channels.
    encoder : {"rate", "latency", "population", "current"}
        How values become input, see :mod:`lava_sqs.data.encoders`. Not used for spikes. Sequences
        are encoded step by step, and not by latency.
    scaling : {"minmax", "robust", "standard"}
        How features come to lie in [0, 1], beyond which they are cut off: each by its minimum and
        maximum in the training data (static unsigned integers, images, by their type's maximum);
        between the whiskers of its box plot, which outliers cannot move; or from 2.5 standard
        deviations below its mean to 2.5 above. Not used for spikes.
    n_steps : int
        T, the number of time steps of static features.
    n_population : int
        Tuning curves per feature of the encoder ``population``.
    skip : bool
        Whether the input drives the visible layer too.
    recurrent : bool
        Whether every neuron of a hidden layer hears all of its layer, one step later.
    neurons_per_class : int, optional
        Visible neurons per class (with ``targets="pairs"``, per ordered pair of classes). None is
        as many as make 50 spikes in the T steps of a sample, at most 10; for the likelihood 1.
    targets : {"one-hot", "pairs"}
        What visible neurons learn to say: each its class against all others, or each its class
        against one other, so that the spike count is a vote of n_classes - 1 neurons per class.
    shots : int
        Repetitions per step of QLIF neurons.
    readout : {"count", "likelihood"}
        Whether the class is that with most spikes (of two with the same count, the one whose last
        spike came later), or that whose target train is the likeliest.
    readout_from : float or "learned"
        Share of a sample's steps that is left out before the readout begins, in [0, 1): 0 reads all
        steps that the input can have reached, 0.5 the second half. With "learned", the weight of a
        spike is learned as a function of its time in the sample (:mod:`lava_sqs.network.timed`).
    time_constant : float
        Time constant of spike traces for labels per time step: a spike counts exp(-1 /
        time_constant) of what it did a step ago. 0: the class of a step is decided by the spikes of
        this step. See :mod:`lava_sqs.network.stepwise`.
    class_weight : dict or "balanced", optional
        How often samples of each class are shown: ``{label: weight}``, or each class equally
        often. It multiplies the `sample_weight` of `fit`.
    epochs : int, optional
        Passes through the data. None is as many as make the `updates`.
    updates : int, optional
        Mini-batches to learn from, in whole epochs, in place of `epochs`. None, of both, is 1000,
        but no fewer than 5 epochs and no more than 200.
    batch_size : int
        Number of samples per update.
    dtype : {"float32", "float64"}
        Precision of SQS neurons in inference, and in training by ``rule="exact"``. Angles, sums
        over samples, likelihoods, `simulate` and Lava are in double precision in any case.
    optimizer : {"adam", "sgd"} or Optimizer
        Rule of the updates; an :class:`~lava_sqs.optimizers.Optimizer` sets momentum and clipping
        as well.
    learning_rate : float, optional
        Size of an Adam step, in units of current and radians: steps of weights are divided by the
        length of what they multiply. None is 0.02 from 2000 updates on, and for N of them 0.02
        sqrt(2000 / N), at most 0.05; in `partial_fit` 0.02.
    hidden_learning_rate : float, optional
        Learning rate of hidden layers; None is `learning_rate`, or 0.3 of it with credit by score.
    angle_learning_rate : float, optional
        Learning rate of the neurons' own parameters, in every layer; None is 0.2 times
        `learning_rate`.
    schedule : {"cosine", "constant"}
        How the learning rate changes: it falls to 0 along a half cosine, or stays.
    weight_decay : float
        lambda: before every update all weights lose the share (learning rate) x lambda, decoupled
        from the gradient as in AdamW. Biases and angles do not decay.
    credit : {"aligned", "symmetric", "feedback", "score"}, optional
        What tells hidden neurons the worth of their spikes. ``"aligned"``: each hears the errors of
        the neurons that it drives, through feedback weights that learn as the forward ones do.
        ``"symmetric"``: through the forward weights themselves, for reference. ``"feedback"``: each
        visible neuron's error times fixed random numbers. ``"score"``: one number for all, the
        log-probability of what is learned less a baseline, which is unbiased, but too noisy for
        more than a few hidden neurons. None is ``"aligned"`` for the objective
        ``"count"``, ``"feedback"`` for the likelihood (which has neither of the first two),
        ``"score"`` with the published rule.
    n_draws : int, optional
        M, how often an input is shown at once; with credit by score the other draws are a hidden
        neuron's baseline. None is 1, or 4 with credit by score.
    sparsity : float
        Cost of a hidden spike, in nats.
    discount : float
        Factor gamma in [0, 1] by which a hidden spike's share in later visible spikes fades per
        step, with credit by score. 1 is unbiased and noisy.
    early_stopping : bool
        Hold out a part of the training data, stop when its accuracy no longer grows, and keep the
        best epoch.
    validation_fraction : float
        Share of the training data that `early_stopping` holds out.
    n_iter_no_change : int
        Number of epochs without a better accuracy on the held-out data after which
        `early_stopping` ends the training.
    random_state : int, RandomState or None
        Read by `fit`, which keeps it as ``seed_`` (drawn, for None or a RandomState): see Notes.
    verbose : bool
        Whether to report on standard error how X is read and scaled, and, on a terminal, progress.
    augment : callable, optional
        ``augment(X, rng)`` returns a varied copy of a mini-batch, for example by
        :class:`lava_sqs.data.Shift`: other values of the same shape, with NaN in the same places. X
        has time first; *rng* is a Generator, its only source of randomness. Held-out samples and
        those that measure progress are not varied. Saved files do not keep it.
    callbacks : callable or list of callable, optional
        Called after each epoch with one record of it, whose attributes are `epoch`, `updates`,
        `loss`, `score`, `validation_score`, `spikes`, `learning_rate`, `seconds` and `model`; see
        :class:`~lava_sqs.network.progress.EpochRecord`. One that returns True ends the training
        after this epoch. An exception ends `fit`, which leaves the network that was there before.
    log : path, optional
        CSV file with a row per epoch, the same numbers, written after each epoch. `fit` starts the
        file afresh, or appends to it if it continues (`warm_start`, `resume`).
    warm_start : bool
        Whether `fit` continues from where the last one ended. Layers, circuit, targets, kind of
        input and `random_state` must be those of the first fit; `noise`, `n_steps`, `shots`,
        `dtype` and the encoder may be others.
    checkpoint : path, optional
        File written after every epoch, see :meth:`load`.
    resume : bool
        Whether `fit` continues from `checkpoint`, if that file exists.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Labels, sorted.
    spec_ : NetworkSpec
        Description of the fitted network.
    per_step_ : bool
        Whether there is one class per time step.
    parameters_ : dict of str to LayerParams
        Weights, bias currents and angles per layer.
    loss_curve_ : list of float
        Loss of each epoch in nats: cross-entropy per sample, or, for the objective *likelihood*,
        negative log-likelihood per visible neuron and step.
    accuracy_curve_ : list of float
        Accuracy after each epoch, on held-out data with `early_stopping`, else on up to 512
        training samples.
    n_parameters_, n_biases_ : int
        Weights and angles; bias currents are counted apart.
    spikes_per_inference_ : float
        Spikes of all neurons per sample, on up to 512 training samples.
    n_iter_, n_updates_ : int
        Epochs and mini-batches made; mini-batches are 0 for models from files of older versions.
    learning_rate_ : float
        Learning rate at which the last training began.
    scaling_ : str
        How features were scaled, in words.
    interrupted_ : bool
        Whether Ctrl-C ended the training; the best epoch is kept then.
    seed_ : int
        The seed of all randomness, in training and inference.

    Raises
    ------
    TypeError, ValueError
        If an argument or the data have the wrong type or value; raised by `fit` and `predict`.

    Notes
    -----
    Inference is random, like the neurons, but repeatable: every sample draws from a generator keyed
    by the seed, the number of the repeat and a hash of the sample's own content (as float64). So
    neither the order of X nor how it is split matters, and equal samples get equal answers.
    `simulate`, `run_in_lava` and ``evaluate(runtime="lava")`` run samples in sequence, as a chip
    does, and draw from one stream per layer.

    All parameters are read by `fit`, as in scikit-learn. What they say about the network, its input
    and its seed is kept: changed by ``set_params`` afterwards, `random_state`, `noise`, `n_steps`,
    `encoder` and the like change nothing until the next `fit`, neither in `predict` nor in
    `simulate`, `encode`, `to_lava`, copies, pickles and saved files; using the network in between
    causes a warning. Each method takes other randomness by ``seed=`` and other noise by ``noise=``.
    `readout` and `verbose` are about using a network and take effect at once, everywhere.

    Examples
    --------
    >>> from lava_sqs.data import load_digits
    >>> data = load_digits().classes(0, 1)
    >>> clf = SQSNN((), input_kind="static", epochs=3, random_state=0)
    >>> clf.fit(data.x_train, data.y_train).score(data.x_test, data.y_test) > 0.9
    True
    """

    # long: one argument, one line: scikit-learn wants each as an attribute.
    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (64,),
        *,
        memory_qubits: int | None = None,
        ansatz: str | Ansatz = "layered",
        layers: int | Sequence[Layer] | None = None,
        neuron: str = "sqs",
        noise: NoiseModel | None = None,
        objective: str | None = None,
        temperature: float | None = None,
        rule: str = "exact",
        window: int = 1,
        input_kind: str | None = None,
        channels_first: bool | None = None,
        encoder: str = "rate",
        scaling: str = "minmax",
        n_steps: int = 10,
        n_population: int = 5,
        skip: bool = True,
        recurrent: bool = False,
        neurons_per_class: int | None = None,
        targets: str = "one-hot",
        shots: int = 20,
        readout: str = "count",
        readout_from: float | str = 0.0,
        time_constant: float = 0.0,
        class_weight: Any = None,
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
        credit: str | None = None,
        n_draws: int | None = None,
        sparsity: float = 0.0,
        discount: float = 0.5,
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
        self.memory_qubits = memory_qubits
        self.ansatz = ansatz
        self.layers = layers
        self.neuron = neuron
        self.noise = noise
        self.objective = objective
        self.temperature = temperature
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
        self.neurons_per_class = neurons_per_class
        self.targets = targets
        self.shots = shots
        self.readout = readout
        self.readout_from = readout_from
        self.time_constant = time_constant
        self.class_weight = class_weight
        self.epochs = epochs
        self.updates = updates
        self.batch_size = batch_size
        self.dtype = dtype
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.hidden_learning_rate = hidden_learning_rate
        self.angle_learning_rate = angle_learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.credit = credit
        self.n_draws = n_draws
        self.sparsity = sparsity
        self.discount = discount
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

"""The interface of the SQS neuron that learns, and tells its synapses how to."""

from __future__ import annotations

from typing import Any

import numpy as np

from lava_sqs._checks import check_choice, check_int, check_positive, check_share
from lava_sqs._errors import ArgumentValueError
from lava_sqs.optimizers import Optimizer
from lava_sqs.proc._elsewhere import LEARNING
from lava_sqs.proc._naming import parameter
from lava_sqs.proc._refusals import check_floating_pt, check_window_fits
from lava_sqs.proc.sqs.process import SQS
from lava_sqs.quantum import Ansatz
from lava_sqs.quantum.engines.choose import check_exact, check_exact_backend, exact_backend
from lava_sqs.quantum.noise.per_neuron import check_noise

__all__ = ["LearningSQS"]

ROLES = ("hidden", "visible")
SENDS = ("scores", "traces")
OBJECTIVES = ("likelihood", "count")


class LearningSQS(SQS):
    r"""SQS neurons that ascend the exact local score of their own spike trains.

    In every step each neuron computes, next to its spike s, the scores

    .. math::

        e_t = \frac{\partial \log p_t}{\partial (\theta, \mathrm{bias})}, \qquad
        \kappa_h(t) = \frac{\partial \log p_t}{\partial a_{in}(t-h)},

    exact over all steps since the last reset (see :mod:`lava_sqs.quantum.scores.online`). Angles
    and biases learn inside the Process; ``kappa`` and the signal leave through ports, for the
    weights of the connections that drive it (:func:`~lava_sqs.connect_learning`).

    Parameters
    ----------
    role : {"hidden", "visible"}
        *hidden*: the spike is drawn; ``a_third_factor_in`` carries the signal L_t of the step,
        and the angles ascend ``sum_t (L_t - baseline) E_t`` with ``E_t = gamma E_{t-1} + e_t``.
        *visible*: ``a_third_factor_in`` carries the target before the neuron measures: +1 clamps
        it to a spike, -1 to silence, 0 lets it run free. Clamped steps are learned with signal 1
        (ascending their log-likelihood), free ones not at all.
    objective : {"likelihood", "count"}
        *likelihood* is what *role* says above. *count*: nobody is clamped, as in
        ``SQSNN(objective="count")``. A sample is `reset_interval` steps long, S; the neurons
        remember their currents and spikes of the sample. In its last step ``a_third_factor_in``
        tells a visible neuron its error (see :class:`~lava_sqs.CountSoftmax`), a hidden one what a
        spike would have been worth in each step (from ``error_out`` of an
        :class:`~lava_sqs.SQSDense`). They ascend that by the exact score of their own train, and
        pass on their errors by current, of all steps, through ``kernel_out``:
        :func:`~lava_sqs.connect_count`.
    lr_theta, lr_bias : float, default 0.0
        Learning rates of angles and biases; 0 keeps them.
    lr_weights : float, default 0.0
        Learning rate of the weights, by which ``s_out_y3`` multiplies the signal.
    gamma : float, default 1.0
        Decay of the eligibility of a hidden neuron's angles, in [0, 1]; 1 is the exact
        score-function estimator.
    window : int, optional
        H, the largest lag of the kernel ``kappa_0 .. kappa_H``. ``s_out_y1`` and ``s_out_y2`` send
        the first two, ``kernel_out`` all. Default 1; the objective *count* requires S - 1.
    optimizer : {"adam", "sgd"}
        Rule of the updates.
    momentum, clip : float, optional
        See :class:`~lava_sqs.optimizers.Optimizer`; *clip* bounds the gradient of each neuron.
    update_interval : int, optional
        Steps per mini-batch: gradients are averaged over them and applied in the learning phase
        of the last one. Default 1. With the objective *count* a multiple of S, default S, and the
        average is over samples.
    baseline : float, optional
        Baseline of a hidden neuron: in (0, 1], the rate of the running mean of L_t that is
        subtracted from it. With a *reset_interval* every step since the reset has a mean of its
        own; the copies of a neuron share it. None subtracts nothing.
    sends : {"scores", "traces"}
        What leaves through ``s_out_y1``, ``s_out_y2`` and ``s_out_y3`` for the connections.
        *scores*: ``kappa_0``, ``kappa_1`` and the scaled signal, for rules that read scores.
        *traces*: what stock three-factor rules such as Lava's ``RewardModulatedSTDP`` read, as
        the ``RSTDPLIF`` of its tutorial sends it: the trace of the neuron's spikes before this
        step, the third factor unchanged, and zeros. Only for hidden neurons.
    trace_tau, trace_impulse : float, optional
        Constants of the trace, needed for ``sends="traces"``: it fades by ``exp(-1 / trace_tau)``
        per step and grows by *trace_impulse* per spike. The rule's ``post_trace_decay_tau`` and
        ``post_trace_kernel_magnitude``. A reset sets the trace to 0.
    temperature : float, optional
        What spike counts are divided by; needed for the objective *count*.
    lag : int, optional
        Lag of visible neurons with the objective *count*: the number of steps at the start of a
        sample that do not count, because no input can have arrived. It is the smallest number of
        connections from the input to the neurons. Default 1.
    pull : float, optional
        Strength for the objective *count*: a neuron that should spike more, but whose current is 0
        or less, so that it applies no gate and learns nothing, is pulled up by this share of its
        signal. Default 0.3 of visible neurons, 0 of hidden ones; :class:`~lava_sqs.network.SQSNN`
        takes 0.1 for hidden neurons that hear no input, but other hidden neurons only.
    **sqs
        Everything that :class:`~lava_sqs.SQS` takes. The engine is the compiled instrument. With
        *copies*, angles and biases learn from all copies: gradients are averaged over them, a
        mini-batch of sequences side by side.

    Attributes
    ----------
    a_third_factor_in : InPort, shape (n,)
        n is the number of channels, copies times neurons times io qubits, in the order of a_in;
        all learning ports are flat. Of hidden neurons with the objective *count* the shape is
        (S * n,), the last step first, as in ``kernel_out``.
    s_out_bap, s_out_y1, s_out_y2, s_out_y3 : OutPort, shape (n,)
        The spike, ``kappa_0``, ``kappa_1`` (per unit of a_in), and ``lr_weights`` times signal;
        with ``sends="traces"`` the spike, its trace, the third factor and zeros.
    kernel_out : OutPort, shape ((window + 1) * n,)
        ``kappa_h`` for h = 0, 1, ..., one after the other. With the objective *count*, in the last
        step of a sample: the errors by a_in of h steps before, and zeros in all others.
    log_likelihood_out : OutPort, shape (copies * neurons,)
        Log probability of the outcome just made, in nats; of a visible neuron that runs free: 0.
        Through a stock ``Dense`` it is a learning signal for hidden neurons.
    count_out : OutPort, shape (n,)
        Count of the objective *count*: (s + p) / 2 in steps that count, of which half is drawn and
        half was expected. Zeros otherwise.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value. While it runs: a third factor that is
        not finite, or a target outside {-1, 0, 1}, ends the run with a RuntimeError that names the
        Process and the step.

    Notes
    -----
    Under ``fixed_pt`` run configurations Lava clips and shifts scores, so learning there is
    refused; a trained network runs there as :class:`~lava_sqs.SQS`.

    Examples
    --------
    >>> neurons = LearningSQS(shape=(3,), role="visible", lr_theta=0.01, window=4, seed=1)
    >>> neurons.a_third_factor_in.shape, neurons.kernel_out.shape
    ((3,), (15,))
    """

    _elsewhere = LEARNING

    def __init__(
        self,
        *,
        role: str,
        objective: str = "likelihood",
        lr_theta: float = 0.0,
        lr_bias: float = 0.0,
        lr_weights: float = 0.0,
        gamma: float = 1.0,
        window: int | None = None,
        optimizer: str = "adam",
        momentum: float | None = None,
        clip: float | None = None,
        update_interval: int | None = None,
        baseline: float | None = None,
        sends: str = "scores",
        trace_tau: float | None = None,
        trace_impulse: float | None = None,
        temperature: float | None = None,
        lag: int | None = None,
        pull: float | None = None,
        **sqs: Any,
    ) -> None:
        arguments = {k: v for k, v in locals().items() if k not in ("self", "sqs", "__class__")}
        # long: one list of parameters, checked in its order before Lava makes anything of them
        role = check_choice("role", role, ROLES)
        rates = {
            name: check_positive(name, value, zero=True)
            for name, value in (
                ("lr_theta", lr_theta),
                ("lr_bias", lr_bias),
                ("lr_weights", lr_weights),
            )
        }
        gamma = check_share("gamma", gamma)
        if baseline is not None:
            if role == "visible":
                raise ArgumentValueError(
                    "baseline",
                    "belongs to role='hidden' (a visible neuron's signal is "
                    f"1), but got {baseline!r}.",
                )
            baseline = check_share("baseline", baseline, zero=False)
        trace = _check_trace(sends, role, rates["lr_weights"], trace_tau, trace_impulse)
        free = check_choice("objective", objective, OBJECTIVES) == "count"
        sample = _check_sample(arguments, sqs) if free else _refuse_sample(arguments)
        steps = sample["steps"]
        window = (steps or 2) - 1 if window is None else check_int("window", window, minimum=0)
        interval = steps or 1
        if update_interval is not None:
            interval = check_int("update_interval", update_interval, minimum=1)
        if free:
            _check_multiples(steps, window, interval)
        learning = {
            "role": role,
            "objective": objective,
            **rates,
            "gamma": gamma,
            "window": window,
            "optimizer": Optimizer(optimizer, momentum=momentum, clip=clip),
            "update_interval": interval,
            "baseline": baseline,
            "sends": sends,
            **trace,
            **sample,
        }
        super().__init__(**sqs)
        self.proc_params.overwrite("learning", learning)
        self._arguments.update(arguments)
        n = int(np.prod(self.a_in.shape))
        check_window_fits(window, n, n * (6 if free else 4**self.memory_qubits + 1))
        carried: dict[str, Any] = {} if free else {"size": n // self.io_qubits, "window": window}
        carried |= {"rows": self._population.size, "angles": lr_theta > 0}
        check_exact(self.ansatz, self.noise, backend=self.backend, **carried)
        # Hidden neurons hear of all steps of a sample at once, when it has ended.
        told = n * steps if free and role == "hidden" else n
        self.a_third_factor_in = self._in_port("a_third_factor_in", (told,))
        self.s_out_bap = self._out_port("s_out_bap", (n,))
        self.s_out_y1 = self._out_port("s_out_y1", (n,))
        self.s_out_y2 = self._out_port("s_out_y2", (n,))
        self.s_out_y3 = self._out_port("s_out_y3", (n,))
        self.kernel_out = self._out_port("kernel_out", ((window + 1) * n,))
        self.log_likelihood_out = self._out_port("log_likelihood_out", (n // self.io_qubits,))
        self.count_out = self._out_port("count_out", (n,))

    _check_before_run = staticmethod(check_floating_pt)

    @staticmethod
    def _engine_for(backend: str | None, ansatz: Ansatz, noise: Any, size: int) -> str | None:
        noise = check_noise("noise", noise, size)
        if backend is None:
            return exact_backend(ansatz, noise, size)
        return check_exact_backend(ansatz, noise, backend)  # only what has scores

    @property
    def _needed(self) -> dict[str, str]:
        """Ports that must be connected, and what is missing otherwise."""
        if self.objective != "count":
            return {}
        return {"a_third_factor_in": "so they would never hear of an error. Call connect_count"}

    role: str = parameter("``hidden`` or ``visible``.", "learning.role")
    objective: str = parameter("``likelihood`` or ``count``.", "learning.objective")
    temperature: float | None = parameter(
        "What spike counts are divided by, or None.", "learning.temperature"
    )
    lag: int | None = parameter(
        "Steps at the start of a sample that do not count, or None.", "learning.lag"
    )
    pull: float | None = parameter(
        "Share of the signal that pulls silent neurons up; None is that of the role.",
        "learning.pull",
    )
    sends: str = parameter("What the learning ports send, scores or traces.", "learning.sends")
    trace_tau: float | None = parameter(
        "Time constant of the trace in steps, or None.", "learning.trace_tau"
    )
    trace_impulse: float | None = parameter(
        "What a spike adds to the trace, or None.", "learning.trace_impulse"
    )
    window: int = parameter(
        "H: how many steps back the score of a current reaches.", "learning.window"
    )


def _check_sample(given: dict[str, Any], sqs: dict[str, Any]) -> dict[str, Any]:
    """Return what neurons need that learn from whole samples; *sqs* gets the offset of resets."""
    for name, value in (("sends", "scores"), ("gamma", 1.0), ("baseline", None)):
        if given[name] != value:
            raise ArgumentValueError(
                name,
                f"must be {value!r} with objective='count', whose signal is exact over the "
                f"sample, but got {given[name]!r}.",
            )
    if sqs.get("reset_interval") is None:
        raise ArgumentValueError(
            "reset_interval",
            "must be given with objective='count': the steps of a sample, those of the input and "
            "one per connection on its way.",
        )
    steps = check_int("reset_interval", sqs["reset_interval"], minimum=2)
    if check_int("reset_offset", sqs.setdefault("reset_offset", 1)) != 1:
        raise ArgumentValueError(
            "reset_offset",
            "must be 1 with objective='count' (time steps count from 1, and the first sample is as "
            f"long as all others), but got {sqs['reset_offset']!r}.",
        )
    if given["temperature"] is None:
        raise ArgumentValueError(
            "temperature",
            "must be given with objective='count'; SQSNN takes 2 * sqrt(visible neurons per class "
            "* steps that count).",
        )
    temperature = check_positive("temperature", given["temperature"])
    lag = given["lag"]
    if lag is not None and given["role"] == "hidden":
        raise ArgumentValueError(
            "lag", f"belongs to role='visible', whose spikes are counted, but got {lag!r}."
        )
    lag = 1 if lag is None else check_int("lag", lag, minimum=0)
    if lag >= steps:
        raise ArgumentValueError(
            "lag", f"must be below the {steps} steps of a sample, but got {lag}."
        )
    pull = given["pull"]
    if pull is not None:
        pull = check_positive("pull", pull, zero=True)
    return {"steps": steps, "temperature": temperature, "lag": lag, "pull": pull}


def _refuse_sample(given: dict[str, Any]) -> dict[str, Any]:
    for name in ("temperature", "lag", "pull"):
        if (value := given[name]) is not None:
            raise ArgumentValueError(
                name,
                f"belongs to objective='count', but got {value!r} with objective='likelihood'.",
            )
    return {"steps": None, "temperature": None, "lag": None, "pull": None}


def _check_multiples(steps: int, window: int, interval: int) -> None:
    if window != steps - 1:
        raise ArgumentValueError(
            "window",
            f"must be {steps - 1}, the steps of a sample less one, with objective='count', but got "
            f"{window}.",
        )
    if interval % steps:
        raise ArgumentValueError(
            "update_interval",
            f"must be a multiple of the {steps} steps of a sample with objective='count', but got "
            f"{interval}.",
        )


def _check_trace(
    sends: Any, role: str, lr_weights: float, tau: Any, impulse: Any
) -> dict[str, float | None]:
    """Return the constants of the trace of neurons that send one."""
    given = {"trace_tau": tau, "trace_impulse": impulse}
    if check_choice("sends", sends, SENDS) == "scores":
        for name, value in given.items():
            if value is not None:
                raise ArgumentValueError(
                    name, f"belongs to sends='traces', but got {value!r} with sends='scores'."
                )
        return given
    if role != "hidden":
        raise ArgumentValueError(
            "role",
            "must be 'hidden' for sends='traces', whose third factor is a reward, "
            f"but got {role!r}.",
        )
    if lr_weights:
        raise ArgumentValueError(
            "lr_weights",
            "must be 0 for sends='traces', whose rule has a learning rate of "
            f"its own, but got {lr_weights:g}.",
        )
    for name, value in given.items():
        if value is None:
            raise ArgumentValueError(
                name,
                "must be given for sends='traces', for example that of the "
                "rule: trace_tau=rule.post_trace_decay_tau, "
                "trace_impulse=rule.post_trace_kernel_magnitude.",
            )
    return {name: check_positive(name, value) for name, value in given.items()}

"""The behaviour of LearningSQS: the SQS model, its scores, and its learning phase."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray

from lava_sqs.network.credit import PULL
from lava_sqs.proc._naming import FloatPorts, check_received
from lava_sqs.proc._sample import Sample
from lava_sqs.proc.learning_sqs.process import LearningSQS
from lava_sqs.proc.sqs.models import AbstractPySQSModel
from lava_sqs.quantum.engines.choose import compile_exact
from lava_sqs.quantum.kernels.scores import read_targets
from lava_sqs.quantum.one_step import set_angles
from lava_sqs.quantum.scores.online import OnlineScores


@implements(proc=LearningSQS, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyLearningSQSModelFloat(FloatPorts, AbstractPySQSModel):
    """Measure, score, send; then learn from the signal."""

    a_third_factor_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out_bap: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    s_out_y1: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    s_out_y2: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    s_out_y3: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    kernel_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    log_likelihood_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    count_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    _sample: Sample | None = None

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._learning = proc_params["learning"]
        self._visible = self._learning["role"] == "visible"
        population = self._population
        self._copies = int(np.prod(population.batch, dtype=int))
        self._neurons = self._copies * population.size
        self._channels = (self._neurons, population.ansatz.io_qubits)
        if self._learning["objective"] == "count":
            shape = (self._copies, population.size, population.ansatz.io_qubits)
            self._sample = Sample(
                population.ansatz, population.noise, self._learning["steps"], shape
            )
            n_scores = population.ansatz.n_params + population.ansatz.io_qubits
            self._gradient = np.zeros((population.size, n_scores))
        else:
            self._scores = OnlineScores(
                compile_exact(population.ansatz, population.noise, backend=population.backend),
                population.theta,
                size=self._neurons,
                window=self._learning["window"],
                angles=self._learning["lr_theta"] > 0,
            )
            self._eligibility = np.zeros_like(self._scores.scores)
            self._gradient = np.zeros_like(self._scores.scores)
        self._trace = np.zeros(self._channels)
        # Of the step under way: what the target clamps, and how much it counts.
        self._outcome, self._signals = np.empty(self._channels, np.int64), np.empty(self._channels)
        self._flat_outcome, self._flat_signals = (
            values.reshape(-1) for values in (self._outcome, self._signals)
        )
        self._mean_signals: dict[int, NDArray[Any]] = {}
        self._steps = 0

    def _mean_over_copies(self, values: NDArray[Any]) -> NDArray[Any]:
        """(copies * neurons, ...) to (neurons, ...)."""
        if self._copies == 1:
            return values + 0.0
        return np.asarray(values.reshape(self._copies, -1, *values.shape[1:]).mean(axis=0))

    def run_spk(self) -> None:
        """Receive, measure and score; a hidden neuron answers before it hears the signal."""
        a_in = self.a_in.recv()
        if self._sample is not None:
            self._run_free(a_in, self._sample)
            return
        third, outcome, signal = None, None, np.empty(0)
        try:
            if self._visible:
                third = self.a_third_factor_in.recv()
                # A visible neuron hears its target before it measures; a hidden one measures, and
                # hears later what that was worth.
                outcome, signal = self._clamp(third)
            spikes = self.advance(a_in, outcome)
            kappa = self._scale * self._scores.kappa
        except Exception as error:
            self.fail_by_name(error)
        self.s_out.send(spikes)
        self.s_out_bap.send(spikes.ravel())
        sends_traces = self._learning["sends"] == "traces"
        if sends_traces:
            self.s_out_y1.send(self._advance_trace(spikes).ravel())
        else:
            # y1 and y2 of Lava's rules: the scores of the current of this step and of the one
            # before.
            later = kappa[:, 1] if self._learning["window"] else 0 * kappa[:, 0]
            self.s_out_y1.send(kappa[:, 0].ravel())
            self.s_out_y2.send(later.ravel())
        self._send_credit(kappa, outcome)
        if not self._visible:
            with self.failing_by_name():
                third = check_received("a_third_factor_in", self.a_third_factor_in.recv())
                signal = self._signal(third)
        if sends_traces:
            self.s_out_y2.send(third)
        self.s_out_y3.send(self._learning["lr_weights"] * signal.ravel())
        self._accumulate(signal)

    def _send_credit(self, kappa: NDArray[Any], outcome: Any) -> None:
        """Send what only an SQSDense or a layer behind asks for."""
        if _is_heard(self.kernel_out):
            self.kernel_out.send(np.ascontiguousarray(kappa.transpose(1, 0, 2)).ravel())
        if _is_heard(self.log_likelihood_out):
            logp = self._population.log_likelihood.ravel()
            if outcome is not None:
                logp = np.where((outcome >= 0).all(axis=-1), logp, 0.0)
            self.log_likelihood_out.send(logp)
        if _is_heard(self.count_out):
            self.count_out.send(0.0 * kappa[:, 0].ravel())

    def _run_free(self, a_in: NDArray[Any], sample: Sample) -> None:
        """Say the step first; at the end of a sample hear of the error, and score all its steps."""
        learning = self._learning
        with self.failing_by_name():
            spikes = self.advance(a_in)
        nothing = np.zeros(spikes.size)
        self.s_out.send(spikes)
        self.s_out_bap.send(spikes.ravel())
        self.s_out_y1.send(nothing)
        self.s_out_y2.send(nothing)
        self.log_likelihood_out.send(self._population.log_likelihood.ravel())
        counts = self._visible and len(sample) > learning["lag"]
        self.count_out.send(0.5 * (spikes + self.p_spike).ravel() if counts else nothing)
        third = self.a_third_factor_in.recv()  # what arrives before the last step says nothing
        kernel, y3 = np.zeros((learning["steps"], spikes.size)), nothing
        if sample.ended:
            with self.failing_by_name():
                check_received("a_third_factor_in", third)
                kernel = self._scale * self._score_sample(third, sample)[::-1].reshape(kernel.shape)
            kernel[-1] = 0.0  # in the first step a_in counts as 0
            # The connections average over steps, so over samples if each has its steps' weight.
            y3 = np.full(spikes.size, learning["lr_weights"] * learning["steps"])
        self.kernel_out.send(kernel.ravel())
        self.s_out_y3.send(y3)
        self._steps += 1

    def _score_sample(self, third: NDArray[Any], sample: Sample) -> NDArray[Any]:
        """Add the gradient of a sample to that of the mini-batch; return the errors by current."""
        learning, shape = self._learning, sample.shape
        if self._visible:
            value = np.broadcast_to(third.reshape(shape[1:]), shape).copy()
            value[: learning["lag"]] = 0.0
        else:
            value = third.reshape(shape)[::-1]
        pull = learning["pull"]
        if pull is None:
            pull = PULL if self._visible else 0.0
        d_theta, errors = sample.score(
            self._population.theta, value, 1 / learning["temperature"], pull
        )
        d_bias = errors.sum(axis=(0, 1))
        self._gradient += learning["steps"] / self._copies * np.hstack([d_theta, d_bias])
        return errors

    def _advance_trace(self, spikes: NDArray[Any]) -> NDArray[Any]:
        """Return the trace of the spikes before this step, and add those of this step."""
        before = self._trace
        # Per step, as Lava's own traces decay.
        fade = np.exp(-1 / self._learning["trace_tau"])
        added = self._learning["trace_impulse"] * spikes.reshape(self._channels)
        self._trace = fade * before + added
        return before

    def _clamp(self, target: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Targets +1, -1, 0 to outcomes 1, 0, -1 (free) and to signals 1, 1, 0."""
        outcome, signal = self._outcome, self._signals
        wrong = read_targets(target.reshape(-1), self._flat_outcome, self._flat_signals)
        if wrong >= 0:
            raise ValueError(
                "Port 'a_third_factor_in' of visible neurons must bring targets -1, 0 or 1, but "
                f"brought {target.flat[wrong]!r}."
            )
        return outcome, signal

    def _signal(self, third: NDArray[Any]) -> NDArray[Any]:
        """The signal less its running mean, over copies, at this step since the reset."""
        signal = third.reshape(self._channels)
        rate = self._learning["baseline"]
        if rate is None:
            return signal
        level = self._mean_over_copies(signal)
        phase = self.time_step % self._reset_interval if self._reset_interval else 0
        # A baseline per step since the reset: what a signal usually is differs within a sample.
        mean = self._mean_signals.setdefault(phase, level.copy())
        advantage: NDArray[Any] = signal - np.tile(mean, (self._copies, 1))
        # After the advantage was taken, so that the baseline does not contain this step's own
        # signal.
        mean += rate * (level - mean)
        return advantage

    def _step(self, a_in: NDArray[Any], outcome: Any, reset: bool) -> NDArray[Any]:
        """Make the step and score it."""
        sample = self._sample
        if sample is not None:
            if reset:
                sample.begin()
        elif reset:
            self._scores.reset()
            self._eligibility[:] = 0.0
            self._trace = np.zeros(self._channels)
        spikes = super()._step(a_in, outcome, reset)
        if sample is not None:
            sample.keep(self._z, spikes, self._population.p_spike)
        else:
            z = self._z.reshape(self._channels)
            self._scores.step(z, spikes.reshape(self._channels), open_=not reset)
        return spikes

    def _indices(self, outcome: NDArray[Any]) -> NDArray[Any]:
        """Return the outcomes of :meth:`_clamp`, which need no look any more."""
        if self._channels[1] == 1:
            return outcome.reshape(1, self._copies, -1)
        return super()._indices(outcome)

    def _accumulate(self, signal: NDArray[Any]) -> None:
        """Add signal times eligibility to the gradient of angles and biases."""
        self.__dict__["_steps"] += 1  # past Lava's __setattr__, which is about ports
        n_io = self._channels[1]
        scores, gradient = self._scores.scores, self._gradient
        if self._visible:
            # Of clamped spikes sum_t e_t is the whole gradient: each step's own score, and no
            # eligibility.
            gradient += signal[:, :1] * scores
            return
        eligibility = self._eligibility
        # E_t = gamma E_{t-1} + e_t: without it L_t would reward the step alone, and no delayed
        # credit is left.
        eligibility *= self._learning["gamma"]
        eligibility += scores
        angles = eligibility.shape[1] - n_io
        mean = signal.mean(axis=1, keepdims=True)
        gradient[:, :angles] += mean * eligibility[:, :angles]
        gradient[:, angles:] += mean * eligibility[:, angles:]

    def lrn_guard(self) -> bool:
        """Learn at the end of every mini-batch; Lava asks up to three times per step."""
        return bool(self._steps % self._learning["update_interval"] == 0)

    def run_lrn(self) -> None:
        """Apply the mean gradient of the mini-batch to angles and biases."""
        try:
            self._learn()
        except Exception as error:
            self.fail_by_name(error)

    def _learn(self) -> None:
        learning, optimizer = self._learning, self._learning["optimizer"]
        n_io = self._channels[1]
        gradient = self._gradient
        if self._sample is None:
            gradient = self._mean_over_copies(gradient)
        gradient = gradient / learning["update_interval"]
        self._gradient.fill(0.0)
        state = self.__dict__  # past Lava's __setattr__, which is about ports
        if learning["lr_bias"] > 0:
            step = optimizer.step("bias", gradient[:, -n_io:], rate=learning["lr_bias"])
            state["bias"] = state["_bias"] = self.bias + step.reshape(self.bias.shape)
        if learning["lr_theta"] > 0:
            step = optimizer.step("theta", gradient[:, :-n_io], rate=learning["lr_theta"])
            theta = self._population.theta + step
            if self._sample is None:
                set_angles(self._population, theta, self._scores)
            else:
                self._population.theta = theta
            # The same object in both, so that the next step does not take it for a Var that was
            # set.
            state["theta"] = state["_theta"] = theta.reshape(self.theta.shape)

    def take_over_vars(self) -> None:
        """Bring Vars that were set from outside into the population and its scores."""
        if self._sample is not None:
            self._refuse_within_sample()
            super().take_over_vars()
            return
        population = self._population
        before = population.memory
        super().take_over_vars()
        self._scores.set_theta(population.theta)
        if not np.array_equal(population.memory, before):
            raw = population._engine.raw
            self._scores.reset(raw.reshape(self._scores.memory.shape))

    def _refuse_within_sample(self) -> None:
        """Refuse angles and memories that are set within a sample, whose score would be wrong."""
        if self.at_reset:
            return
        population = self._population
        for name, held in (("theta", population.theta), ("memory", population.memory)):
            if not np.array_equal(np.ravel(getattr(self, name)), held.ravel()):
                raise ValueError(
                    f"Var '{name}' must be set between two samples with objective='count': run "
                    f"a multiple of {self._reset_interval} steps before."
                )


def _is_heard(port: Any) -> bool:
    """Whether somebody receives, or records, what a port sends."""
    return bool(port.csp_ports) or "send" in vars(port)

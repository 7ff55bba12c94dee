"""Learning rules of Lava, planned once instead of interpreted in every step; the same bits.

Lava writes a rule as a Python expression, one product after another, and has asteval interpret it
whenever the rule is applied. Here the same operations, in the same order, are a list of arrays to
multiply and add; and of the values that a rule could ask for, such as each trace at each kind of
spike time, those are worked out that occur in it. No operation is left out that could change a
number: weights, tags and traces are those of Lava's models to the last bit, NaN included.
"""

from __future__ import annotations

from typing import Any

import lava.magma.core.learning.string_symbols as symbols
import numpy as np
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.magma.core.learning.learning_rule_applier import LearningRuleApplierFloat
from lava.magma.core.learning.product_series import Product, ProductSeries
from lava.proc.dense.models import PyLearningDenseModelFloat
from lava.proc.sparse.models import PyLearningSparseModelFloat
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import issparse

__all__ = ["CompiledRule", "LearningDenseModel", "LearningSparseModel"]

Array = NDArray[Any]


class CompiledRule(LearningRuleApplierFloat):
    """What a rule adds to a synaptic variable: a sum of products of arrays.

    Parameters
    ----------
    product_series : ProductSeries
        The parsed rule of one variable.

    Attributes
    ----------
    names : frozenset of str
        What the rule reads, such as ``"y1_x0"``.
    """

    def __init__(self, product_series: ProductSeries) -> None:
        # Not Lava's own __init__, which builds an interpreter for each rule.
        self._product_series = product_series
        self._products = [_plan(product) for product in product_series.products]
        self.names = frozenset(
            name
            for _, dependency, factors in self._products
            for name in (dependency, *(name for name, _, _ in factors))
        )

    def apply(self, init_accumulator: Any, **applier_args: Any) -> Any:
        """Return *init_accumulator* with the rule's sum added, in Lava's order."""
        total: Any = None
        for scale, dependency, factors in self._products:
            value = scale * applier_args[dependency]
            for name, constant, is_sign in factors:
                factor: Any = constant
                if name:
                    factor = applier_args[name]
                    if constant is not None:
                        factor = factor + constant
                    if is_sign:
                        factor = np.sign(factor)
                value = value * factor
            total = value if total is None else total + value
        return init_accumulator + total


class _Compiled:
    """The learning phase of a floating-point connection, without what its rules do not ask for."""

    def _create_learning_rule_applier(self, product_series: ProductSeries) -> CompiledRule:
        return CompiledRule(product_series)

    def _build_learning_rule_appliers(self: Any) -> None:
        super()._build_learning_rule_appliers()  # type: ignore[misc]
        rules = self._learning_rule_appliers.values()
        self._reads = frozenset().union(*(rule.names for rule in rules))
        self._reads_y = any(name[0] == "y" and "_" in name for name in self._reads)
        named = (name.partition("_") for name in self._reads)
        self._looked_up = [
            (f"{trace}_{at}", trace[0], int(trace[1]) - 1, at)
            for trace, _, at in named
            if at in ("x0", "y0", "u")
        ]

    def _store_impulses_and_taus(self: Any) -> None:
        super()._store_impulses_and_taus()  # type: ignore[misc]
        self._x_decay = _decay(self._x_taus)
        self._y_decay = _decay(self._y_taus)

    # -- spikes and traces of a step ---------------------------------------------------------------

    def recv_traces(self: Any, s_in: Array) -> None:
        """Take up the spikes of both sides and, under a three-factor rule, the y of the neurons."""
        self._process_pre_spikes(s_in)
        rule = self._learning_rule
        if isinstance(rule, Loihi2FLearningRule):
            self._process_post_spikes(self.s_in_bap.recv().astype(bool))
        elif isinstance(rule, Loihi3FLearningRule):
            spiked = self.s_in_bap.recv().astype(bool)
            received = [port.recv() for port in (self.s_in_y1, self.s_in_y2, self.s_in_y3)]
            if spiked.any():  # what impulses would add to y is overwritten below
                self.y0[spiked] = True
                self.ty[spiked] = self._within_epoch_time_step()
            y = np.empty(self._shape_y_traces)
            for row, values in zip(y, received, strict=True):
                row[:] = values
            self._set_y_traces(y)

    def _process_pre_spikes(self: Any, s_in: Array) -> None:
        spiked = s_in.astype(bool)
        graded = self._graded_spike_cfg
        if graded in (GradedSpikeCfg.ADD_WITH_SATURATION, GradedSpikeCfg.ADD_WITHOUT_SATURATION):
            self.x1 = self.x1 + s_in / 2
        if not spiked.any():
            return
        if graded == GradedSpikeCfg.OVERWRITE:
            self.x1[spiked] = (s_in / 2)[spiked]
        if self.tx.any():  # a second spike within an epoch
            again = (self.tx > 0) & spiked
            if graded == GradedSpikeCfg.USE_REGULAR_IMPULSE:
                self.x1[again] += self._x_impulses[0]
            self.x2[again] += self._x_impulses[1]
        self.tx[spiked] = self._within_epoch_time_step()

    def _process_post_spikes(self: Any, s_in_bap: Array) -> None:
        if not s_in_bap.any():
            return
        self.y0[s_in_bap] = True
        if self.ty.any():
            again = (self.ty > 0) & s_in_bap
            y = self._y_traces
            y[:, again] += self._y_impulses[:, np.newaxis]
            self._set_y_traces(y)
        self.ty[s_in_bap] = self._within_epoch_time_step()

    # -- the learning phase ------------------------------------------------------------------------

    def _compute_trace_histories(self: Any) -> tuple[Array, Array | None]:
        """Return x (t_epoch + 1, 2, pre) and y (t_epoch + 1, 3, post), at each step of the epoch.

        None for y if nobody asks: it is for rules alone, or its last values become the traces.
        """
        steps = self._learning_rule.t_epoch
        x = _history((self.x1, self.x2), self._x_decay, self._x_impulses, self.tx, steps)
        if not (self._reads_y or isinstance(self._learning_rule, Loihi2FLearningRule)):
            return x, None
        y = (self.y1, self.y2, self.y3)
        return x, _history(y, self._y_decay, self._y_impulses, self.ty, steps)

    def _extract_applier_evaluated_traces(self: Any, x: Array, y: Array | None) -> dict[str, Array]:
        """Return each trace that the rules read: x as rows, y as columns, or both as a matrix."""
        found = {}
        for name, side, number, at in self._looked_up:
            history: Any = (x if side == "x" else y)[:, number]  # type: ignore[index]
            if at == "u":
                value = history[-1]
            elif at[0] == side:  # at the neuron's own last spike
                times = self.tx if at == "x0" else self.ty
                value = history[times, np.arange(len(times))]
            else:
                found[name] = history[self.tx].T if at == "x0" else history[self.ty]
                continue
            found[name] = value[np.newaxis, :] if side == "x" else value[:, np.newaxis]
        return found

    def _apply_learning_rules(self: Any, x: Array, y: Array | None) -> None:
        if issparse(self.weights):
            super()._apply_learning_rules(x, y)  # type: ignore[misc]
            return
        args = self._extract_applier_args(x, y)  # the old state, for every rule
        for name, rule in self._learning_rule_appliers.items():
            values = rule.apply(getattr(self, name), **args)
            vars(self)[name] = self._saturate_synaptic_variable(name, values)

    # Lava's models look at whatever is set for ports; traces are none.

    def _update_dependencies(self: Any) -> None:
        vars(self).update(x0=self.tx > 0, y0=self.ty > 0)

    def _set_x_traces(self: Any, x_traces: Array) -> None:
        vars(self).update(x1=x_traces[0], x2=x_traces[1])

    def _set_y_traces(self: Any, y_traces: Array) -> None:
        vars(self).update(y1=y_traces[0], y2=y_traces[1], y3=y_traces[2])

    def _reset_dependencies_and_spike_times(self: Any) -> None:
        for values in (self.x0, self.y0, self.tx, self.ty):
            values.fill(0)


class LearningDenseModel(_Compiled, PyLearningDenseModelFloat):
    """Lava's floating-point LearningDense; its rules are compiled."""


class LearningSparseModel(_Compiled, PyLearningSparseModelFloat):
    """Lava's floating-point LearningSparse; its rules are compiled."""


def _plan(product: Product) -> tuple[float, str, list[tuple[str, Any, bool]]]:
    """Return a product's scale, its dependency and, of each factor, name, constant and sgn."""
    factors = []
    for factor in product.factors:
        name = factor.state_var
        if name in symbols.TRACES:
            name = f"{name}_{product.dependency}"
        elif name in symbols.SYNAPTIC_VARIABLES:
            name = symbols.SYNAPTIC_VARIABLE_VAR_MAPPING[name]
        elif name == symbols.C:
            name = ""
        else:
            raise ValueError(f"a factor {name!r} has no meaning in a floating-point rule")
        factors.append((name, factor.const, factor.is_sgn))
    return product.s_mantissa * 2.0 ** (product.s_exp - 7), product.dependency, factors


def _decay(taus: Array) -> Array:
    """Return the factor of one step for each trace, as a column; NaN where tau is 0, as in Lava."""
    decay = np.full((len(taus), 1), np.nan)
    decay[taus != 0] = np.exp(-1 / taus[taus != 0][:, np.newaxis])
    return decay


def _history(
    traces: tuple[Array, ...], decay: Array, impulses: Array, times: Array, steps: int
) -> Array:
    """Return traces (steps + 1, number of traces, neurons) that decay, and jump at spikes."""
    history = np.empty((steps + 1, len(traces), *traces[0].shape))
    for row, trace in zip(history[0], traces, strict=True):
        row[:] = trace
    _decay_and_jump(history, decay, impulses, times)
    return history


@njit(cache=True, nogil=True)
def _decay_and_jump(history, decay, impulses, times):  # type: ignore[no-untyped-def]
    """Fill history[1:]; a product, then a sum, as NumPy rounds them."""
    for t in range(1, history.shape[0]):
        for row in range(history.shape[1]):
            for i in range(history.shape[2]):
                value = decay[row, 0] * history[t - 1, row, i]
                if times[i] == t:
                    value += impulses[row]
                history[t, row, i] = value

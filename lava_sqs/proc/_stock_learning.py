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
from lava.utils.weightutils import SignMode
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import issparse

from lava_sqs.proc import _stock_learning_loops as loops
from lava_sqs.proc._stock_synapses import add_columns

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
            # Lava's order of products and sums: floating-point numbers depend on it, and are to be
            # the same bits.
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
        # Lava keeps the latest spike of an epoch only; earlier ones have gone into the traces.
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

    # Lava's models look at whatever is set for ports; traces are not.

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
    """Lava's floating-point LearningDense: its rules are compiled, a phase is one loop.

    Weights, tags and traces lie side by side, and its Vars are views of them. A Var that is
    replaced is another array, and they are gathered again; one that is not of Lava's type, or a
    number that is not finite, is left to NumPy.
    """

    #: Weights and tags, x and y traces, and room for the loops, once they have been gathered.
    _synapses = _x = _y = _room = None
    _held: tuple[Any, ...] = (None,) * 12

    def _build_learning_rule_appliers(self: Any) -> None:
        super()._build_learning_rule_appliers()
        self._code, self._numbers = _encode(self._learning_rule_appliers)
        self._saturated = [
            (name, _SYNAPSES.index(name))
            for name in self._learning_rule_appliers
            if name == "tag_2" or (name == "weights" and self.sign_mode != SignMode.MIXED)
        ]
        self._given = isinstance(self._learning_rule, Loihi3FLearningRule)
        self._regular = self._graded_spike_cfg == GradedSpikeCfg.USE_REGULAR_IMPULSE
        self._room = None  # the epoch may be another

    def _store_impulses_and_taus(self: Any) -> None:
        super()._store_impulses_and_taus()
        decay = np.concatenate([self._x_decay, self._y_decay])
        impulses = np.concatenate([self._x_impulses, self._y_impulses])
        self._law = np.hstack([decay, impulses[:, np.newaxis]]).astype(float)

    def _gathered(self: Any) -> bool:
        """Whether all Vars are views of what the loops change, or have become so."""
        weights, tag_1, tag_2, x1, x2, y1, y2, y3, tx, ty, x0, y0 = self._held
        if (
            self.weights is weights
            and self.tag_1 is tag_1
            and self.tag_2 is tag_2
            and self.x1 is x1
            and self.x2 is x2
            and self.y1 is y1
            and self.y2 is y2
            and self.y3 is y3
            and self.tx is tx
            and self.ty is ty
            and self.x0 is x0
            and self.y0 is y0
            and self._room is not None
        ):
            return True
        return bool(self._gather())

    def _gather(self: Any) -> bool:
        state, (post, pre) = vars(self), self._shape
        shapes = (*[(post, pre)] * 3, *[(pre,)] * 2, *[(post,)] * 3, *[(pre,), (post,)] * 2)
        types = [_FLOAT] * 8 + [_INT] * 2 + [_BOOL] * 2
        found = [state[name] for name in _VARS]
        if not all(
            type(a) is np.ndarray and a.shape == s and a.dtype == c and a.flags.c_contiguous
            for a, s, c in zip(found, shapes, types, strict=True)
        ):
            return False
        for name, part in (("_synapses", slice(3)), ("_x", slice(3, 5)), ("_y", slice(5, 8))):
            pairs = zip(found[part], self._held[part], strict=True)
            if not all(mine is held for mine, held in pairs):
                state[name] = np.stack(found[part])
                state.update(zip(_VARS[part], state[name], strict=True))
        self._held = tuple(state[name] for name in _VARS)
        if self._room is None:
            steps = self._learning_rule.t_epoch + 1
            self._room = (
                np.empty_like(self._synapses),
                np.empty((steps, 2, pre)),
                np.empty((steps, 3, post)),
                np.empty((3, pre)),
            )
        return True

    def run_spk(self: Any) -> None:
        """Send what the last step has added up, add up the spikes of this one, and note them."""
        self.a_out.send(self.a_buff)
        s_in = self.s_in.recv()
        if self.num_message_bits.item() > 0:
            vars(self)["a_buff"] = self.weights.dot(s_in)
        else:
            s_in = s_in.astype(bool, copy=False)
            vars(self)["a_buff"] = add_columns(self.weights, s_in)
        self.recv_traces(s_in)

    def recv_traces(self: Any, s_in: Array) -> None:
        """As of all models here, in one loop."""
        if not (self._regular and s_in.dtype == _BOOL and self._gathered()):
            super().recv_traces(s_in)
            return
        back, y = self.s_in_bap.recv().astype(bool, copy=False), self._y
        given = self._given
        y1, y2, y3 = (p.recv() for p in (self.s_in_y1, self.s_in_y2, self.s_in_y3)) if given else y
        now = self._within_epoch_time_step()
        state = s_in, back, y1, y2, y3, self._x, y, self.tx, self.ty, self.y0
        loops.note_spikes(*state, self._law, now, given)

    def run_lrn(self: Any) -> None:
        """Apply the rules, in one loop."""
        if not (self._gathered() and self._learn()):
            super().run_lrn()

    def _learn(self: Any) -> bool:
        new, *room = self._room
        rule, u = self._learning_rule, False
        if rule.decimate_exponent is not None:
            u = int(self.time_step / rule.t_epoch) % 2**rule.decimate_exponent == 0
        state = self._x, self._y, self.tx, self.ty, self.x0, self.y0
        code = self._code, self._numbers, self._synapses, new
        if not loops.learn(*code, *state, self._law, *room, u, self._given):
            return False
        for name, number in self._saturated:
            values = self._synapses[number]
            values[:] = self._saturate_synaptic_variable(name, values)
        return True


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


_FLOAT, _INT, _BOOL = np.dtype(np.float64), np.dtype(np.int64), np.dtype(bool)
_SYNAPSES = ("weights", "tag_1", "tag_2")
_VARS = (*_SYNAPSES, "x1", "x2", "y1", "y2", "y3", "tx", "ty", "x0", "y0")


def _encode(rules: dict[str, CompiledRule]) -> tuple[Array, Array]:
    """Return the operations of :func:`~lava_sqs.proc._stock_learning_loops.learn`."""
    code: list[tuple[tuple[int, ...], float]] = []
    for target, rule in rules.items():
        for i, (scale, dependency, factors) in enumerate(rule._products):
            code.append(((loops.BEGIN, loops.AT[dependency], 0, 0, 0), scale))
            for name, constant, is_sign in factors:
                more = (int(constant is not None), int(is_sign))
                trace, _, at = name.partition("_")
                if not name:
                    where = (loops.CONSTANT, 0, *more, 0)
                elif name in _SYNAPSES:
                    where = (loops.SYNAPSE, _SYNAPSES.index(name), *more, 0)
                else:
                    kind = loops.X_TRACE if trace[0] == "x" else loops.Y_TRACE
                    where = (kind, int(trace[1]) - 1, *more, loops.AT[at])
                code.append((where, 0.0 if constant is None else float(constant)))
            code.append(((loops.END, int(i == 0), 0, 0, 0), 0.0))
        code.append(((loops.SUM, _SYNAPSES.index(target), 0, 0, 0), 0.0))
    operations = np.array([op for op, _ in code], dtype=np.int64).reshape(-1, 5)
    return operations, np.array([number for _, number in code])


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

"""Lava's connections without learning, for few spikes: the columns that spike are added; same bits.

A sum of floating-point numbers depends on its order. Lava adds the columns of 0-1 spikes one after
another, and so do we, from weights that lie in memory column by column. Graded spikes it gives to
BLAS, whose order nobody knows: there we add columns only where every order gives the same number,
because weights and spikes are integers or dyadic fractions and no sum needs more than 53 bits.
Integers (``fixed_pt``) always add up exactly.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from lava.proc.dense.models import (
    PyDelayDenseModelBitAcc,
    PyDelayDenseModelFloat,
    PyDenseModelBitAcc,
    PyDenseModelFloat,
)
from lava.proc.sparse.models import (
    PyDelaySparseModelBitAcc,
    PyDelaySparseModelFloat,
    PySparseModelBitAcc,
    PySparseModelFloat,
)
from lava.utils.weightutils import clip_weights, determine_sign_mode, truncate_weights
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

__all__ = [
    "DelayDenseModel",
    "DelayDenseModelBitAcc",
    "DelaySparseModel",
    "DelaySparseModelBitAcc",
    "DenseModel",
    "DenseModelBitAcc",
    "SparseModel",
    "SparseModelBitAcc",
]

Array = NDArray[Any]

_log = logging.getLogger(__name__)

#: Columns are added if at most this share of them spikes; else they are all multiplied.
_FEW = 0.25
#: Smaller matrices are multiplied whole before few columns of them are picked out.
_SMALL = 2**16
#: Payloads of more bits are not looked for: weights would have to be coarser for it.
_MOST_BITS = 24


def add_columns(weights: Array, spikes: Array) -> Array:
    """Return the sum of the columns that spike, in order; *weights* lie column by column."""
    # reduce along the first axis adds row after row; along the last NumPy would sum pairwise.
    total: Array = np.add.reduce(weights.T.take(spikes.nonzero()[0], axis=0))
    return total


def adds_exactly(weights: Array, payload: float) -> bool:
    """Whether rows times integers up to *payload* have the same sum in whatever order."""
    with np.errstate(over="ignore"):
        # Twice, for what is summed here is rounded itself.
        bound = 2 * payload * np.abs(weights).sum(axis=1).max(initial=0.0)
    if not np.isfinite(bound):
        return False
    # If every weight is a multiple of the last bit that the largest sum has, no sum is ever
    # rounded.
    units = np.ldexp(weights, 53 - int(np.frexp(bound)[1]))
    return bool((units == np.rint(units)).all())


def are_payloads(spikes: Array, payload: float) -> bool:
    """Whether these are integers up to *payload*, of whatever type."""
    return bool((np.abs(spikes) <= payload).all() and (spikes == np.rint(spikes)).all())


class _Entries:
    """The entries of sparse weights by column, found once for each matrix."""

    _of: Any = None

    def _sum(self: Any, spikes: Array) -> Array:
        """Return the sum of the columns that spike, as SciPy adds up the rows of a submatrix."""
        weights = self.weights
        if self._of is not weights:
            self._of = weights
            numbers = np.arange(weights.nnz)
            columns = csr_matrix((numbers, weights.indices, weights.indptr), weights.shape).tocsc()
            self._entries = np.split(columns.data, columns.indptr[1:-1])
        picked = [self._entries[j] for j in spikes.nonzero()[0]]
        # Sorted: within a row from left to right, the order in which SciPy adds.
        at = np.sort(np.concatenate(picked)) if picked else np.zeros(0, int)
        start = np.searchsorted(at, weights.indptr)
        rows = np.flatnonzero(np.diff(start))
        dtype = np.result_type(weights.data, np.int_)
        total: Array = np.zeros(weights.shape[0], dtype)
        total[rows] = np.add.reduceat(weights.data[at].astype(dtype), start[rows])
        return total


def _payload(bits: int) -> float:
    """Return the largest payload that is looked for."""
    return 2.0 ** min(bits, _MOST_BITS)


def _scale_weights(model: Any) -> None:
    """Clip and truncate fixed-point weights once, as Lava does in the first step."""
    model.weight_exp = model.proc_params.get("weight_exp", 0)
    if not model.weights_set:
        sign_mode = model.proc_params.get("sign_mode") or determine_sign_mode(model.weights)
        weights = clip_weights(model.weights, sign_mode, num_bits=8)
        bits = model.proc_params.get("num_weight_bits", 8)
        model.weights = truncate_weights(weights, sign_mode, bits)
        model.weights_set = True


def _shift(total: Array, exponent: int) -> Array:
    """Scale integers by a power of two, downwards as well."""
    shifted: Array
    shifted = np.left_shift(total, exponent) if exponent > 0 else np.right_shift(total, -exponent)
    return shifted


class _Columns:
    """Weights that lie in memory column by column, even after they are set."""

    def _columns(self: Any) -> Array:
        if not self.weights.flags.f_contiguous:
            self.weights = np.asfortranarray(self.weights)
        weights: Array = self.weights
        return weights

    def _set_var(self: Any) -> None:
        # Lava fills an array in the order of its memory, with values in the order of rows.
        self.weights = np.ascontiguousarray(self.weights)
        super()._set_var()  # type: ignore[misc]


class DenseModel(_Columns, PyDenseModelFloat):
    """Lava's floating-point Dense; few spikes are added up."""

    _checked: Any = None  # the weights of which _exact tells
    _exact = False

    def on_var_update(self) -> None:
        """Look at the weights again."""
        self._checked = None

    def run_spk(self: Any) -> None:
        """Send what the last step has added up, and add up the spikes of this one."""
        self.a_out.send(self.a_buff)
        s_in = self.s_in.recv()
        bits = int(self.num_message_bits.item())
        if bits > 0:
            self.a_buff = self._graded(s_in, bits)
        else:
            self.a_buff = add_columns(self._columns(), s_in)

    def _graded(self, s_in: Array, bits: int) -> Array:
        if self.weights.size < _SMALL:
            return self.weights.dot(s_in)  # type: ignore[no-any-return]
        payload = _payload(bits)
        if self._checked is not self.weights:
            # One column alone is not summed, and keeps the sign of its zeros.
            self._exact = len(s_in) > 1 and adds_exactly(self.weights, payload)
            if not self._exact:
                self._multiply("sums of its weights are rounded")
            self._checked = self.weights
        if self._exact:
            (at,) = s_in.nonzero()
            spikes = s_in[at].astype(float)
            if are_payloads(spikes, payload):
                if len(at) > _FEW * len(s_in):
                    return self.weights.dot(s_in)  # type: ignore[no-any-return]
                self._checked = columns = self._columns()
                return spikes @ columns.T.take(at, axis=0) + 0.0  # where all is -0, BLAS has 0
            self._exact = False
            self._multiply(f"its spikes are not integers of {bits} bits")
            self._checked = self.weights
        return self.weights.dot(s_in)  # type: ignore[no-any-return]

    def _multiply(self, reason: str) -> None:
        """Multiply as Lava does from now on, with the weights in its order."""
        _log.debug("Dense with graded spikes multiplies all columns: %s", reason)
        self.weights = np.ascontiguousarray(self.weights)


class DenseModelBitAcc(_Columns, PyDenseModelBitAcc):
    """Lava's fixed-point Dense; the spikes are added up."""

    def run_spk(self: Any) -> None:
        """Scale the weights once; then as the floating-point model, and shift."""
        _scale_weights(self)
        self.a_out.send(self.a_buff)
        s_in = self.s_in.recv()
        if self.num_message_bits.item() > 0:
            (at,) = s_in.nonzero()
            total = s_in[at] @ self._columns().T.take(at, axis=0)
        else:
            total = add_columns(self._columns(), s_in)
        self.a_buff = _shift(total, self.weight_exp)


class SparseModel(_Entries, PySparseModelFloat):
    """Lava's floating-point Sparse; no submatrix is made of 0-1 spikes."""

    def run_spk(self: Any) -> None:
        """Send what the last step has added up, and add up the spikes of this one."""
        self.a_out.send(self.a_buff)
        s_in = self.s_in.recv()
        if self.num_message_bits.item() > 0:
            self.a_buff = self.weights.dot(s_in)
        else:
            self.a_buff = self._sum(s_in)


class SparseModelBitAcc(_Entries, PySparseModelBitAcc):
    """Lava's fixed-point Sparse; no submatrix is made of 0-1 spikes."""

    def run_spk(self: Any) -> None:
        """Scale the weights once; then as the floating-point model, and shift."""
        _scale_weights(self)
        self.a_out.send(self.a_buff)
        s_in = self.s_in.recv()
        graded = self.num_message_bits.item() > 0
        total = self.weights.dot(s_in) if graded else self._sum(s_in)
        self.a_buff = _shift(total, self.weight_exp)


# -- delays: the matrix of weights by delay is made once, not in every step ------------------------


class _Delays:
    """The matrix (delays times outputs, inputs), kept until weights or delays change."""

    _of: tuple[Any, Any] | None = None
    _matrix: Any = None

    def on_var_update(self) -> None:
        """Make the matrix again."""
        self._of = None

    def _by_delay(self: Any) -> Any:
        """Return the matrix of these weights and delays."""
        # By identity: comparing the numbers would cost as much as the product.
        if self._of is None or self._of[0] is not self.weights or self._of[1] is not self.delays:
            self._of = (self.weights, self.delays)
            longest = self.a_buff.shape[-1] - 1
            self._matrix = self.get_delay_wgts_mat(self.weights, self.delays, longest)
            self._laid_out()
        return self._matrix

    def _laid_out(self) -> None:
        """Prepare a matrix that is new."""


class _DelayDense(_Delays):
    """Spikes are added up where every order gives the same."""

    _exact = False
    _payload = 1.0

    def _laid_out(self: Any) -> None:
        self._payload = _payload(int(self.num_message_bits.item()))
        integers = self._matrix.dtype.kind != "f"
        self._exact = integers or adds_exactly(self._matrix, self._payload)
        if self._exact:
            self._matrix = np.asfortranarray(self._matrix)

    def calc_act(self: Any, s_in: Array) -> Array:
        """Return what arrives (outputs, delays)."""
        matrix = self._by_delay()
        (at,) = s_in.nonzero()
        spikes = s_in[at, np.newaxis]
        if self._exact and matrix.dtype.kind == "f" and not are_payloads(spikes, self._payload):
            self._exact, self._matrix = False, np.ascontiguousarray(matrix)
        if self._exact:
            total = (self._matrix.T.take(at, axis=0) * spikes).sum(axis=0)
        else:
            total = np.sum(self._matrix * s_in, axis=1)
        arriving: Array = total.reshape(self.a_buff.shape[-1], self.weights.shape[0]).T
        return arriving


class _DelaySparse(_Delays):
    """The same product, without making its matrix in every step."""

    def calc_act(self: Any, s_in: Array) -> Array:
        """Return what arrives (outputs, delays)."""
        total = self._by_delay().dot(s_in)
        return np.reshape(total, (self.a_buff.shape[-1], self.weights.shape[0])).T


class DelayDenseModel(_DelayDense, PyDelayDenseModelFloat):
    """Lava's floating-point DelayDense."""


class DelayDenseModelBitAcc(_DelayDense, PyDelayDenseModelBitAcc):
    """Lava's fixed-point DelayDense."""


class DelaySparseModel(_DelaySparse, PyDelaySparseModelFloat):
    """Lava's floating-point DelaySparse."""


class DelaySparseModelBitAcc(_DelaySparse, PyDelaySparseModelBitAcc):
    """Lava's fixed-point DelaySparse."""

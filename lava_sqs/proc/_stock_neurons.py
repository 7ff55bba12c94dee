"""Lava's floating-point LIF, one compiled loop a step; the same bits.

Every neuron's sums are Lava's, in Lava's order, and no two operations are fused. Where a number
overflows or is NaN, Lava's own code makes the step, with NumPy's warnings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.proc.lif.models import PyLifModelFloat, PyLifResetModelFloat
from numba import njit
from numpy.typing import NDArray

__all__ = ["LifModel", "LifResetModel"]

Array = NDArray[Any]

_FLOAT = np.dtype(np.float64)
_NUMBERS = (int, float, np.integer, np.float32)


@njit(cache=True, nogil=True)
def leak_and_fire(u, v, a, bias, keep_u, keep_v, vth, spikes):  # type: ignore[no-untyped-def]
    """Move u and v, fill spikes; return False, and move nothing, if a number is not finite."""
    odd = 0.0
    for i in range(u.shape[0]):
        current = u[i] * keep_u + a[i]
        odd += (v[i] * keep_v + current + bias[i]) * 0.0 + current * 0.0
    if odd != 0.0:  # NaN
        return False
    for i in range(u.shape[0]):
        current = u[i] * keep_u + a[i]
        voltage = v[i] * keep_v + current + bias[i]
        u[i] = current
        spikes[i] = spiked = voltage > vth
        v[i] = 0.0 if spiked else voltage
    return True


class _Compiled:
    """Sub-threshold dynamics, spikes and resets of a step in one loop, over flat views."""

    #: What the loop was prepared for: a Var that is set, or replaced, is another object.
    _seen: tuple[Any, ...] = (None,) * 6
    _plain = False
    _flat: tuple[Any, ...] = ()
    _spikes: Array

    def _step(self: Any, a_in: Array) -> Array:
        """Return the spikes of a step in which *a_in* arrives."""
        u, v, bias, du, dv, vth = self._seen
        if (
            self.u is not u
            or self.v is not v
            or self.bias_mant is not bias
            or self.du is not du
            or self.dv is not dv
            or self.vth is not vth
        ):
            self._prepare()
        if self._plain and a_in.dtype == _FLOAT and a_in.shape == self._spikes.shape:
            u, v, bias, keep_u, keep_v, vth, spikes = self._flat
            a = a_in if a_in.ndim == 1 else a_in.reshape(-1)
            if leak_and_fire(u, v, a, bias, keep_u, keep_v, vth, spikes):
                return self._spikes  # type: ignore[no-any-return]
        self.subthr_dynamics(activation_in=a_in)
        spikes = self.spiking_activation()
        self.reset_voltage(spike_vector=spikes)
        return spikes  # type: ignore[no-any-return]

    def _prepare(self: Any) -> None:
        arrays, numbers = (self.u, self.v, self.bias_mant), (self.du, self.dv, self.vth)
        self._seen = *arrays, *numbers
        self._plain = all(isinstance(each, _NUMBERS) and float(each) == each for each in numbers)
        self._plain &= all(
            each.dtype == _FLOAT and each.shape == self.u.shape and each.flags.carray
            for each in arrays
        )
        if self._plain:
            du, dv, vth = numbers
            self._spikes = np.empty(self.u.shape, bool)
            flat = (each.reshape(-1) for each in arrays)
            kept = float(1 - du), float(1 - dv), float(vth)
            self._flat = *flat, *kept, self._spikes.reshape(-1)


class LifModel(_Compiled, PyLifModelFloat):
    """Lava's floating-point LIF."""

    def run_spk(self: Any) -> None:
        """Receive, step, send."""
        self.s_out_buff = spikes = self._step(self.a_in.recv())
        self.s_out.send(spikes)


class LifResetModel(_Compiled, PyLifResetModelFloat):
    """Lava's floating-point LIFReset."""

    def run_spk(self: Any) -> None:
        """Receive, restart if it is time, step, send."""
        a_in = self.a_in.recv()
        if self.time_step % self.reset_interval == self.reset_offset:
            self.u *= 0
            self.v *= 0
        self.s_out.send(self._step(a_in))

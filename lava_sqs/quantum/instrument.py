r"""The compiled neuron: circuit and noise become one small real array per neuron.

With the memory as a Pauli vector ``r`` a step is a quantum instrument that is affine in three
numbers per io qubit (equation numbers as in docs, "The instrument"):

.. math::

    S_s(z) = \sum_c c_c(z) A_{s,c}, \qquad
    c = \bigotimes_n (1,\ \eta_n \cos \varphi_n,\ -\eta_n \sin \varphi_n), \qquad
    \varphi_n = \pi \max(z_n, 0),

    y = S_s(z)\, r, \qquad p(s) = y_0, \qquad r \leftarrow y / y_0 .

The arrays ``A`` are built by the compiler, in ``program.py``.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

import numpy as np

from lava_sqs._checks import check_instance, check_real, check_shape
from lava_sqs._lazy import qutip
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.kernels.step import encode
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.noise.per_neuron import one_noise
from lava_sqs.quantum.program import Program, compile_program
from lava_sqs.quantum.states import matrix_to_superoperator

__all__ = ["Program", "compile_program", "instrument"]


def instrument(
    ansatz: Ansatz, theta: Any, z: Any, noise: NoiseModel | None = None
) -> list[qutip.Qobj]:
    r"""Return the instrument of one neuron for given input currents: one map per outcome.

    .. math:: \mathcal E_s(\sigma) = \operatorname{Tr}_{io}\bigl[(|s\rangle\langle s| \otimes 1)\,
        V\,(\rho_{io}(z) \otimes \sigma)\,V^\dagger\bigr]

    and with noise the same with a channel in every slot of the step.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit V.
    theta : array_like, shape (n_params,)
        Angles in radians.
    z : float or array_like, shape (io_qubits,)
        Input currents; ``z <= 0`` applies no gate.
    noise : NoiseModel, optional
        None is noiseless.

    Returns
    -------
    list of Qobj
        ``2**io_qubits`` completely positive superoperators on the memory, in the order of the
        reported bits (channel 0 most significant). They sum to a trace-preserving map.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> maps = instrument(ansatz.paper(), [0.0, 0.0, 0.0], z=1.0)
    >>> len(maps), sum(maps).istp
    (2, True)

    References
    ----------
    Davies, Lewis, Comm. Math. Phys. 17, 239 (1970): instruments.
    """
    check_instance("ansatz", ansatz, Ansatz)
    noise = one_noise("noise", noise, "This is about one neuron: ask for each.")
    program = compile_program(ansatz, noise)
    angles = ansatz.check_theta(theta)
    currents = check_shape("z", np.atleast_1d(check_real("z", z)), (ansatz.io_qubits,))
    A = program.build(angles[None])[0]
    coefficients = np.empty(A.shape[2])
    encode(currents, program.eta, coefficients)
    # S_s(z) = sum_c c_c(z) A_{s,c} (docs/concepts.md): the current enters here only.
    return [matrix_to_superoperator(m) for m in np.einsum("c,sicj->sij", coefficients, A)]


class _CallableModule(types.ModuleType):
    """The module ``lava_sqs.quantum.instrument``, which is called as its function as well."""

    def __call__(
        self, ansatz: Ansatz, theta: Any, z: Any, noise: NoiseModel | None = None
    ) -> list[qutip.Qobj]:
        return instrument(ansatz, theta, z, noise)

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, (self.__name__,)


# `from lava_sqs.quantum import instrument` names this submodule as soon as anything has imported
# it, whatever __init__ bound before: so the module itself answers calls.
sys.modules[__name__].__class__ = _CallableModule

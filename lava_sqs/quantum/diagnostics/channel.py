"""The channel that a step is for the memory, as QuTiP knows channels."""

from __future__ import annotations

import importlib.util
from typing import Any

from lava_sqs._checks import check_instance
from lava_sqs._lazy import qutip
from lava_sqs.quantum._room import check_time
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.instrument import instrument
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.noise.per_neuron import one_noise

__all__ = ["choi_matrix", "diamond_distance", "step_channel"]


def step_channel(ansatz: Ansatz, theta: Any, z: Any, noise: NoiseModel | None = None) -> Any:
    r"""Return the channel of a step on the memory, averaged over outcomes.

    .. math:: \mathcal E(\sigma) = \sum_s \mathcal E_s(\sigma)

    the sum of :func:`~lava_sqs.quantum.instrument`, which has the maps of single outcomes.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    theta : array_like, shape (n_params,)
        Angles in radians.
    z : float or array_like, shape (io_qubits,)
        Input currents.
    noise : NoiseModel, optional
        None is noiseless.

    Returns
    -------
    Qobj
        A superoperator on the memory, completely positive and trace-preserving.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value, or if the instrument would take too much memory
        (more than 5 memory qubits).

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> step_channel(ansatz.layered(), [0.3] * 8, 0.5).iscptp
    True
    """
    return sum(instrument(ansatz, theta, z, noise))


def choi_matrix(ansatz: Ansatz, theta: Any, z: Any, noise: NoiseModel | None = None) -> Any:
    r"""Return the Choi matrix of a step's channel on the memory, in QuTiP's convention.

    .. math:: J = \sum_{ij} |i\rangle\langle j| \otimes \mathcal E(|i\rangle\langle j|),
        \qquad \operatorname{Tr} J = 2^n

    Arguments and errors are as for :func:`step_channel`. Its rank is the least number of Kraus
    operators; divided by its trace it is the state of the memory and a reference that it was fully
    entangled with.

    Returns
    -------
    Qobj
        With ``superrep`` "choi".

    References
    ----------
    M.-D. Choi, Linear Algebra Appl. 10, 285 (1975).

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> choi = choi_matrix(ansatz.layered(), [0.3] * 8, 0.5)
    >>> choi.superrep, round(float(choi.tr().real), 9)
    ('choi', 2.0)
    """
    return qutip.to_choi(step_channel(ansatz, theta, z, noise))


def diamond_distance(
    ansatz: Ansatz,
    theta: Any,
    z: Any,
    noise: NoiseModel | None,
    other: NoiseModel | None = None,
) -> float:
    r"""Return how far two noises of a step are apart, for the worst state of the memory.

    .. math:: \tfrac12 \lVert \mathcal E - \mathcal F \rVert_\diamond

    with the channels of the memory under *noise* and under *other*, noiseless by default. From
    one use of a step, the noise with which it was made can be told with probability
    (1 + distance) / 2 at most. QuTiP's ``dnorm`` solves the semidefinite program with CVXPY, which
    ``pip install cvxpy`` (or the extra ``diamond``) adds.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    theta : array_like, shape (n_params,)
        Angles in radians.
    z : float or array_like, shape (io_qubits,)
        Input currents.
    noise, other : NoiseModel, optional
        None is noiseless.

    Returns
    -------
    float
        From 0 to 1, to about 1e-4.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value; if there are more than 3 memory qubits, which
        would take hours.
    ImportError
        If CVXPY is missing.

    References
    ----------
    J. Watrous, Chicago J. Theor. Comput. Sci. 2013, 8 (the program that is solved).

    Examples
    --------
    >>> from lava_sqs.quantum import NoiseModel, ansatz
    >>> noise = NoiseModel(t1=1e-5, t2=1e-5)
    >>> diamond_distance(ansatz.paper(), [0.1, 0.2, 0.3], 0.5, noise)  # doctest: +SKIP
    0.14
    """
    one_noise("noise", noise, "This is about one neuron: ask for each.")
    one_noise("other", other, "This is about one neuron: ask for each.")
    check_instance("ansatz", ansatz, Ansatz)
    m = ansatz.memory_qubits
    check_time(
        f"`memory_qubits` = {m}, the semidefinite program of the diamond norm,",
        0.05 * 40.0 ** min(m - 1, 99),
        "Use at most 3 memory qubits.",
    )
    one, two = (step_channel(ansatz, theta, z, each) for each in (noise, other))
    if importlib.util.find_spec("cvxpy") is None:
        raise ImportError(
            "diamond_distance needs CVXPY, which solves the program of qutip.dnorm: "
            "pip install cvxpy"
        )
    return float(min(max(qutip.dnorm(one - two, solver="SCS") / 2, 0.0), 1.0))

"""The contract of an SQS-like neuron, as checks that its authors can run.

Users of :class:`~lava_sqs.SQS` rely on more than its ports: on one seed giving one spike train, on
``p_spike`` being the law of the spikes, on resets, on errors that name the Process and the step.
:func:`check_neuron` holds any other neuron Process to that; :func:`neuron_checks` lists the same
checks one by one, for pytest or another runner (this module needs none).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lava_sqs._checks import check_positive
from lava_sqs._errors import ArgumentTypeError
from lava_sqs.testing import _laws, _refusals
from lava_sqs.testing._neuron import Neuron

__all__ = ["NeuronCheck", "check_neuron", "neuron_checks"]


@dataclass(frozen=True)
class NeuronCheck:
    """One contract and a neuron; calling it raises AssertionError if the neuron breaks it.

    Attributes
    ----------
    name : str
        Name of the contract.
    contract : str
        What it says.

    Examples
    --------
    >>> from lava_sqs import SQS
    >>> check = neuron_checks(SQS)[0]
    >>> check.name
    'interface'
    >>> check()
    """

    name: str
    contract: str
    _check: Callable[[Neuron], None] = field(repr=False)
    _neuron: Neuron = field(repr=False)

    def __call__(self) -> None:
        """Run the check."""
        try:
            self._check(self._neuron)
        except Exception as error:
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            raise AssertionError(
                f"{self._neuron.label} breaks the contract `{self.name}`: {self.contract}\n"
                f"{kind}{error}"
            ) from error

    def __str__(self) -> str:
        return self.name


def check_neuron(
    make: Callable[..., Any],
    *,
    state: str | None = "memory",
    twin: Callable[[Any], Any] | None = None,
    atol: float = 1e-10,
) -> None:
    r"""Raise unless a neuron Process keeps the contract of an SQS-like neuron.

    Among others: with ``u_t`` the uniform numbers of child 1 of ``SeedSequence(seed)``, one per
    neuron and step in C order,

    .. math:: s_t = [u_t \ge 1 - p_t], \qquad E[s_t \mid past] = p_t .

    Parameters
    ----------
    make : callable
        The Process class, or a function or partial of it. It takes the keyword arguments ``shape``,
        ``seed``, ``bias``, ``name``, ``reset_interval`` and ``reset_offset`` as
        :class:`~lava_sqs.SQS` does, and may take ``theta``, ``noise`` and ``record``; contracts
        about arguments that it does not take do not apply. It should make neurons that sometimes
        spike and sometimes do not, for currents from -0.25 to 0.75 on top of a bias of 0.25.
    state : str or None, default "memory"
        Name of the Var that a neuron remembers with: setting it to zeros is a reset. None if
        there is none.
    twin : callable, optional
        Takes the Process and returns its model outside Lava: an object with ``step(currents)``,
        where currents have shape (6,) or (6, io_qubits) and which returns the spikes, with
        ``p_spike`` and with the attribute *state*. Without one, a neuron that has an ``ansatz`` is
        compared with the :class:`~lava_sqs.Population` of its ansatz, seed, noise and dtype.
    atol : float, default 1e-10
        How far ``p_spike`` and the state may be from the twin's; the spikes must be equal.

    Raises
    ------
    AssertionError
        If the neuron breaks a contract. The message names the neuron, the contract, and how it is
        broken.
    TypeError, ValueError
        If the arguments of this function are wrong.

    Examples
    --------
    >>> from functools import partial
    >>> from lava_sqs import SQS
    >>> from lava_sqs.testing import check_neuron, neuron_checks
    >>> check_neuron(partial(SQS, memory_qubits=2))  # doctest: +SKIP

    As separate tests in pytest::

        @pytest.mark.parametrize("check", neuron_checks(MyNeuron), ids=str)
        def test_my_neuron(check):
            check()

    See Also
    --------
    neuron_checks : The same checks, one by one.
    """
    for check in neuron_checks(make, state=state, twin=twin, atol=atol):
        check()


def neuron_checks(
    make: Callable[..., Any],
    *,
    state: str | None = "memory",
    twin: Callable[[Any], Any] | None = None,
    atol: float = 1e-10,
) -> list[NeuronCheck]:
    """Return the checks of :func:`check_neuron` that apply to a neuron, to be called one by one.

    Parameters
    ----------
    make, state, twin, atol
        See :func:`check_neuron`.

    Returns
    -------
    list of NeuronCheck

    Examples
    --------
    >>> from lava_sqs import SQS
    >>> checks = neuron_checks(SQS)
    >>> print(checks[0])
    interface
    >>> checks[0]()
    >>> print(checks[-1].contract)
    The seed, and what else a running model does not follow, cannot be assigned.
    """
    for name, value in (("make", make), *((("twin", twin),) if twin is not None else ())):
        if not callable(value):
            raise ArgumentTypeError(name, f"must be callable, but got {value!r}.")
    if state is not None and not isinstance(state, str):
        raise ArgumentTypeError("state", f"must be the name of a Var or None, but got {state!r}.")
    neuron = Neuron(make, state, twin, check_positive("atol", atol, zero=True))
    checks = []
    for function, applies in _CONTRACTS:
        if applies is None or applies(neuron):
            name = function.__name__
            contract = (function.__doc__ or "").partition("\n")[0]
            checks.append(NeuronCheck(name, contract, function, neuron))
    return checks


#: What applies to whom: None to all.
_CONTRACTS: tuple[tuple[Callable[[Neuron], None], Callable[[Neuron], bool] | None], ...] = (
    (_refusals.interface, None),
    (_refusals.bad_arguments_are_refused, None),
    (_laws.one_seed_is_one_train, None),
    (_laws.one_draw_per_neuron_and_step, None),
    (_laws.p_spike_is_the_law, None),
    (_laws.equals_its_twin, lambda n: n.twin is not None or hasattr(n.sample, "ansatz")),
    (_laws.every_model_gives_the_same_train, None),
    (_laws.shape_is_only_a_view, None),
    (_laws.watching_changes_nothing, None),
    (_laws.recordings_are_what_happened, lambda n: n.takes("record")),
    (_laws.vars_can_be_set, None),
    (_laws.setting_what_is_there_changes_nothing, None),
    (_laws.a_reset_forgets_and_takes_no_input, None),
    (_laws.zeros_written_by_a_stock_reset_forget, lambda n: n.state is not None),
    (_refusals.an_impossible_current_ends_the_run, None),
    (_refusals.an_impossible_var_ends_the_run, None),
    (_refusals.a_var_written_through_a_port_is_checked, lambda n: n.remembers_pauli_vectors),
    (_refusals.what_is_fixed_cannot_be_assigned, None),
)

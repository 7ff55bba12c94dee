"""Run Lava networks so that they never hang and never lie.

:class:`runtime` is the context in which any network of Lava Processes, ours or stock ones, runs:
an exception in a model, a killed child process, Ctrl-C or a forgotten stop all end the network and
say what happened where. :class:`SQSSimCfg` chooses the models of the network's Processes.

Processes and models need nothing for it; see ``lava_sqs._start_method`` for how it works.
"""

from __future__ import annotations

import multiprocessing.util
from types import TracebackType
from typing import Any, final

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.compiler.executable import Executable
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.run_conditions import AbstractRunCondition, RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg, RunConfig
from lava.proc.io.extractor import Extractor, PyLoihiExtractorModel
from lava.proc.io.injector import Injector, PyLoihiInjectorModel
from lava.proc.monitor.process import Monitor

from lava_sqs._checks import check_choice, check_instance, check_int
from lava_sqs.execution.arguments import check_arguments, name_targets
from lava_sqs.execution.base import NetworkRuntime, label
from lava_sqs.execution.choose import ENGINES, make_runtime
from lava_sqs.execution.watching import Watch
from lava_sqs.proc import _private
from lava_sqs.proc._refusals import check_rule
from lava_sqs.proc._stock import quicker
from lava_sqs.recording import NetworkRecording, shared_array

__all__ = ["BACKENDS", "SQSSimCfg", "runtime", "shared_array"]

#: Tags of models that SQSSimCfg can prefer over the one of `select_tag`.
BACKENDS = ("qutip",)


class SQSSimCfg(Loihi2SimCfg):
    """Lava's Loihi2SimCfg that can prefer another implementation of the same neuron.

    A Process gets, in this order: the model that `exception_proc_model_map` names, a model tagged
    `backend` and not for another `select_tag`, the model tagged `select_tag`. Stock Injector and
    Extractor, whose models carry no tag, get their Loihi models. If this gives one of Lava's models
    of a connection or of LIF, our faster model with the same numbers replaces it
    (``docs/howto/run-lava.md`` lists them), unless the map names it.

    Parameters
    ----------
    select_tag : str or None, default "floating_pt"
        Tag of the models, as in Loihi2SimCfg.
    backend : {"qutip"}, optional
        Tag preferred where a Process has it.
    **loihi2_kwargs
        Further arguments of Loihi2SimCfg.

    Raises
    ------
    ValueError
        If *backend* is neither None nor ``"qutip"``.

    Examples
    --------
    >>> SQSSimCfg(backend="qutip").select_tag
    'floating_pt'
    """

    def __init__(
        self,
        select_tag: str | None = "floating_pt",
        backend: str | None = None,
        **loihi2_kwargs: Any,
    ) -> None:
        check_instance("select_tag", select_tag, str, none=True)
        if backend is not None:
            check_choice("backend", backend, BACKENDS)
        super().__init__(select_tag=select_tag, **loihi2_kwargs)
        self.backend = backend

    def __repr__(self) -> str:
        return f"SQSSimCfg(select_tag={self.select_tag!r}, backend={self.backend!r})"

    def select(self, process: AbstractProcess, proc_models: list[Any]) -> Any:
        """Return the ProcessModel for a Process; Lava calls this.

        Parameters
        ----------
        process : AbstractProcess
            The Process.
        proc_models : list of ProcessModel classes
            Those that implement it.

        Returns
        -------
        ProcessModel class
        """
        named = {
            Injector: PyLoihiInjectorModel,
            Extractor: PyLoihiExtractorModel,
            **self.exception_proc_model_map,
        }.get(type(process))
        if named is not None:
            return named
        wanted = {self.backend, self.select_tag or self.backend}
        for model in proc_models:
            if wanted <= set(model.tags) or [self.backend] == list(model.tags):
                return model
        return quicker(super().select(process, proc_models))


@final
class runtime:
    """Run the network of a Process safely, in a ``with`` block or across notebook cells.

    Parameters
    ----------
    process : AbstractProcess
        Any Process of the network. Lava compiles a Process once: to run again, build new ones.
    run_cfg : RunConfig, optional
        Chooses the models, for example ``SQSSimCfg()`` or ``Loihi2SimCfg(...)``. Not for an
        `executable`, which has its models.
    engine : {"inline", "processes"}, optional
        ``"inline"`` runs all models in this process, one after the other, several times as fast for
        small networks; ``"processes"`` each in a process of its own, as stock Lava. None (default)
        takes ``"inline"`` where it can: Python models under LoihiProtocol. ``repr`` says which.
    timeout : float, optional
        Seconds. A run in which no model makes progress for so long ends with TimeoutError, which
        says for every Process where it waits. None (default) warns after a minute instead.
        Building the models may always take a minute.
    compile_config : dict, optional
        Options of Lava's compiler, for example ``{"pypy_channel_size": 4}``.
    executable : Executable, optional
        What ``process.compile(run_cfg)`` returned, or ``lava.utils.serialization.load`` together
        with the Process. By default `process` is compiled at the start.

    Attributes
    ----------
    process : AbstractProcess
        The Process given.
    running : bool
        Whether the network is up, that is between its start and its end.
    time_step : int
        The latest time step begun.

    Raises
    ------
    TypeError, ValueError
        If an argument is missing, of another type, or belongs to another network.
    RuntimeError
        If a Process fails, in any method. The message names the Process and the time step, and
        carries the traceback of the child process. The network has then ended.
    TimeoutError
        If nothing moves for longer than `timeout`.

    Notes
    -----
    Inside the block Lava's own calls work as well and are as safe: ``process.run``, ``wait``,
    ``pause``, ``stop``, ``var.get`` and ``var.set``. After Ctrl-C the network is gone. A network
    ends with the last reference to its ``runtime`` object, and with the interpreter.

    Examples
    --------
    >>> from lava.proc.lif.process import LIF
    >>> neuron = LIF(shape=(1,), bias_mant=1.0, vth=2.5)
    >>> with runtime(neuron, SQSSimCfg()) as net:
    ...     net.run(2)
    ...     neuron.v.get()
    array([2.])
    """

    def __init__(
        self,
        process: AbstractProcess,
        run_cfg: RunConfig | None = None,
        *,
        engine: str | None = None,
        timeout: float | None = None,
        compile_config: dict[str, Any] | None = None,
        executable: Executable | None = None,
    ) -> None:
        check_arguments(process, run_cfg, timeout, compile_config, executable)
        if engine is not None:
            check_choice("engine", engine, ENGINES)
        self.process = process
        self._run_cfg = run_cfg
        self._executable = executable
        self._timeout = timeout
        self._compile_config = dict(compile_config or {})
        self._engine, self._chosen = engine, ""
        self._runtime: NetworkRuntime | None = None
        self._goal: int | None = None

    def start(self) -> runtime:
        """Compile the network and start its processes; needs a later stop().

        Returns
        -------
        runtime
            Itself.

        Raises
        ------
        RuntimeError
            If Lava has compiled a Process of the network before, or started the executable, or if
            a model cannot be built.
        """
        if self._runtime is not None:
            self._runtime.require_open()
            return self
        executable = self._executable
        if executable is None:
            executable = _compile(self.process, self._run_cfg, self._compile_config)
        elif any(builder.csp_rs_recv_port for builder in executable.proc_builders.values()):
            raise RuntimeError(
                "This `executable` has been started before, and Lava starts one once. Compile new "
                "Processes, or load the executable again."
            )
        self._executable = None  # which holds on to the whole network
        made, self._chosen = make_runtime(
            self._engine,
            self.process,
            executable,
            self._timeout,
        )
        # Ends the network with the last reference to self, or before the interpreter exits.
        reason = "its runtime(...) object was not kept"
        multiprocessing.util.Finalize(self, made.close, args=(reason,), exitpriority=100)
        try:
            made.initialize()
        except BaseException as error:
            made.close(f"it could not start ({type(error).__name__})")
            raise
        self._runtime = made
        return self

    def run(self, condition: int | AbstractRunCondition) -> None:
        """Run for a number of steps, or under a Lava RunCondition; may be called many times.

        Parameters
        ----------
        condition : int, RunSteps or RunContinuous
            Number of steps, or one of Lava's conditions. With ``RunSteps(n, blocking=False)`` or
            ``RunContinuous()`` this returns at once: see :meth:`wait` and :meth:`pause`.
        """
        wanted: Any = condition
        if not isinstance(condition, AbstractRunCondition):
            wanted = RunSteps(condition)
        network = self._started("run")
        self._goal = None
        # Before the start: a run that does not block is under way when this returns.
        n_steps = getattr(wanted, "num_steps", None)  # of whatever kind: the start checks it
        if isinstance(n_steps, int):
            self._goal = self.time_step + n_steps
        network.start(wanted)

    def wait(self) -> None:
        """Wait for the end of a run that does not block."""
        self._started("wait").wait()

    def pause(self) -> None:
        """Pause a run that does not block, to read or set Vars; run() continues."""
        self._started("pause").pause()

    def record(
        self, *targets: Var | OutPort, every: int = 1, **named: Var | OutPort
    ) -> NetworkRecording:
        """Record Vars and OutPorts of any Processes, ours or stock ones, in every step to come.

        Parameters
        ----------
        *targets : Var or OutPort
            What to record, called by its name, or ``"process.name"`` if names collide.
        every : int, default 1
            Record the time steps that are multiples of it.
        **named : Var or OutPort
            The same, called by names of your own.

        Returns
        -------
        NetworkRecording
            One array (T, ...) for each, also after the end.

        Raises
        ------
        TypeError, ValueError
            If a target is not a Var or OutPort, or not one of this network, if two are called the
            same, or if `every` is not a positive integer.
        RuntimeError
            If the network has not been started, has ended, or runs at the moment.

        Notes
        -----
        Call it between runs, as often as you like; a recording begins with the next step. A Var
        is recorded as it is at the end of a step, after learning. An OutPort as its receivers get
        it, with or without any; zeros if it sent nothing in a step.

        Examples
        --------
        >>> from lava.proc.lif.process import LIF
        >>> neuron = LIF(shape=(1,), bias_mant=1.0, vth=2.5)
        >>> with runtime(neuron, SQSSimCfg()) as net:
        ...     record = net.record(neuron.v, spikes=neuron.s_out)
        ...     net.run(4)
        >>> record.v.ravel().tolist(), record.spikes.ravel().tolist()
        ([1.0, 2.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0])
        """
        check_int("every", every, minimum=1)
        return self._started("record").record(name_targets(targets, named), every)

    def watch(
        self,
        *processes: AbstractProcess,
        steps: int | None = None,
        rate: float = 4.0,
        file: Any = None,
    ) -> Watch:
        """Show spikes, rates and purities while the network runs, in a ``with`` block.

        Parameters
        ----------
        *processes : AbstractProcess
            Which ones to show. None given: all that send spikes, that is have an OutPort `s_out`.
        steps : int, optional
            Time steps that the block makes, for the bar. None: those of the run at the moment.
        rate : float
            Pictures per second, at most: it draws less often if drawing takes long.
        file : file, optional
            Where to draw. None: in the notebook, or on standard error. What is no terminal gets a
            line every five seconds, and one at the end.

        Returns
        -------
        Watch
            A context manager.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value, or a Process is of another network or sends
            no spikes.
        RuntimeError
            If the network has not been started, has ended, or runs at the moment.

        Warns
        -----
        RuntimeWarning
            At the end, if something could not be drawn. The run is none the worse for it.

        Notes
        -----
        Models are asked for up to 64 steps of spikes, and for their memories once, per picture; in
        all other steps nothing is taken. So what is seen are samples, and the cost stays low. A
        purity is that of whole memories; it is not shown of trajectories and of very large ones.

        Examples
        --------
        >>> from lava.proc.lif.process import LIF
        >>> neuron = LIF(shape=(1,), bias_mant=1.0, vth=2.5)
        >>> with runtime(neuron, SQSSimCfg()) as net, net.watch():  # doctest: +SKIP
        ...     net.run(100_000)
        """
        return Watch(self._started("watch"), self._goal_of, processes, steps, rate, file)

    def _goal_of(self) -> int | None:
        """Return the last time step of the run, if it has one."""
        return self._goal

    def stop(self) -> None:
        """End the network; does nothing if it has ended or never started."""
        if self._runtime is not None:
            self._runtime.stop()

    @property
    def running(self) -> bool:
        """Whether the network is up."""
        return self._runtime is not None and not self._runtime.closed

    @property
    def time_step(self) -> int:
        """The latest time step begun; 0 before the first."""
        return self._runtime.time_step if self._runtime is not None else 0

    def __enter__(self) -> runtime:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        except RuntimeError:
            if error is None:  # otherwise the first error is the one to see
                raise

    def __repr__(self) -> str:
        state = "not started"
        if self._runtime is not None:
            state = f"time step {self.time_step}, {'running' if self.running else 'ended'}"
            state += f", {self._chosen}"
        return f"<runtime of {label(self.process)}: {state}>"

    def _started(self, method: str) -> NetworkRuntime:
        if self._runtime is None:
            raise RuntimeError(
                f"The network of {label(self.process)} has not been started: call {method}() "
                "inside `with runtime(...) as net:`, or after net = runtime(...).start()."
            )
        return self._runtime


def _compile(process: AbstractProcess, run_cfg: RunConfig, compile_config: dict[str, Any]) -> Any:
    """Compile the network, and leave it fresh if that fails, so that one can try again."""
    network = set(find_processes(process))
    used = next((p for p in network if p.is_compiled), None)
    if used is not None:
        raise RuntimeError(
            f"{label(used)} has been compiled for a network before, and Lava compiles a Process "
            "once. Stop that network if it still runs, and build the Processes again for this one, "
            "for example in a function that returns them. If you have called compile() yourself, "
            "pass what it returned: runtime(process, executable=...)."
        )
    for each in network:
        _check_monitor(each)
        # Ours, and our rules in stock connections, may refuse a network that cannot work.
        for part in (each, _private.learning_rule(each)):
            check = getattr(part, "_check_before_run", None)
            if check is not None:
                check(each, run_cfg)
        if getattr(_private.learning_rule(each), "reads_scores", False):
            check_rule(each)
    try:
        return process.compile(run_cfg, compile_config)
    except BaseException:
        for each in network:
            # one of sub-Processes cannot be built twice
            _private.set_compiled(each, len(list(each.procs)) > 0)
        raise


def _check_monitor(process: AbstractProcess) -> None:
    """Refuse a Monitor of two targets, which Lava promises and cannot build."""
    if isinstance(process, Monitor) and len(process.target_names) > 1:
        targets = ", ".join(f"'{owner}.{name}'" for owner, name in process.target_names.values())
        raise ValueError(
            f"{label(process)} probes {targets}, but a Monitor of Lava records one Var or OutPort. "
            "Make a Monitor for each, or use none and record all with net.record(...) in "
            "`with runtime(...) as net:`."
        )

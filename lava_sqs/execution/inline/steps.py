"""The phases of a time step, as LoihiProtocol has them, of models in this process.

SPK is for all. A model then asks for what Lava's runtime service grants to all in this order:
PRE_MGMT and LRN (if its guards say so), LRN, POST_MGMT. A model may also ask for a pause or for the
end of the run, which comes when no phase is left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lava.magma.compiler.channels.pypychannel import CspRecvPort
from lava.magma.core.model.py.model import PyLoihiProcessModel

from lava_sqs.execution.inline.build import Member
from lava_sqs.execution.inline.channels import SendEnd, shorten
from lava_sqs.execution.inline.turns import Turns
from lava_sqs.proc import _private

Phase = PyLoihiProcessModel.Phase
#: What failures call the phases.
ACTIVITY = {
    "SPK": "in run_spk",
    "PRE_MGMT": "in run_pre_mgmt",
    "LRN": "in run_lrn",
    "POST_MGMT": "in run_post_mgmt",
    "HOST": "in the host phase",
}


class Steps:
    """Takes the steps of a network.

    Parameters
    ----------
    turns : Turns
        Who lets models run.
    members : list of Member
        All, with their models.

    Attributes
    ----------
    time_step : int
        The step begun last.
    activity : str
        What its models do, or did last.
    """

    def __init__(self, turns: Turns, members: list[Member]) -> None:
        self._turns, self._members = turns, members
        self._order = list(members)  # in which they begin
        self.time_step = 0
        self.activity = ACTIVITY["HOST"]
        self._wants: set[str] = set()  # "pre", "lrn", "post", "pause", "stop"
        self._asking = {m: _has_guards(m.model) for m in members}
        self._with_phases = [m for m in members if self._asking[m]]
        self._advancing = {
            m: type(m.model).advance_to_time_step is not PyLoihiProcessModel.advance_to_time_step
            for m in members
        }
        self._silent = not self._with_phases and not any(self._advancing.values())
        turns.services = [
            (m, port, end)
            for m in members
            for port in m.model.var_ports
            for end in port.csp_ports
            if isinstance(end, CspRecvPort)
        ]
        self._planned = False

    def step(self) -> str | None:
        """Take a step; return "pause" or "stop" if a model asks for it."""
        self.time_step += 1
        self.activity = ACTIVITY["SPK"]
        if self._planned:
            self._turns.phase(self._order, self._spike)
        else:
            self._first_step()
        return self._later_phases(self._wants) if self._wants else None

    def _later_phases(self, wants: set[str]) -> str | None:
        if "pre" in wants:
            wants.remove("pre")
            self._phase("PRE_MGMT", "run_pre_mgmt", "pre_guard", self._after_pre)
        if "lrn" in wants:
            wants.remove("lrn")
            self._phase("LRN", "run_lrn", "lrn_guard", self._after_lrn)
        if "post" in wants:
            wants.remove("post")
            self._phase("POST_MGMT", "run_post_mgmt", "post_guard", _nothing)
        for request in "pause", "stop":
            if request in wants:
                wants.remove(request)
                return request
        return None

    def rest(self) -> None:
        """Go to the phase between runs: requests of RefPorts are answered, Vars can be read."""
        self.activity = ACTIVITY["HOST"]
        for member in self._members:
            member.model.__dict__["phase"] = Phase.HOST
        if self._turns.services:
            self._turns.serve_all()

    # -- SPK -------------------------------------------------------------------------------------

    def _spike(self, member: Member) -> None:
        model = member.model
        state = model.__dict__  # past Lava's __setattr__, which is about ports
        # Counted up before run_spk, as Lava does: a model reads the step that it is in.
        state["time_step"] += 1
        state["phase"] = Phase.SPK
        model.run_spk()
        if self._silent:
            if state[_private.PAUSE] or state[_private.STOP]:
                self._requested(state)
            return
        if self._advancing[member]:
            model.advance_to_time_step(model.time_step + 1)
        if self._requested(state) or not self._asking[member]:
            return
        wants = self._wants
        # Lava's own order of questions: each guard is called as often as there, for a guard may
        # count.
        if model.lrn_guard() and model.pre_guard():
            wants.add("pre")
        elif model.lrn_guard():
            wants.add("lrn")
        elif model.post_guard():
            wants.add("post")

    def _requested(self, state: dict[str, Any]) -> bool:
        """Take up a model's wish to pause or stop; return whether it has one."""
        if state[_private.PAUSE]:
            state[_private.PAUSE] = False
            self._wants.add("pause")
            return True
        if state[_private.STOP]:
            state[_private.STOP] = False
            self._wants.add("stop")
            return True
        return False

    def _first_step(self) -> None:
        """Take the first step, and see who can begin first in all others.

        A model that receives before it sends or ends comes after those who send to it, and in each
        circle of models one sends first. In this order hardly anybody has to wait.
        """
        effects: dict[Member, None] = {}
        ports = [port for member in self._members for port in member.model.py_ports]
        ends = [end for port in ports for end in port.csp_ports if isinstance(end, SendEnd)]
        before = [vars(end).get("send") for end in ends]  # what records
        for end in ends:
            end.__dict__["send"] = _noting(end, effects)

        def spike(member: Member) -> None:
            self._spike(member)
            # Who sends nothing before its end has its effect at its end.
            effects.setdefault(member)

        try:
            self._turns.phase(self._order, spike)
        finally:
            for end, send in zip(ends, before, strict=True):
                if send is None:
                    del end.__dict__["send"]
                else:
                    end.__dict__["send"] = send
        for port in ports:
            shorten(port)
        # In the order of first effects a message is there before its reader begins.
        self._order = list(effects)
        self._planned = True

    # -- later phases ----------------------------------------------------------------------------

    def _phase(self, name: str, run: str, guard: str, after: Callable[[Any], None]) -> None:
        """Let all go through a phase: those run whose guard says so, all answer."""
        phase = getattr(Phase, name)
        self.activity = ACTIVITY[name]
        for member in self._members:
            member.model.__dict__["phase"] = phase

        def act(member: Member) -> None:
            model = member.model
            if getattr(model, guard)():
                getattr(model, run)()
            if not self._requested(model.__dict__):
                after(model)

        self._turns.phase(self._with_phases, act, serve=name != "LRN")

    def _after_pre(self, model: Any) -> None:
        self._wants.add("lrn")

    def _after_lrn(self, model: Any) -> None:
        if model.post_guard():
            self._wants.add("post")


def _nothing(model: Any) -> None:
    """Ask for nothing."""


def _has_guards(model: Any) -> bool:
    """Whether a model may ask for more phases than SPK."""
    base = PyLoihiProcessModel
    return any(
        getattr(type(model), name) is not getattr(base, name) or name in vars(model)
        for name in ("pre_guard", "lrn_guard", "post_guard")
    )


def _noting(end: SendEnd, effects: dict[Member, None]) -> Callable[[Any], None]:
    """Return what sends, and notes who did."""
    send = end.send

    def noting(data: Any) -> None:
        effects.setdefault(end.owner)
        send(data)

    return noting

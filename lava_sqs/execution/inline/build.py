"""Making the models of a network in this process, as forks would see them."""

from __future__ import annotations

import copy
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np
from lava.magma.compiler.builders.channel_builder import ChannelBuilderMp
from lava.magma.compiler.builders.py_builder import PyProcessBuilder
from lava.magma.compiler.channels.interfaces import AbstractCspPort
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.process.ports.ports import AbstractPort, InPort, create_port_id
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from scipy.sparse import issparse

from lava_sqs.execution.base import label
from lava_sqs.execution.inline.channels import (
    Host,
    Mailbox,
    OuterRecv,
    OuterSend,
    Queue,
    RecvEnd,
    SendEnd,
    quicken,
)
from lava_sqs.proc import _private
from lava_sqs.recording import Recording


@dataclass(eq=False)
class Member:
    """A model of the network.

    Attributes
    ----------
    process : AbstractProcess
        Whose model it is.
    builder : PyProcessBuilder
        What made it.
    model : PyLoihiProcessModel
        None until it is made.
    """

    process: AbstractProcess
    builder: Any
    model: Any = None

    @property
    def label(self) -> str:
        """The name by which messages call it."""
        return label(self.process)


def obstacle(executable: Any) -> str | None:
    """Return why a network cannot run in one process; None if it can."""
    for process, builder in executable.proc_builders.items():
        name = f"{label(process)} has the model {builder.proc_model.__name__}, which"
        if not isinstance(builder, PyProcessBuilder):
            return f"{name} is not one in Python"
        if not issubclass(builder.proc_model, PyLoihiProcessModel):
            return f"{name} is asynchronous"
        if builder.proc_model.implements_protocol is not LoihiProtocol:
            return f"{name} follows {builder.proc_model.implements_protocol.__name__}"
        own = _private.overridden(builder.proc_model)
        if own:
            return f"{name} has a {own} of its own"
    for channel in executable.channel_builders:
        if type(channel) is not ChannelBuilderMp:
            return f"it has a channel to other hardware ({type(channel).__name__})"
    return None


def connect(members: dict[AbstractProcess, Member], executable: Any, host: Host) -> None:
    """Make the channels of a network, and hand their ends to the builders."""
    for channel in executable.channel_builders:
        source, target = members[channel.src_process], members[channel.dst_process]
        port, entry = channel.src_port_initializer, channel.dst_port_initializer
        queue = Queue()
        sender = SendEnd(port, queue, host, source, f"'{entry.name}' of {target.label}")
        # Lava's channel has the shape, the type and the size that the sender declares.
        peer = f"'{port.name}' of {source.label}"
        receiver = RecvEnd(port, queue, host, target, peer, entry.name)
        source.builder.set_csp_ports([sender])
        target.builder.set_csp_ports([receiver])
        target.builder.add_csp_port_mapping(create_port_id(source.process.id, port.name), receiver)


def open_outwards(member: Member, host: Host, bystander: Host, check: Callable[[], None]) -> None:
    """Make the channels between a model and other threads of the user."""
    for name, initializer in member.builder.py_ports.items():
        port = getattr(member.process, name)
        if not port.external_pipe_flag:
            continue
        pipe = copy.copy(initializer)
        pipe.size, queue, whole = port.external_pipe_buffer_size, Queue(), "outside the network"
        if isinstance(port, InPort):
            inner: Any = OuterRecv(pipe, queue, host, member, whole)
            outer: Any = OuterSend(pipe, queue, bystander, None, member.label)
            port.external_pipe_csp_send_port = outer
        else:
            inner = OuterSend(pipe, queue, host, member, whole)
            outer = OuterRecv(pipe, queue, bystander, None, member.label)
            port.external_pipe_csp_recv_port = outer
        inner.other, outer.other, outer.check = outer, inner, check
        member.builder.set_csp_ports([inner])


def build(member: Member, network: list[AbstractProcess]) -> None:
    """Make a model; what it changes of its Process's parameters stays its own."""
    builder = member.builder
    given = builder.proc_params
    builder.proc_params = isolated(given, network)
    try:
        model = builder.build()
    finally:
        builder.proc_params = given
        builder.csp_rs_recv_port["inline"] = Mailbox()  # it has been started once
    for name, initial in builder.vars.items():
        if issparse(initial.value) and getattr(model, name) is initial.value:
            setattr(model, name, initial.value.copy())
    model.service_to_process, model.process_to_service = Mailbox(), Mailbox()
    _private.quiet(model)
    for port in model.py_ports:
        port.start()
        quicken(port)
    member.model = model


# -- what a fork would copy ------------------------------------------------------------------------


def isolated(params: Any, network: list[AbstractProcess]) -> Any:
    """Return a copy of the parameters of a Process, sharing what a fork would share.

    That is memory mapped by several processes, and recordings, which live in it. What cannot be
    copied (locks, devices) is shared as well, and so are Processes.
    """
    memo: dict[int, Any] = {id(process): process for process in network}
    _share(params, memo, set())
    try:
        return copy.deepcopy(params, dict(memo))
    except Exception:  # something in it is not made to be copied
        return _copied_in_parts(params, memo)


def _copied_in_parts(params: Any, memo: dict[int, Any]) -> Any:
    """Return a copy in which those values that can be copied are copies."""
    found = copy.copy(params)
    values = _private.parameters(params)
    copies = {}
    for key, value in values.items():
        try:
            copies[key] = copy.deepcopy(value, dict(memo))
        except Exception:
            copies[key] = value
    _private.set_parameters(found, copies)
    return found


_PLAIN = (str, bytes, int, float, complex, bool, type(None), type, np.dtype)
_CODE = (FunctionType, BuiltinFunctionType, ModuleType)
_SHARED = (Recording, AbstractProcess, AbstractPort, AbstractCspPort, Var)


def _share(value: Any, memo: dict[int, Any], seen: set[int]) -> None:
    """Note in `memo` whatever in `value` is not to be copied."""
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, (*_PLAIN, *_CODE)) or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, _SHARED) or (isinstance(each, np.ndarray) and _is_mapped(each)):
            memo[id(each)] = each
        elif isinstance(each, np.ndarray):
            if each.dtype == object:
                todo += list(each.ravel())
        elif isinstance(each, dict):
            todo += [*each.keys(), *each.values()]
        elif isinstance(each, (list, tuple, set, frozenset)):
            todo += list(each)
        elif any(_is_mapped(part) for part in getattr(each, "__dict__", {}).values()):
            memo[id(each)] = each  # a handle of such memory, which may copy itself otherwise
        else:
            todo += list(getattr(each, "__dict__", {}).values())
            slots = [s for kind in type(each).__mro__ for s in getattr(kind, "__slots__", ())]
            todo += [getattr(each, slot, None) for slot in slots if isinstance(slot, str)]


def _is_mapped(array: Any) -> bool:
    """Whether an array lives in memory that forks share."""
    while isinstance(array, (np.ndarray, memoryview)):
        array = array.obj if isinstance(array, memoryview) else array.base
    return isinstance(array, mmap.mmap)

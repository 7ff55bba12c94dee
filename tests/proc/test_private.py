"""The private names of Lava that we touch are there, and do in this Lava what we use them for."""

import ast
import inspect
import threading
from pathlib import Path

import numpy as np
import pytest

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.magma.compiler.channels.pypychannel import CspRecvPort, CspRecvQueue, PyPyChannel
from lava.magma.compiler.exceptions import ProcessAlreadyCompiled
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import (
    PyInPortVectorDense,
    PyOutPortVectorDense,
    VirtualPortTransformer,
)
from lava.magma.core.process.process import ProcessParameters, ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.runtime.message_infrastructure.multiprocessing import MultiProcessing
from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND
from lava.magma.runtime.runtime import Runtime
from lava.magma.runtime.runtime_services.runtime_service import LoihiPyRuntimeService
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.extractor import VarWire
from lava.proc.io.injector import Injector, PyLoihiInjectorModel
from lava.proc.lif.models import PyLifModelFloat
from lava.proc.lif.process import LIF, LogConfig

from lava_sqs import SQSLearningRule
from lava_sqs.execution.running import SQSSimCfg
from lava_sqs.execution.supervision.guards import AnonymousMemory
from lava_sqs.proc import _private


def test_a_process_is_compiled_once_unless_that_is_forgotten():
    process = LIF(shape=(1,))
    assert not process.is_compiled
    process.compile(SQSSimCfg())
    assert process.is_compiled
    with pytest.raises(ProcessAlreadyCompiled):
        process.compile(SQSSimCfg())
    _private.set_compiled(process, False)
    assert process.model_class is not None
    _private.forget_model(process)
    assert process.model_class is None
    process.compile(SQSSimCfg())


def test_the_level_of_the_log():
    assert _private.log_level(LIF(shape=(1,), log_config=LogConfig(level=33))) == 33


@pytest.mark.parametrize("server", [ProcessServer(), VarServer()], ids=["Process", "Var"])
def test_ids_are_skipped(server):
    first = _private.next_id(server)
    assert server.get_next_id() == first
    _private.skip_ids(server, first + 9)
    _private.skip_ids(server, first)  # never backwards
    assert server.get_next_id() == first + 9


def test_models_of_a_process():
    assert PyLifModelFloat in _private.models_of(LIF(shape=(1,)))


def test_the_rule_of_a_connection():
    rule = SQSLearningRule()
    assert _private.learning_rule(LearningDense(weights=np.eye(2), learning_rule=rule)) is rule
    assert _private.learning_rule(Dense(weights=np.eye(2))) is None
    assert _private.learning_rule(LIF(shape=(1,))) is None


def test_the_shape_of_a_port_and_the_commands_of_a_model():
    model = PyLifModelFloat({"name": "lif"})
    port = PyOutPortVectorDense([], model, (2, 3), int)
    assert _private.port_shape(port) == (2, 3)
    handlers = _private.commands(model)
    assert {MGMT_COMMAND.GET_DATA[0], MGMT_COMMAND.SET_DATA[0]} <= set(handlers)
    assert _private.commands(model) is handlers  # to be changed
    assert "self._cmd_handlers[" in inspect.getsource(type(model).run)


def test_after_a_pause():
    calls = []
    service = type("Service", (), {"_handle_pause": lambda self: calls.append("pause")})()
    _private.after_pause(service, lambda: calls.append("then"))
    service._handle_pause()
    assert calls == ["pause", "then"]
    assert "self._handle_pause()" in inspect.getsource(LoihiPyRuntimeService.run)


def test_channels_wait_where_they_are_told_to():
    used = []

    class Queue(CspRecvQueue):
        def get(self, *args, **kwargs):
            used.append("queue")
            return super().get(*args, **kwargs)

    class Semaphore(threading.BoundedSemaphore):
        def acquire(self, *args, **kwargs):
            used.append("semaphore")
            return super().acquire(*args, **kwargs)

    class Memory(AnonymousMemory):
        def create_shared_memory(self, size):
            used.append("memory")
            return super().create_shared_memory(size)

    infrastructure = MultiProcessing()
    _private.set_memory(infrastructure, Memory())
    channel = PyPyChannel(infrastructure, "a", "b", (2,), np.int32, 2)
    assert used == ["memory"]
    sender, receiver = channel.src_port, channel.dst_port
    sender.start()
    receiver.start()
    queue = Queue(2)
    _private.set_queue(receiver, queue)
    assert _private.queue_of(receiver) is queue
    _private.set_semaphore(sender, Semaphore(2))
    sender.send(np.array([1, 2], np.int32))
    np.testing.assert_array_equal(receiver.recv(), [1, 2])
    assert used.count("semaphore") >= 1 <= used.count("queue")
    assert _private.unheard(receiver) == 0
    sender.join()
    receiver.join()


def test_what_an_engine_in_one_process_relies_on():
    assert _private.overridden(PyLifModelFloat) is None
    for name in ("_spike", "_lrn", "run"):
        own = type("Own", (PyLifModelFloat,), {name: lambda self: None})
        assert _private.overridden(own) == name
    model = PyLifModelFloat({"name": "lif"})
    assert vars(model)[_private.PAUSE] is vars(model)[_private.STOP] is False
    source = inspect.getsource(PyLoihiProcessModel)
    assert f"self.{_private.PAUSE} = False" in source
    assert f"self.{_private.STOP} = False" in source


@pytest.mark.parametrize(
    ("name", "asks"), [("_get_var", _private.reads_itself), ("_set_var", _private.sets_itself)]
)
def test_models_that_answer_themselves(name, asks):
    own = type("Own", (PyLifModelFloat,), {name: lambda self: None})
    lif = PyLifModelFloat({"name": "lif"})
    assert asks(own({"name": "lif"}))
    assert not asks(lif)
    assert name in [handler.__name__ for handler in _private.commands(lif).values()]


def test_the_end_of_lavas_injector_is_quiet(capsys):
    process = Injector(shape=(2,))
    model = PyLoihiInjectorModel(process.proc_params)
    _private.quiet(model)
    model.__del__()  # raises without
    other = PyLifModelFloat({"name": "lif"})
    _private.quiet(other)
    assert not hasattr(other, "_p_to_pm_dst_port")


def test_the_channel_of_a_varwire():
    wire, neuron = VarWire(), LIF(shape=(2,))
    wire.connect_var(neuron.v)
    assert isinstance(_private.wire_end(wire), CspRecvPort)
    assert _private.unheard(_private.wire_end(wire)) == 0
    assert _private.wire_end(neuron) is None
    _private.wire_end(wire).join()
    wire._multi_processing.stop()


@pytest.mark.parametrize("kind", [dict, ProcessParameters])
def test_parameters_of_a_process(kind):
    params = kind({"a": 1})
    assert _private.parameters(params) == {"a": 1}
    _private.set_parameters(params, {"a": 2})
    assert params["a"] == 2


def test_what_stands_before_an_inport():
    model = PyLifModelFloat({"name": "lif"})
    port = PyInPortVectorDense([], model, (2, 3), np.int8)
    assert _private.port_type(port) is np.int8
    assert _private.transform_of(_private.transformer(port), None)(5) == 5
    end = object()
    virtual = VirtualPortTransformer({"id": end}, {"id": [lambda x: x + 1, lambda x: 2 * x]})
    assert _private.transform_of(virtual, end)(3) == 8


@pytest.mark.parametrize("name", _private.INHERITED)
def test_what_the_supervised_runtime_inherits_is_there(name):
    assert name in dir(Runtime) or f"self.{name}" in inspect.getsource(Runtime.__init__)


def test_no_other_file_touches_private_names_of_lavas_objects():
    tree = ast.parse(inspect.getsource(_private))
    names = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr[0] == "_"}
    names.add("_learning_rule")
    assert len(names) > 9
    home = Path(_private.__file__)
    for room in ("proc", "execution", "testing"):
        for path in (home.parent.parent / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in names and path != home:
                    # ours may be called the same
                    assert ast.unparse(node.value) in ("self", "cls", "super()"), (
                        f"{path}: {node.attr}"
                    )

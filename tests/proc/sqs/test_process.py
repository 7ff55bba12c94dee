"""The interface of SQS: what its constructor takes, refuses and shows; nothing runs here."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from lava.magma.core.process.process import LogConfig
from lava.proc.dense.process import Dense

from lava_sqs import SQS, NoiseModel, Population, ansatz

PAPER = ansatz.paper()
TWO_IO = ansatz.layered(2, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"shape": 0}, ValueError, ["shape", "at least 1", "0"]),
        ({"shape": (2, -3)}, ValueError, ["shape", "at least 1", "-3"]),
        ({"shape": ()}, ValueError, ["shape", "at least one axis"]),
        ({"shape": 2.0}, TypeError, ["shape", "integer", "float"]),
        ({"shape": "ab"}, TypeError, ["shape", "integer", "str"]),
        ({"shape": None}, TypeError, ["shape", "integer", "NoneType"]),
        ({"io_qubits": 0}, ValueError, ["io_qubits", "at least 1"]),
        ({"memory_qubits": 0}, ValueError, ["memory_qubits", "at least 1"]),
        ({"memory_qubits": 1.5}, TypeError, ["memory_qubits", "integer"]),
        ({"memory_qubits": True}, TypeError, ["memory_qubits", "integer", "bool"]),
        ({"memory_qubits": 40}, ValueError, ["memory_qubits", "40"]),
        ({"layers": 0}, ValueError, ["layers", "at least 1"]),
        ({"ansatz": "layred"}, ValueError, ["ansatz", "'layered'", "Did you mean"]),
        ({"ansatz": 3}, TypeError, ["ansatz", "3"]),
        ({"ansatz": "paper", "memory_qubits": 2}, ValueError, ["memory_qubits", "paper", "2"]),
        ({"ansatz": PAPER, "memory_qubits": 2}, ValueError, ["memory_qubits", "ansatz", "2"]),
        ({"ansatz": TWO_IO, "io_qubits": 1}, ValueError, ["io_qubits", "2", "1"]),
        ({"ansatz": PAPER, "layers": 1}, ValueError, ["layers", "Ansatz object"]),
        ({"theta": [0.1, 0.2]}, ValueError, ["theta", "(3, 8)", "(2,)"]),
        ({"theta": np.zeros((2, 8))}, ValueError, ["theta", "(3, 8)", "(2, 8)"]),
        ({"theta": np.full(8, np.nan)}, ValueError, ["theta", "finite"]),
        ({"theta": [np.inf] * 8}, ValueError, ["theta", "finite"]),
        ({"theta": np.zeros(8, complex)}, TypeError, ["theta", "complex"]),
        ({"theta": "pi"}, TypeError, ["theta", "real numbers"]),
        ({"noise": 0.1}, TypeError, ["noise", "NoiseModel", "float"]),
        ({"current_scale": np.nan}, ValueError, ["current_scale", "finite"]),
        ({"current_scale": [1.0, 2.0]}, ValueError, ["current_scale", "()", "(2,)"]),
        ({"bias": [0.1, 0.2]}, ValueError, ["bias", "(3,)", "(2,)"]),
        ({"bias": np.inf}, ValueError, ["bias", "finite"]),
        ({"bias": None}, TypeError, ["bias", "real numbers"]),
        ({"backend": "numpy"}, ValueError, ["backend", "'instrument'", "'numpy'"]),
        ({"backend": 1}, TypeError, ["backend", "'instrument'"]),
        ({"seed": -1}, ValueError, ["seed", "at least 0", "-1"]),
        ({"seed": 1.0}, TypeError, ["seed", "integer", "float"]),
        ({"seed": "1"}, TypeError, ["seed", "integer", "str"]),
        ({"reset_interval": 0}, ValueError, ["reset_interval", "at least 1"]),
        ({"reset_interval": 2.0}, TypeError, ["reset_interval", "integer"]),
        ({"reset_interval": 3, "reset_offset": 3}, ValueError, ["reset_offset", "below", "3"]),
        ({"reset_interval": 3, "reset_offset": -1}, ValueError, ["reset_offset", "at least 0"]),
        ({"reset_offset": 1}, ValueError, ["reset_offset", "reset_interval"]),
        ({"dtype": np.int32}, ValueError, ["dtype", "float32", "int32"]),
        ({"dtype": "double precision"}, TypeError, ["dtype", "float64"]),
        ({"record": ("spikes",)}, ValueError, ["record", "'s_out'", "'spikes'"]),
        ({"record": 1}, TypeError, ["record", "list or tuple", "1"]),
        ({"name": 7}, TypeError, ["name", "str", "7"]),
        ({"log_config": "debug"}, TypeError, ["log_config", "LogConfig"]),
    ],
    ids=lambda case: repr(case)[:60] if isinstance(case, dict) else "",
)
def test_bad_arguments_are_refused_by_name(arguments, error, words):
    with pytest.raises(error) as caught:
        SQS(**{"shape": (3,), **arguments})
    for word in words:
        assert word in str(caught.value)


def test_unknown_and_positional_arguments_are_refused():
    with pytest.raises(TypeError, match="memory_qubit"):
        SQS(shape=(3,), memory_qubit=2)
    with pytest.raises(TypeError):
        SQS((3,))


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_refused_construction_leaves_no_half_made_process():
    """Lava's __del__ needs attributes that a constructor which raised has not set."""
    with pytest.raises(ValueError, match="shape"):
        SQS(shape=0)


@pytest.mark.parametrize("shape", [4, (4,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (2, 1)])
def test_ports_and_vars_have_the_documented_shapes(shape, sizes):
    sqs = SQS(shape=shape, io_qubits=sizes[0], memory_qubits=sizes[1], seed=0)
    neurons = (shape,) if isinstance(shape, int) else shape
    ports = neurons if sizes[0] == 1 else (*neurons, sizes[0])
    n_params = ansatz.layered(*sizes).n_params
    assert sqs.shape == neurons
    assert sqs.a_in.shape == sqs.s_out.shape == sqs.bias.shape == sqs.p_spike.shape == ports
    assert sqs.theta.shape == (*neurons, n_params)
    assert sqs.memory.shape == (*neurons, 4 ** sizes[1])
    for var in sqs.vars:
        assert np.shape(var.get()) == var.shape
        assert var.get().dtype == np.float64


def test_angles_are_those_of_population_and_readable_before_the_run():
    sqs = SQS(shape=(2, 3), memory_qubits=2, seed=11)
    twin = Population(ansatz.layered(1, 2), size=6, seed=11)
    np.testing.assert_array_equal(sqs.theta.get().reshape(6, -1), twin.theta)


def test_memory_starts_in_the_ground_state():
    np.testing.assert_array_equal(SQS(shape=(2,)).memory.get(), [[1, 0, 0, 1]] * 2)


def test_theta_and_bias_broadcast():
    theta = np.arange(3.0)
    sqs = SQS(shape=(2, 2), ansatz="paper", theta=theta, bias=[0.25, 0.5])
    np.testing.assert_array_equal(sqs.theta.get(), np.broadcast_to(theta, (2, 2, 3)))
    np.testing.assert_array_equal(sqs.bias.get(), [[0.25, 0.5]] * 2)


def test_a_circuit_object_fixes_the_qubits():
    sqs = SQS(shape=3, ansatz=TWO_IO)
    assert (sqs.io_qubits, sqs.memory_qubits, sqs.ansatz) == (2, 1, TWO_IO)
    assert SQS(shape=3, ansatz=TWO_IO, io_qubits=2).ansatz == TWO_IO


def test_a_seed_is_drawn_and_reported():
    first, second = SQS(shape=3), SQS(shape=3)
    assert first.seed != second.seed
    again = SQS(shape=3, seed=first.seed)
    np.testing.assert_array_equal(again.theta.get(), first.theta.get())


@pytest.mark.parametrize(
    "name",
    [
        *("noise", "ansatz", "seed", "backend", "shape", "dtype", "io_qubits", "memory_qubits"),
        *("current_scale", "reset_interval", "reset_offset", "record", "recording", "wraps"),
    ],
)
def test_fixed_attributes_say_how_to_get_a_new_process(name):
    with pytest.raises(AttributeError, match=rf"SQS\.{name} is fixed.*replace\("):
        setattr(SQS(shape=2), name, None)


@pytest.mark.parametrize("name", ["theta", "bias", "memory", "p_spike"])
def test_vars_cannot_be_replaced_by_values(name):
    with pytest.raises(AttributeError, match=rf"{name} is a Var.*{name}\.set\("):
        setattr(SQS(shape=2), name, 0.0)


def test_misspelled_attributes_are_refused():
    with pytest.raises(AttributeError, match="Did you mean 'noise'"):
        SQS(shape=2).niose = NoiseModel()


def test_lavas_own_attributes_stay_settable():
    sqs = SQS(shape=2)
    sqs.name = "other"
    assert sqs.name == sqs.proc_params["name"] == "other"


def test_replace_keeps_the_rest():
    sqs = SQS(shape=(2, 2), memory_qubits=2, seed=4, name="a", record=("s_out",), bias=0.5)
    new = sqs.replace(noise=NoiseModel(t1=1e-5, t2=1e-5))
    assert new is not sqs
    assert new.noise == NoiseModel(t1=1e-5, t2=1e-5)
    assert (new.seed, new.memory_qubits, new.name) == (4, 2, "a")
    assert tuple(new.recording) == ("s_out",)
    np.testing.assert_array_equal(new.theta.get(), sqs.theta.get())
    np.testing.assert_array_equal(new.bias.get(), sqs.bias.get())
    with pytest.raises(TypeError, match="nois"):
        sqs.replace(nois=None)


def test_connecting_another_shape_says_reshape():
    sqs, dense = SQS(shape=(2, 3), name="hidden"), Dense(weights=np.zeros((6, 6)))
    with pytest.raises(
        AssertionError, match=r"'a_in' of SQS Process 'hidden'.*a_out\.reshape\(\(2, 3\)\)"
    ):
        dense.a_out.connect(sqs.a_in)
    with pytest.raises(AssertionError, match=r"s_out\.reshape\("):
        sqs.s_out.connect(dense.s_in)
    assert type(pickle.loads(pickle.dumps(sqs.a_in.shape))) is tuple
    assert f"{sqs.a_in.shape} {sqs.s_out.shape!s} {sqs.a_in.shape!r}" == " ".join(["(2, 3)"] * 3)


def test_repr_and_str_say_what_it_is():
    noise = NoiseModel(t1=1e-4, t2=1e-4)
    sqs = SQS(shape=(2, 3), memory_qubits=2, seed=42, noise=noise, name="hidden")
    for text in (repr(sqs), str(sqs)):
        for part in ("hidden", "(2, 3)", "'layered'", "memory_qubits=2", str(noise), "42", "wraps"):
            assert part in text
    assert "floor_hits=0" in repr(sqs)


def test_no_recording_says_how_to_record():
    sqs = SQS(shape=2, log_config=LogConfig())
    assert sqs.recording.steps == len(sqs.recording) == 0
    with pytest.raises(AttributeError, match=r"'p_spike' is not recorded.*record=\('p_spike'"):
        _ = sqs.recording.p_spike
    assert SQS(shape=2, record="p_spike").recording.p_spike.shape == (0, 2)
    assert SQS(shape=2, record=["s_out", "s_out"]).recording.keys() == ("s_out",)


def test_importing_the_physics_does_not_import_lava():
    code = (
        "import sys, lava_sqs, lava_sqs.quantum\n"
        "assert lava_sqs.Population and lava_sqs.ansatz.paper\n"
        "assert {'SQS', 'runtime'} <= set(dir(lava_sqs))\n"
        "assert 'lava' not in sys.modules\n"
        "assert lava_sqs.SQS.__name__ == 'SQS' and 'lava' in sys.modules\n"
        "try: lava_sqs.SQ\n"
        "except AttributeError as error: assert 'SQ' in str(error)\n"
        "else: raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_exists():
    import lava_sqs

    assert [name for name in lava_sqs.__all__ if not hasattr(lava_sqs, name)] == []
